using Andrea.Backends;
using Andrea.Cpu.Gradients;
using Andrea.Tensors;

namespace Andrea.Cpu;

internal sealed unsafe partial class CpuBackend
{
    // Four neighbouring chunks at once: 1 MB of gradients, a good while for a thread, and still fine-grained enough to share evenly.
    private const int ChunksPerGrain = 4;

    public void GradNormPartial(ChunkTable table, DeviceBuffer<ChunkPartial> partials)
    {
        var work = new NormPartialWork { Chunks = (Chunk*)table.Chunks.Address, Partials = (ChunkPartial*)partials.Address };
        _team.Run(ref work, table.ChunkCount, ChunksPerGrain);
    }

    public void GradNormFinal(
        ChunkTable table, DeviceBuffer<ChunkPartial> partials, ClipSettings settings, DeviceBuffer<TensorNorm> tensorNorms, DeviceBuffer<ClipState> state) =>
        NormReduction.Run(
            (int*)table.FirstChunks.Address, table.TensorCount, (ChunkPartial*)partials.Address, settings,
            (TensorNorm*)tensorNorms.Address, (ClipState*)state.Address);

    public void GradScale(ChunkTable table, ClipOutcome clip)
    {
        var state = (ClipState*)clip.State.Address;
        if (state->Skip != 0 || state->Coefficient == 1)
            return;
        var work = new ScaleWork { Chunks = (Chunk*)table.Chunks.Address, Norms = (TensorNorm*)clip.Tensors.Address };
        _team.Run(ref work, table.ChunkCount, ChunksPerGrain);
    }

    public void AdamW(
        ChunkTable table,
        DeviceBuffer<AdamWTensor> tensors,
        AdamWSettings settings,
        DeviceBuffer<double> learningRate,
        DeviceBuffer<AdamWState> state,
        ClipOutcome? clip)
    {
        if (clip is not null && ((ClipState*)clip.State.Address)->Skip != 0)
            return;
        var progress = (AdamWState*)state.Address;
        var work = new AdamWWork
        {
            Chunks = (Chunk*)table.Chunks.Address,
            Tensors = (AdamWTensor*)tensors.Address,
            Settings = settings,
            Before = *progress,
            LearningRate = *(double*)learningRate.Address,
            Norms = clip is null ? null : (TensorNorm*)clip.Tensors.Address,
        };
        _team.Run(ref work, table.ChunkCount, ChunksPerGrain);
        progress->Step++;
        progress->Beta1Power *= settings.Beta1;
        progress->Beta2Power *= settings.Beta2;
    }

    private struct NormPartialWork : IRangeWork
    {
        public Chunk* Chunks;
        public ChunkPartial* Partials;

        public readonly void Run(long start, long end, int worker)
        {
            for (long i = start; i < end; i++)
                Partials[i] = SumOfSquares.OfChunk((float*)Chunks[i].Gradient, Chunks[i].Length);
        }
    }

    private struct ScaleWork : IRangeWork
    {
        public Chunk* Chunks;
        public TensorNorm* Norms;

        public readonly void Run(long start, long end, int worker)
        {
            for (long i = start; i < end; i++)
            {
                double coefficient = Norms[Chunks[i].Tensor].Coefficient;
                if (coefficient != 1)
                    GradientScale.OfChunk((float*)Chunks[i].Gradient, Chunks[i].Length, coefficient);
            }
        }
    }

    private struct AdamWWork : IRangeWork
    {
        public Chunk* Chunks;
        public AdamWTensor* Tensors;
        public AdamWSettings Settings;
        public AdamWState Before;
        public TensorNorm* Norms;
        public double LearningRate;

        public readonly void Run(long start, long end, int worker)
        {
            for (long i = start; i < end; i++)
            {
                Chunk chunk = Chunks[i];
                double coefficient = Norms == null ? 1 : Norms[chunk.Tensor].Coefficient;
                var scalars = new AdamWScalars(Settings, Before, Tensors[chunk.Tensor], LearningRate, coefficient);
                AdamWChunk.Step(
                    scalars, (float*)chunk.Gradient, (float*)chunk.Parameter, (float*)chunk.FirstMoment, (float*)chunk.SecondMoment, chunk.Length);
            }
        }
    }
}
