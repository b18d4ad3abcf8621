using BenchmarkDotNet.Attributes;

namespace Andrea.Benchmarks;

/// <summary>The same in TorchSharp.</summary>
public unsafe partial class AdamWBenchmark
{
    private TorchSharpOptimizer _torch = null!;

    [Benchmark, Traffic(28)]
    public void TorchSharp() => _torch.Step();

    /// <summary>Norm (a read), scaling (a read and a write), AdamW.</summary>
    [Benchmark, Traffic(40)]
    public void TorchSharpClipped()
    {
        _torch.Clip(maxNorm: 1);
        _torch.Step();
    }

    partial void SetupTorch() =>
        _torch = new TorchSharpOptimizer("cpu", Threads, [[N / 256, 256]], LearningRate, WeightDecay);

    partial void CleanupTorch() => _torch.Dispose();
}
