using Andrea.Backends;
using Andrea.Gpt;
using Andrea.Numerics;
using Andrea.Tensors;

namespace Andrea.Cli.Bench;

/// <summary>Times the optimizer's half of a step on a model's parameters: clipping, AdamW, and both.</summary>
/// <remarks>Each repetition runs all variants one after the other, so that a disturbance of the machine hits them alike.</remarks>
internal sealed class OptimizerBench : IDisposable
{
    private const int RandomBlockLength = 1 << 20;

    private readonly IBackend _backend;
    private readonly ParameterLayout _layout;
    private readonly ParameterArena _parameters, _gradients, _firstMoments, _secondMoments;
    private readonly ChunkTable _table;
    private readonly DeviceBuffer<ChunkPartial> _partials;
    private readonly DeviceBuffer<double> _learningRate;
    private readonly ClipOutcome _clip;
    private readonly DeviceBuffer<AdamWTensor> _tensors;
    private readonly DeviceBuffer<AdamWState> _state;
    private double _maxNorm = 1;

    public OptimizerBench(Device device, GptConfig config)
    {
        _backend = device.Backend;
        _layout = GptParameters.CreateLayout(config);
        _parameters = new ParameterArena(device, _layout);
        _gradients = new ParameterArena(device, _layout);
        _firstMoments = new ParameterArena(device, _layout);
        _secondMoments = new ParameterArena(device, _layout);
        FillRandom(_parameters, seed: 1, scale: 0.02);
        RefillGradients();
        _table = new ChunkTable(device, _gradients, _parameters, _firstMoments, _secondMoments);
        _partials = _backend.Allocate<ChunkPartial>(_table.ChunkCount);
        _learningRate = _backend.Allocate<double>(1);
        _learningRate.CopyFrom([1e-4]);
        _clip = new ClipOutcome(_backend.Allocate<ClipState>(1), _backend.Allocate<TensorNorm>(_table.TensorCount));
        _tensors = _backend.Allocate<AdamWTensor>(_table.TensorCount);
        _tensors.CopyFrom([.. Enumerable.Repeat(new AdamWTensor { WeightDecay = 0.1, LearningRateScale = 1 }, _table.TensorCount)]);
        _state = _backend.Allocate<AdamWState>(1);
        _state.CopyFrom([new AdamWState { Beta1Power = 1, Beta2Power = 1 }]);
    }

    /// <summary>Bytes that the arenas of a model take: parameters, gradients and both moments.</summary>
    public static long BytesFor(GptConfig config) => 4 * sizeof(float) * GptParameters.CreateLayout(config).ArenaLength;

    public IReadOnlyList<BenchResult> Run(int repetitions)
    {
        double count = _layout.ElementCount;
        var variants = new List<(string Name, double Bytes, Action Run)>
        {
            ("clip, norm only", 4 * count, Measure),
            ("clip, norm and scaling", 12 * count, MeasureAndScale),
            ("AdamW", 28 * count, () => Update(null)),
            ("clip and AdamW, fused", 32 * count, MeasureAndUpdate),
        };
        // Once launched, so that no kernel is loaded while it is recorded.
        MeasureAndUpdate();
        using IRecording recording = _backend.Record(MeasureAndUpdate);
        if (recording is not RepeatedWork)
            variants.Add(("clip and AdamW, fused, as a graph", 32 * count, recording.Launch));
        Timings[] timings = [.. variants.Select(_ => new Timings())];
        int[] counts = [.. variants.Select(_ => 1)];
        Warmup.Run(() => RunAll(variants, counts, [.. variants.Select(_ => new Timings())]));
        counts = [.. variants.Select(variant => BatchSize.For(_backend, variant.Run))];
        for (int repetition = 0; repetition < repetitions; repetition++)
            RunAll(variants, counts, timings);
        return [.. variants.Select((variant, i) => timings[i].ToResult(variant.Name, variant.Bytes))];
    }

    private void RunAll(List<(string Name, double Bytes, Action Run)> variants, int[] counts, Timings[] timings)
    {
        for (int i = 0; i < variants.Count; i++)
        {
            // Long before gradients become so small that they are rounded to zero, and nothing is left to scale.
            if (_maxNorm < 1e-6)
                RefillGradients();
            timings[i].Measure(variants[i].Run, counts[i], _backend.Synchronize);
        }
    }

    private void RefillGradients()
    {
        FillRandom(_gradients, seed: 2, scale: 0.01);
        _maxNorm = 1;
    }

    public void Dispose()
    {
        _state.Dispose();
        _tensors.Dispose();
        _clip.State.Dispose();
        _learningRate.Dispose();
        _clip.Tensors.Dispose();
        _partials.Dispose();
        _table.Dispose();
        _secondMoments.Dispose();
        _firstMoments.Dispose();
        _gradients.Dispose();
        _parameters.Dispose();
    }

    private void Measure()
    {
        // A smaller maximum every time, so that there is always something to scale.
        _maxNorm *= 0.99;
        var settings = new ClipSettings(_maxNorm, TorchFormula: false, SkipNonFinite: true);
        _backend.GradNormPartial(_table, _partials);
        _backend.GradNormFinal(_table, _partials, settings, _clip.Tensors, _clip.State);
    }

    private void MeasureAndScale()
    {
        Measure();
        _backend.GradScale(_table, _clip);
    }

    private void MeasureAndUpdate()
    {
        Measure();
        Update(_clip);
    }

    private void Update(ClipOutcome? clip) =>
        _backend.AdamW(_table, _tensors, new AdamWSettings(0.9, 0.999, 1e-8), _learningRate, _state, clip);

    /// <summary>One block of normal numbers again and again: as good as random for timing, and quick to make.</summary>
    private static void FillRandom(ParameterArena arena, ulong seed, double scale)
    {
        var random = new Philox(seed);
        var block = new float[Math.Min(RandomBlockLength, arena.Flat.Length)];
        for (int i = 0; i < block.Length; i++)
            block[i] = (float)(random.NextNormal() * scale);
        for (int tensor = 0; tensor < arena.Count; tensor++)
        {
            Tensor target = arena[tensor];
            for (long start = 0; start < target.Length; start += block.Length)
                target.CopyFrom(block.AsSpan(0, (int)Math.Min(block.Length, target.Length - start)), start);
        }
    }
}
