using BenchmarkDotNet.Attributes;

namespace Andrea.Benchmarks;

/// <summary>How fast can this machine's memory be read and written at all?</summary>
/// <remarks>In 2 MB pages, as all of Andrea's large buffers. <c>-- bandwidth</c> prints the same in a few seconds.</remarks>
[MemoryDiagnoser(displayGenColumns: false), Config(typeof(TrafficConfig))]
public class BandwidthBenchmark
{
    private Bandwidth _bandwidth = null!;

    /// <summary>Elements of each of three arrays: in the second-level cache, in the third, in memory.</summary>
    [Params(65_536, 1 << 20, 124_439_808)]
    public int N { get; set; }

    [ThreadCounts]
    public int Threads { get; set; }

    /// <summary>Whether memory is asked for ahead of its use.</summary>
    [Params(false, true)]
    public bool Prefetch { get; set; }

    [GlobalSetup]
    public void Setup() => _bandwidth = new Bandwidth(N, Threads);

    [GlobalCleanup]
    public void Cleanup() => _bandwidth.Dispose();

    [Benchmark, Traffic(4)]
    public void Read() => _bandwidth.Run(BandwidthKernel.Read, Prefetch);

    [Benchmark(Baseline = true), Traffic(12)]
    public void Triad() => _bandwidth.Run(BandwidthKernel.Triad, Prefetch);

    [Benchmark, Traffic(12)]
    public void StreamingTriad() => _bandwidth.Run(BandwidthKernel.StreamingTriad, Prefetch);

    [Benchmark, Traffic(12)]
    public void Update() => _bandwidth.Run(BandwidthKernel.Update, Prefetch);
}
