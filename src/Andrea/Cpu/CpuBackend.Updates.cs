using Andrea.Backends;
using Andrea.Cpu.Gradients;
using Andrea.Tensors;

namespace Andrea.Cpu;

internal sealed unsafe partial class CpuBackend
{
    public void AdamWMeasured(
        ChunkTable table,
        DeviceBuffer<AdamWTensor> tensors,
        AdamWSettings settings,
        DeviceBuffer<double> learningRate,
        DeviceBuffer<AdamWState> state,
        ClipOutcome? clip,
        DeviceBuffer<UpdateSums> partials)
    {
        var progress = (AdamWState*)state.Address;
        var work = new MeasuredWork
        {
            Chunks = (Chunk*)table.Chunks.Address,
            Tensors = (AdamWTensor*)tensors.Address,
            Partials = (UpdateSums*)partials.Address,
            Settings = settings,
            Before = *progress,
            LearningRate = *(double*)learningRate.Address,
            Norms = clip is null ? null : (TensorNorm*)clip.Tensors.Address,
            Skip = clip is not null && ((ClipState*)clip.State.Address)->Skip != 0,
        };
        _team.Run(ref work, table.ChunkCount, ChunksPerGrain);
        if (work.Skip)
            return;
        progress->Step++;
        progress->Beta1Power *= settings.Beta1;
        progress->Beta2Power *= settings.Beta2;
    }

    public void UpdateFinal(ChunkTable table, DeviceBuffer<UpdateSums> partials, DeviceBuffer<UpdateSums> updates)
    {
        var firstChunks = (int*)table.FirstChunks.Address;
        for (int tensor = 0; tensor < table.TensorCount; tensor++)
            ((UpdateSums*)updates.Address)[tensor] =
                UpdateReduction.OfTensor((UpdateSums*)partials.Address + firstChunks[tensor], firstChunks[tensor + 1] - firstChunks[tensor]);
    }

    private struct MeasuredWork : IRangeWork
    {
        public Chunk* Chunks;
        public AdamWTensor* Tensors;
        public UpdateSums* Partials;
        public AdamWSettings Settings;
        public AdamWState Before;
        public TensorNorm* Norms;
        public double LearningRate;
        public bool Skip;

        public readonly void Run(long start, long end, int worker)
        {
            var measure = new MeasureScalars(Settings, Before);
            for (long i = start; i < end; i++)
            {
                if (Skip)
                {
                    Partials[i] = AdamWChunk.MeasureSkipped(Chunks[i]);
                    continue;
                }
                double coefficient = Norms == null ? 1 : Norms[Chunks[i].Tensor].Coefficient;
                var scalars = new AdamWScalars(Settings, Before, Tensors[Chunks[i].Tensor], LearningRate, coefficient);
                Partials[i] = AdamWChunk.StepMeasured(scalars, measure, Chunks[i]);
            }
        }
    }
}
