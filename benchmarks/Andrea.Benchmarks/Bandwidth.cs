using Andrea.Cpu;

namespace Andrea.Benchmarks;

/// <summary>Three arrays in 2 MB pages and the threads to run over them.</summary>
internal sealed unsafe class Bandwidth : IDisposable
{
    private readonly ThreadTeam _team;
    private readonly HostMemory _a, _b, _c, _sums;
    private readonly int _grain;

    /// <param name="elements">Elements of an array; rounded up to whole unrolled loops.</param>
    /// <param name="threads">Number of threads, each of which gets one piece.</param>
    public Bandwidth(int elements, int threads)
    {
        Elements = RoundUp(elements);
        _grain = RoundUp((Elements + threads - 1) / threads);
        _team = new ThreadTeam(threads);
        _a = new HostMemory((long)Elements * sizeof(float));
        _b = new HostMemory((long)Elements * sizeof(float));
        _c = new HostMemory((long)Elements * sizeof(float));
        _sums = new HostMemory((long)threads * BandwidthWork.Granularity * sizeof(float));
        new Span<float>((void*)_b.Address, Elements).Fill(1);
        new Span<float>((void*)_c.Address, Elements).Fill(2);
    }

    /// <summary>Elements of an array.</summary>
    public int Elements { get; }

    /// <summary>Runs a kernel once over all elements.</summary>
    public void Run(BandwidthKernel kernel, bool prefetch)
    {
        var work = new BandwidthWork
        {
            Kernel = kernel,
            Prefetch = prefetch,
            A = (float*)_a.Address,
            B = (float*)_b.Address,
            C = (float*)_c.Address,
            Sums = (float*)_sums.Address,
        };
        _team.Run(ref work, Elements, _grain);
    }

    public void Dispose()
    {
        _sums.Dispose();
        _c.Dispose();
        _b.Dispose();
        _a.Dispose();
        _team.Dispose();
    }

    private static int RoundUp(int elements) =>
        checked((elements + BandwidthWork.Granularity - 1) / BandwidthWork.Granularity * BandwidthWork.Granularity);
}
