using Andrea.Clipping;
using Andrea.Optim;
using Andrea.Tensors;
using BenchmarkDotNet.Attributes;

namespace Andrea.Benchmarks;

/// <summary>What does an AdamW step cost, with and without clipping?</summary>
[MemoryDiagnoser(displayGenColumns: false), Config(typeof(TrafficConfig))]
public unsafe partial class AdamWBenchmark
{
    // So small that parameters stay where they are, however often a step is taken.
    private const double LearningRate = 1e-6, WeightDecay = 0.1;

    private Device _device = null!;
    private ParameterArena _parameters = null!, _gradients = null!;
    private GradClipper _clipper = null!;
    private AdamW _optimizer = null!, _clippedOptimizer = null!;
    private long _naiveSteps;

    /// <summary>Number of parameters; the largest is GPT-2 124M.</summary>
    [Params(1_024, 65_536, 1 << 20, 16 << 20, 124_439_808)]
    public int N { get; set; }

    /// <summary>Threads of Andrea and TorchSharp. The naive loop has one.</summary>
    [ThreadCounts]
    public int Threads { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _device = Device.Cpu(Threads);
        var layout = new ParameterLayout();
        layout.Add("weights", new TensorShape(N / 256, 256));
        _parameters = new ParameterArena(_device, layout);
        _gradients = new ParameterArena(_device, layout);
        RandomFill.Normal(_parameters, seed: 1, scale: 0.02f);
        RandomFill.Normal(_gradients, seed: 2, scale: 0.01f);
        // Below every norm here, so that there is always something to scale.
        _clipper = new GradClipper(_device, _gradients, new GradClipperOptions { MaxNorm = 0.01 });
        var options = new AdamWOptions { WeightDecay = WeightDecay };
        _optimizer = new AdamW(_device, _parameters, _gradients, options);
        _clippedOptimizer = new AdamW(_device, _parameters, _gradients, options, _clipper);
        SetupTorch();
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        CleanupTorch();
        _clippedOptimizer.Dispose();
        _optimizer.Dispose();
        _clipper.Dispose();
        _gradients.Dispose();
        _parameters.Dispose();
        _device.Dispose();
    }

    /// <summary>The formula as a loop.</summary>
    [Benchmark(Baseline = true), Traffic(28)]
    public void Naive()
    {
        const float beta1 = 0.9f, beta2 = 0.999f, epsilon = 1e-8f, rate = (float)LearningRate, decay = (float)WeightDecay;
        Span<float> p = Values(_parameters), g = Values(_gradients), m = Values(_optimizer.FirstMoments), v = Values(_optimizer.SecondMoments);
        _naiveSteps++;
        float correction1 = 1 - MathF.Pow(beta1, _naiveSteps), correction2 = 1 - MathF.Pow(beta2, _naiveSteps);
        for (int i = 0; i < p.Length; i++)
        {
            m[i] = beta1 * m[i] + (1 - beta1) * g[i];
            v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
            p[i] -= rate * (m[i] / correction1 / (MathF.Sqrt(v[i] / correction2) + epsilon) + decay * p[i]);
        }
    }

    /// <summary>AdamW alone.</summary>
    [Benchmark, Traffic(28)]
    public void Andrea() => _optimizer.Step(LearningRate);

    /// <summary>The exact norm, then clipping and AdamW in one pass.</summary>
    [Benchmark, Traffic(32)]
    public void AndreaClipped() => _clippedOptimizer.Step(LearningRate);

    partial void SetupTorch();

    partial void CleanupTorch();

    private Span<float> Values(ParameterArena arena) => new((void*)arena[0].Address, N);
}
