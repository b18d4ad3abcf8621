using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Andrea.Cpu;

namespace Andrea.Benchmarks;

/// <summary>Fused multiply-adds on registers alone, on a number of threads: the ceiling of matrix products and attention.</summary>
internal sealed unsafe class FmaPeak(int threads) : IDisposable
{
    // Many small pieces, so that a thread that comes late leaves no other waiting long.
    private const int PiecesPerThread = 64;

    private readonly ThreadTeam _team = new(threads);
    private readonly HostMemory _sums = new((long)threads * FmaWork.SumStride * sizeof(float));

    /// <summary>Width of the vectors that are used.</summary>
    public static int VectorBits => 8 * sizeof(float) * FmaWork.Lanes;

    /// <summary>Number of threads.</summary>
    public int Threads => threads;

    /// <summary>Floating-point operations of a run; a fused multiply-add is two.</summary>
    public double Operations => 2.0 * PiecesPerThread * threads * FmaWork.MultiplyAdds;

    /// <summary>Does all of them once: some hundredths of a second.</summary>
    public void Run()
    {
        var work = new FmaWork { Sums = (float*)_sums.Address };
        _team.Run(ref work, (long)PiecesPerThread * threads);
    }

    public void Dispose()
    {
        _sums.Dispose();
        _team.Dispose();
    }
}

/// <summary>One index is a fixed number of multiply-adds.</summary>
internal unsafe struct FmaWork : IRangeWork
{
    // More than a latency of 4 cycles times two units needs, and few enough for 16 registers.
    private const int Accumulators = 12;
    private const long Rounds = 400_000;

    /// <summary>Where each worker's sum lies, on a cache line of its own.</summary>
    public const int SumStride = 64;

    /// <summary>Takes the sums, so that they are not optimised away.</summary>
    public float* Sums;

    /// <summary>Floats of a vector.</summary>
    public static int Lanes => Vector512.IsHardwareAccelerated ? Vector512<float>.Count : Vector256<float>.Count;

    /// <summary>Multiply-adds of an index.</summary>
    public static double MultiplyAdds => (double)Rounds * Accumulators * Lanes;

    // Compiled for good at once, as the loops of BandwidthWork are.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long start, long end, int worker)
    {
        for (long i = start; i < end; i++)
            Sums[worker * SumStride] = Vector512.IsHardwareAccelerated ? Wide() : Narrow();
    }

    // All values go to 1: none becomes so small or so large that it would be computed more slowly.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Wide()
    {
        Vector512<float> a = Vector512.Create(0.75f), b = Vector512.Create(0.25f);
        Vector512<float> s0 = b, s1 = b, s2 = b, s3 = b, s4 = b, s5 = b, s6 = b, s7 = b, s8 = b, s9 = b, s10 = b, s11 = b;
        for (long i = 0; i < Rounds; i++)
        {
            s0 = Vector512.FusedMultiplyAdd(s0, a, b);
            s1 = Vector512.FusedMultiplyAdd(s1, a, b);
            s2 = Vector512.FusedMultiplyAdd(s2, a, b);
            s3 = Vector512.FusedMultiplyAdd(s3, a, b);
            s4 = Vector512.FusedMultiplyAdd(s4, a, b);
            s5 = Vector512.FusedMultiplyAdd(s5, a, b);
            s6 = Vector512.FusedMultiplyAdd(s6, a, b);
            s7 = Vector512.FusedMultiplyAdd(s7, a, b);
            s8 = Vector512.FusedMultiplyAdd(s8, a, b);
            s9 = Vector512.FusedMultiplyAdd(s9, a, b);
            s10 = Vector512.FusedMultiplyAdd(s10, a, b);
            s11 = Vector512.FusedMultiplyAdd(s11, a, b);
        }
        return Vector512.Sum(((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7)) + ((s8 + s9) + (s10 + s11)));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Narrow()
    {
        Vector256<float> a = Vector256.Create(0.75f), b = Vector256.Create(0.25f);
        Vector256<float> s0 = b, s1 = b, s2 = b, s3 = b, s4 = b, s5 = b, s6 = b, s7 = b, s8 = b, s9 = b, s10 = b, s11 = b;
        for (long i = 0; i < Rounds; i++)
        {
            s0 = Vector256.FusedMultiplyAdd(s0, a, b);
            s1 = Vector256.FusedMultiplyAdd(s1, a, b);
            s2 = Vector256.FusedMultiplyAdd(s2, a, b);
            s3 = Vector256.FusedMultiplyAdd(s3, a, b);
            s4 = Vector256.FusedMultiplyAdd(s4, a, b);
            s5 = Vector256.FusedMultiplyAdd(s5, a, b);
            s6 = Vector256.FusedMultiplyAdd(s6, a, b);
            s7 = Vector256.FusedMultiplyAdd(s7, a, b);
            s8 = Vector256.FusedMultiplyAdd(s8, a, b);
            s9 = Vector256.FusedMultiplyAdd(s9, a, b);
            s10 = Vector256.FusedMultiplyAdd(s10, a, b);
            s11 = Vector256.FusedMultiplyAdd(s11, a, b);
        }
        return Vector256.Sum(((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7)) + ((s8 + s9) + (s10 + s11)));
    }
}
