using BenchmarkDotNet.Attributes;

namespace Andrea.Benchmarks;

/// <summary>The same in TorchSharp.</summary>
public partial class GradClipBenchmark
{
    private TorchSharpOptimizer _torch = null!;

    /// <summary>Norm and scaling; PyTorch's formula scales always, and these gradients have the largest norm after the first run.</summary>
    [Benchmark, Traffic(12)]
    public double TorchSharp() => _torch.Clip(maxNorm: 1);

    partial void SetupTorch() =>
        _torch = new TorchSharpOptimizer("cpu", Threads, [[N]], learningRate: 1e-4, weightDecay: 0.1);

    partial void CleanupTorch() => _torch.Dispose();
}
