using System.Numerics.Tensors;
using Andrea.Backends;
using Andrea.Tensors;
using BenchmarkDotNet.Attributes;

namespace Andrea.Benchmarks;

/// <summary>What does clipping to a global norm cost, beside what one would write without Andrea?</summary>
/// <remarks>Every run measures the norm and scales each gradient, with 1/2 and 2 by turns, so that gradients stay as they are however often
/// it runs. <see cref="AndreaForAdamW"/> only measures: AdamW scales while it reads, see <see cref="AdamWBenchmark"/> for the sum of both.</remarks>
[MemoryDiagnoser(displayGenColumns: false), Config(typeof(TrafficConfig))]
public unsafe partial class GradClipBenchmark
{
    private Device _device = null!;
    private ParameterArena _gradients = null!;
    private ChunkTable _table = null!;
    private DeviceBuffer<ChunkPartial> _partials = null!;
    private DeviceBuffer<TensorNorm> _tensorNorms = null!;
    private DeviceBuffer<ClipState> _measured = null!;
    private ClipOutcome _half = null!, _double = null!;
    private bool _halved;

    /// <summary>Number of gradients; the largest is GPT-2 124M.</summary>
    [Params(1_024, 65_536, 1 << 20, 16 << 20, 124_439_808)]
    public int N { get; set; }

    /// <summary>Threads of Andrea and TorchSharp. The others have one.</summary>
    [ThreadCounts]
    public int Threads { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _device = Device.Cpu(Threads);
        var layout = new ParameterLayout();
        layout.Add("gradients", new TensorShape(N));
        _gradients = new ParameterArena(_device, layout);
        RandomFill.Normal(_gradients, seed: 1, scale: 0.01f);
        _table = new ChunkTable(_device, _gradients);
        _partials = _device.Backend.Allocate<ChunkPartial>(_table.ChunkCount);
        _tensorNorms = _device.Backend.Allocate<TensorNorm>(_table.TensorCount);
        _measured = _device.Backend.Allocate<ClipState>(1);
        _half = OutcomeOf(0.5);
        _double = OutcomeOf(2);
        SetupTorch();
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        CleanupTorch();
        foreach (ClipOutcome outcome in (ClipOutcome[])[_half, _double])
        {
            outcome.Tensors.Dispose();
            outcome.State.Dispose();
        }
        _measured.Dispose();
        _tensorNorms.Dispose();
        _partials.Dispose();
        _table.Dispose();
        _gradients.Dispose();
        _device.Dispose();
    }

    /// <summary>The loop that everyone writes first.</summary>
    [Benchmark(Baseline = true), Traffic(12)]
    public double Naive()
    {
        Span<float> gradients = Gradients;
        double sum = 0;
        for (int i = 0; i < gradients.Length; i++)
            sum += (double)gradients[i] * gradients[i];
        float coefficient = NextCoefficient();
        for (int i = 0; i < gradients.Length; i++)
            gradients[i] *= coefficient;
        return Math.Sqrt(sum);
    }

    /// <summary>The BCL's SIMD. Its norm is summed in float32, which loses digits over millions of gradients.</summary>
    [Benchmark, Traffic(12)]
    public float TensorPrimitivesNorm()
    {
        Span<float> gradients = Gradients;
        float norm = TensorPrimitives.Norm(gradients);
        TensorPrimitives.Multiply(gradients, NextCoefficient(), gradients);
        return norm;
    }

    /// <summary>The exact norm, then the scaling.</summary>
    [Benchmark, Traffic(12)]
    public void Andrea()
    {
        AndreaForAdamW();
        _device.Backend.GradScale(_table, NextCoefficient() < 1 ? _half : _double);
    }

    /// <summary>The exact norm and the decision, for AdamW to fold in.</summary>
    [Benchmark, Traffic(4)]
    public void AndreaForAdamW()
    {
        var settings = new ClipSettings(MaxNorm: 1, TorchFormula: false, SkipNonFinite: true);
        _device.Backend.GradNormPartial(_table, _partials);
        _device.Backend.GradNormFinal(_table, _partials, settings, _tensorNorms, _measured);
    }

    private ClipOutcome OutcomeOf(double coefficient)
    {
        var outcome = new ClipOutcome(_device.Backend.Allocate<ClipState>(1), _device.Backend.Allocate<TensorNorm>(1));
        outcome.State.CopyFrom([new ClipState { Coefficient = coefficient }]);
        outcome.Tensors.CopyFrom([new TensorNorm { Coefficient = coefficient }]);
        return outcome;
    }

    private Span<float> Gradients => new((void*)_gradients[0].Address, N);

    partial void SetupTorch();

    partial void CleanupTorch();

    private float NextCoefficient() => (_halved = !_halved) ? 0.5f : 2;
}
