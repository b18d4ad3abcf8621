using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Perfolizer.Horology;

namespace Andrea.Benchmarks;

/// <summary>How often and how long is measured.</summary>
internal static class Measurement
{
    /// <summary>A few seconds a benchmark. BenchmarkDotNet's own choice goes on until the scatter is small, which on a shared machine takes hours.</summary>
    /// <remarks>In this process, so that a build with <c>-p:TorchSharp</c> is the one that is measured.</remarks>
    public static Job Job { get; } = Job.Default
        .WithToolchain(InProcessEmitToolchain.Instance)
        .WithWarmupCount(2)
        .WithIterationCount(11)
        .WithIterationTime(TimeInterval.FromMilliseconds(250));
}
