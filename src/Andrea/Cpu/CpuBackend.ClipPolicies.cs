using Andrea.Backends;
using Andrea.Cpu.Gradients;
using Andrea.Tensors;

namespace Andrea.Cpu;

internal sealed unsafe partial class CpuBackend
{
    public void PrepareClipPolicies()
    {
    }

    public void ClipPerTensor(ClipSettings settings, ClipOutcome clip) =>
        ClipPolicyRules.PerTensor(settings, Elements(clip.Tensors), ref Elements(clip.State)[0]);

    public void ClipZScore(ClipSettings settings, ZClipSettings zClip, ClipOutcome clip, DeviceBuffer<ZClipState> state, DeviceBuffer<double> warmup) =>
        ClipPolicyRules.ZScore(settings, zClip, Elements(clip.Tensors), ref Elements(clip.State)[0], ref Elements(state)[0], Elements(warmup));

    public void ClipAdaGc(ClipSettings settings, AdaGcSettings adaGc, ClipOutcome clip, DeviceBuffer<long> steps, DeviceBuffer<double> runningNorms) =>
        ClipPolicyRules.AdaGc(settings, adaGc, Elements(clip.Tensors), ref Elements(clip.State)[0], ref Elements(steps)[0], Elements(runningNorms));

    public void GradClamp(ChunkTable table, DeviceBuffer<ChunkPartial> partials, float limit, ClipOutcome clip, DeviceBuffer<ClippedPart> parts)
    {
        if (Elements(clip.State)[0].Skip != 0)
            return;
        var work = new ClampWork
        {
            Chunks = (Chunk*)table.Chunks.Address,
            Partials = (ChunkPartial*)partials.Address,
            Limit = limit,
            Parts = (ClippedPart*)parts.Address,
        };
        _team.Run(ref work, table.ChunkCount, ChunksPerGrain);
    }

    public void GradAgc(ChunkTable table, DeviceBuffer<AgcTensor> tensors, AgcSettings agc, ClipOutcome clip, DeviceBuffer<ClippedPart> parts)
    {
        if (Elements(clip.State)[0].Skip != 0)
            return;
        for (int tensor = 0; tensor < table.TensorCount; tensor++)
        {
            AgcTensor units = Elements(tensors)[tensor];
            int count = Elements(tensors)[tensor + 1].FirstUnit - units.FirstUnit;
            if (count == 0)
                continue;
            var work = new AgcWork
            {
                Chunk = Elements(table.Chunks)[Elements(table.FirstChunks)[tensor]],
                UnitLength = units.UnitLength,
                Settings = agc,
                Parts = (ClippedPart*)parts.Address + units.FirstUnit,
            };
            _team.Run(ref work, count, RowsPerTake(units.UnitLength));
        }
    }

    public void ClipPartsFinal(DeviceBuffer<int> firstParts, DeviceBuffer<ClippedPart> parts, ClipOutcome clip) =>
        ClipPolicyRules.PartsFinal(Elements(firstParts), Elements(parts), Elements(clip.Tensors), ref Elements(clip.State)[0]);

    private static Span<T> Elements<T>(DeviceBuffer<T> buffer)
        where T : unmanaged => new((void*)buffer.Address, checked((int)buffer.Length));

    private struct ClampWork : IRangeWork
    {
        public Chunk* Chunks;
        public ChunkPartial* Partials;
        public float Limit;
        public ClippedPart* Parts;

        public readonly void Run(long start, long end, int worker)
        {
            for (long i = start; i < end; i++)
            {
                double sum = Partials[i].SumOfSquares;
                bool changed = GradientClamp.OfChunk((float*)Chunks[i].Gradient, Chunks[i].Length, Partials[i].MaxMagnitudeBits, Limit);
                if (changed)
                    sum = SumOfSquares.OfChunk((float*)Chunks[i].Gradient, Chunks[i].Length).SumOfSquares;
                Parts[i] = new ClippedPart { SumOfSquares = sum, Changed = changed ? 1 : 0 };
            }
        }
    }

    private struct AgcWork : IRangeWork
    {
        public Chunk Chunk;
        public long UnitLength;
        public AgcSettings Settings;
        public ClippedPart* Parts;

        public readonly void Run(long start, long end, int worker)
        {
            for (long unit = start; unit < end; unit++)
            {
                nint offset = (nint)(unit * UnitLength);
                Parts[unit] = Chunk.Length == 0
                    ? default
                    : AgcUnit.Clip(Settings, (float*)Chunk.Gradient + offset, (float*)Chunk.Parameter + offset, UnitLength);
            }
        }
    }
}
