using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Andrea.Cpu;

namespace Andrea.Benchmarks;

/// <summary>What a loop of <see cref="BandwidthWork"/> does.</summary>
internal enum BandwidthKernel
{
    /// <summary>Sums b: reads 4 bytes an element.</summary>
    Read,

    /// <summary>STREAM's triad, a = b + s c: reads 8 bytes an element, writes 4. Caches read a first, which STREAM does not count.</summary>
    Triad,

    /// <summary>Triad with stores that go around the caches.</summary>
    StreamingTriad,

    /// <summary>b = b + s c, in place as optimizers do it: reads 8 bytes an element, writes 4, and nothing is read in vain.</summary>
    Update,
}

/// <summary>Loops that do nothing but move memory: the ceiling that clipping and AdamW are held against.</summary>
internal unsafe struct BandwidthWork : IRangeWork
{
    private const int Lanes = 16, Unroll = 4;

    // As far ahead as the optimizer asks for memory: the hardware's own prefetcher stops at the end of a 4 KB page.
    private const int PrefetchElements = 512;

    /// <summary>Which loop.</summary>
    public BandwidthKernel Kernel;

    /// <summary>Whether to ask for memory ahead of its use.</summary>
    public bool Prefetch;

    /// <summary>Arrays at addresses that are multiples of 64.</summary>
    public float* A, B, C;

    /// <summary>Takes the sums, so that they are not optimised away.</summary>
    public float* Sums;

    /// <summary>Elements that a loop handles at once: counts and grains are multiples.</summary>
    public const int Granularity = Lanes * Unroll;

    /// <summary>Bytes that a kernel moves for each element, counted as STREAM does.</summary>
    public static int BytesPerElement(BandwidthKernel kernel) => kernel == BandwidthKernel.Read ? 4 : 12;

    // Compiled for good at once: a loop this long would otherwise run its first rounds unoptimised.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long start, long end, int worker)
    {
        switch (Kernel)
        {
            case BandwidthKernel.Read:
                Sums[worker * Granularity] = Sum(start, end);
                break;
            case BandwidthKernel.Triad:
                Triad(start, end);
                break;
            case BandwidthKernel.StreamingTriad:
                StreamingTriad(start, end);
                break;
            default:
                Update(start, end);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly float Sum(long start, long end)
    {
        Vector512<float> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
        for (long i = start; i < end; i += Granularity)
        {
            Ahead(B + i);
            sum0 += Vector512.Load(B + i);
            sum1 += Vector512.Load(B + i + Lanes);
            sum2 += Vector512.Load(B + i + 2 * Lanes);
            sum3 += Vector512.Load(B + i + 3 * Lanes);
        }
        return Vector512.Sum((sum0 + sum1) + (sum2 + sum3));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Triad(long start, long end)
    {
        Vector512<float> s = Vector512.Create(0.5f);
        for (long i = start; i < end; i += Granularity)
        {
            Ahead(A + i);
            Ahead(B + i);
            Ahead(C + i);
            for (int k = 0; k < Granularity; k += Lanes)
                Value(B, C, i + k, s).Store(A + i + k);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void StreamingTriad(long start, long end)
    {
        Vector512<float> s = Vector512.Create(0.5f);
        for (long i = start; i < end; i += Granularity)
        {
            Ahead(B + i);
            Ahead(C + i);
            for (int k = 0; k < Granularity; k += Lanes)
                Value(B, C, i + k, s).StoreAlignedNonTemporal(A + i + k);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Update(long start, long end)
    {
        // Small enough that b stays finite however often this runs.
        Vector512<float> s = Vector512.Create(1e-9f);
        for (long i = start; i < end; i += Granularity)
        {
            Ahead(B + i);
            Ahead(C + i);
            for (int k = 0; k < Granularity; k += Lanes)
                Value(B, C, i + k, s).Store(B + i + k);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Value(float* b, float* c, long i, Vector512<float> s) =>
        Vector512.FusedMultiplyAdd(s, Vector512.Load(c + i), Vector512.Load(b + i));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Ahead(float* values)
    {
        if (!Prefetch || !Sse.IsSupported)
            return;
        for (int k = 0; k < Granularity; k += Lanes)
            Sse.Prefetch0(values + PrefetchElements + k);
    }
}
