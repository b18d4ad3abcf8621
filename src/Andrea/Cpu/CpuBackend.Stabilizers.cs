using Andrea.Backends;
using Andrea.Cpu.Gradients;
using Andrea.Tensors;

namespace Andrea.Cpu;

internal sealed unsafe partial class CpuBackend
{
    public void SoftSign(in UpdateOperands operands, SoftSignSettings settings, DeviceBuffer<UpdateSums>? partials)
    {
        var work = new SoftSignWork { Update = new UpdateWork(operands, partials), Settings = settings };
        _team.Run(ref work, operands.Table.ChunkCount, ChunksPerGrain);
        if (!work.Update.Skip)
            ((AdamWState*)operands.State.Address)->Step++;
    }

    public void Stabilize(in UpdateOperands operands, AdamWSettings settings, StabilizerMemory memory)
    {
        var work = new StabilizerWork
        {
            Update = new UpdateWork(operands, null),
            Settings = settings,
            Stabilizer = *(StabilizerSettings*)memory.Settings.Address,
            History = (TensorHistory*)memory.History.Address,
            Sums = (double*)memory.Partials.Address,
        };
        if (work.Update.Skip)
            return;
        if (memory.Kind != StabilizerKind.Spam)
            _team.Run(ref work, operands.Table.ChunkCount, ChunksPerGrain);
        var warmup = new ReadOnlySpan<double>((double*)memory.Warmup.Address, (int)memory.Warmup.Length);
        for (int tensor = 0; tensor < operands.Table.TensorCount; tensor++)
            ((TensorStep*)memory.Steps.Address)[tensor] = work.Decide(tensor, (int*)operands.Table.FirstChunks.Address, warmup);
    }

    public void AdamWStabilized(in UpdateOperands operands, AdamWSettings settings, StabilizerMemory memory, DeviceBuffer<UpdateSums>? partials)
    {
        var state = (AdamWState*)operands.State.Address;
        var work = new StabilizedWork
        {
            Update = new UpdateWork(operands, partials),
            Settings = settings,
            Steps = (TensorStep*)memory.Steps.Address,
            Before = ((StabilizerSettings*)memory.Settings.Address)->Before(*state),
        };
        _team.Run(ref work, operands.Table.ChunkCount, ChunksPerGrain);
        if (work.Update.Skip)
            return;
        state->Step++;
        state->Beta1Power = work.Before.Beta1Power * settings.Beta1;
        state->Beta2Power = work.Before.Beta2Power * settings.Beta2;
    }

    /// <summary>What all these updates have in common.</summary>
    private readonly struct UpdateWork(in UpdateOperands operands, DeviceBuffer<UpdateSums>? partials)
    {
        public readonly Chunk* Chunks = (Chunk*)operands.Table.Chunks.Address;
        public readonly AdamWState Before = *(AdamWState*)operands.State.Address;
        public readonly double LearningRate = *(double*)operands.LearningRate.Address;
        public readonly bool Skip = operands.Clip is not null && ((ClipState*)operands.Clip.State.Address)->Skip != 0;
        public readonly TensorNorm* Norms = operands.Clip is null ? null : (TensorNorm*)operands.Clip.Tensors.Address;
        private readonly AdamWTensor* _tensors = (AdamWTensor*)operands.Tensors.Address;
        private readonly UpdateSums* _partials = partials is null ? null : (UpdateSums*)partials.Address;

        public AdamWTensor TensorOf(in Chunk chunk) => _tensors[chunk.Tensor];

        public double CoefficientOf(int tensor) => Norms == null ? 1 : Norms[tensor].Coefficient;

        /// <summary>Skips chunk i, and says so.</summary>
        public bool Skips(long i)
        {
            if (Skip && _partials != null)
                _partials[i] = UpdateLoop.MeasureSkipped(Chunks[i]);
            return Skip;
        }

        public void Run<TRule>(long i, in TRule rule, in MeasureScalars measure)
            where TRule : struct, IUpdateRule
        {
            if (_partials == null)
                UpdateLoop.Run(rule, Chunks[i]);
            else
                _partials[i] = UpdateLoop.Measure(rule, measure, Chunks[i]);
        }
    }

    private struct SoftSignWork : IRangeWork
    {
        public UpdateWork Update;
        public SoftSignSettings Settings;

        public readonly void Run(long start, long end, int worker)
        {
            for (long i = start; i < end; i++)
            {
                Chunk chunk = Update.Chunks[i];
                if (!Update.Skips(i))
                    Update.Run(
                        i, new SoftSignScalars(Settings, Update.TensorOf(chunk), Update.LearningRate, Update.CoefficientOf(chunk.Tensor)),
                        MeasureScalars.Unbiased);
            }
        }
    }

    private struct StabilizedWork : IRangeWork
    {
        public UpdateWork Update;
        public AdamWSettings Settings;
        public AdamWState Before;
        public TensorStep* Steps;

        public readonly void Run(long start, long end, int worker)
        {
            MeasureScalars measure = MeasureScalars.Of(Settings, Before);
            for (long i = start; i < end; i++)
            {
                Chunk chunk = Update.Chunks[i];
                if (!Update.Skips(i))
                    Update.Run(
                        i,
                        new StabilizedScalars(
                            Settings, Before, Update.TensorOf(chunk), Update.LearningRate, Update.CoefficientOf(chunk.Tensor), Steps[chunk.Tensor]),
                        measure);
            }
        }
    }

    private struct StabilizerWork : IRangeWork
    {
        public UpdateWork Update;
        public AdamWSettings Settings;
        public StabilizerSettings Stabilizer;
        public TensorHistory* History;
        public double* Sums;

        public readonly void Run(long start, long end, int worker)
        {
            MeasureScalars measure = MeasureScalars.Of(Settings, Update.Before);
            for (long i = start; i < end; i++)
            {
                Chunk chunk = Update.Chunks[i];
                double coefficient = Update.CoefficientOf(chunk.Tensor);
                if (Stabilizer.Kind == (int)StabilizerKind.UpdateRms)
                    Sums[i] = StabilizerSums.OfRatios(new AdamWScalars(Settings, Update.Before, default, 0, coefficient), measure, chunk);
                else if (LimitOf(chunk.Tensor) is { Clips: true } limit)
                    Sums[i] = StabilizerSums.OfSquares(coefficient, limit, chunk);
            }
        }

        public readonly TensorStep Decide(int tensor, int* firstChunks, ReadOnlySpan<double> warmup)
        {
            int first = firstChunks[tensor], count = firstChunks[tensor + 1] - first;
            switch ((StabilizerKind)Stabilizer.Kind)
            {
                case StabilizerKind.Spam:
                    return StabilizerDecision.OfNumber(Stabilizer, warmup, Update.Before.Step + 1);
                case StabilizerKind.UpdateRms:
                    Chunk last = count == 0 ? default : Update.Chunks[first + count - 1];
                    return StabilizerDecision.OfRatios(StabilizerSums.OfTensor(Sums + first, count), last.Length == 0 ? 0 : last.Start + last.Length);
                default:
                    SpikeLimit limit = LimitOf(tensor);
                    double norm = limit.Clips ? Math.Sqrt(StabilizerSums.OfTensor(Sums + first, count)) : Update.Norms[tensor].NormAfter;
                    bool isPresent = count > 0 && Update.Chunks[first].Length > 0;
                    return StabilizerDecision.OfNorm(
                        Stabilizer, limit, norm, isPresent, Stabilizer.ResetsAt(Update.Before.Step + 1), ref History[tensor]);
            }
        }

        private readonly SpikeLimit LimitOf(int tensor) =>
            StabilizerDecision.LimitOf(Stabilizer, History[tensor], Update.Norms[tensor], Update.CoefficientOf(tensor));
    }
}
