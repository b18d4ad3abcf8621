using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Cpu.Gradients;

/// <summary>Sum of squares, largest magnitude and non-finite count of one chunk, in the order that <see cref="IGradientOps.GradNormPartial"/> fixes.</summary>
internal static unsafe class SumOfSquares
{
    /// <summary>Elements of a strip.</summary>
    public const int StripLength = Chunk.StripLength;

    private const int StripCount = Chunk.MaxLength / StripLength;
    private const int RowLength = 128;
    private const uint MagnitudeMask = 0x7FFF_FFFF;
    private const uint InfinityBits = 0x7F80_0000;

    // How far ahead of the sums memory is asked for: two pages, where the hardware's own prefetcher stops at one.
    private const int PrefetchBytes = 8192;

    /// <summary>The partial of the <paramref name="length"/> elements at <paramref name="values"/>.</summary>
    public static ChunkPartial OfChunk(float* values, int length)
    {
        double* strips = stackalloc double[StripCount];
        uint maxBits = 0;
        for (int strip = 0; strip < StripCount; strip++)
        {
            int count = Math.Clamp(length - strip * StripLength, 0, StripLength);
            strips[strip] = count == 0 ? 0 : OfStrip(values + strip * StripLength, count, ref maxBits);
        }
        for (int half = StripCount / 2; half > 0; half /= 2)
            for (int k = 0; k < half; k++)
                strips[k] += strips[k + half];
        var partial = new ChunkPartial { SumOfSquares = strips[0], MaxMagnitudeBits = maxBits, FirstNonFinite = -1 };
        if (maxBits >= InfinityBits)
            DescribeNonFinite(values, length, ref partial);
        return partial;
    }

    /// <summary>The sum of squares of at most <see cref="StripLength"/> elements, in a strip's order.</summary>
    public static double OfStrip(float* values, int count)
    {
        uint maxBits = 0;
        return OfStrip(values, count, ref maxBits);
    }

    /// <summary>Counts what is not finite, and gives sum and magnitude the one NaN that all devices agree on.</summary>
    private static void DescribeNonFinite(float* values, int length, ref ChunkPartial partial)
    {
        for (int i = 0; i < length; i++)
        {
            if (float.IsFinite(values[i]))
                continue;
            if (partial.NonFiniteCount++ == 0)
                partial.FirstNonFinite = i;
        }
        bool anyNaN = partial.MaxMagnitudeBits > InfinityBits;
        partial.MaxMagnitudeBits = anyNaN ? CanonicalNaN.SingleBits : InfinityBits;
        partial.SumOfSquares = anyNaN ? CanonicalNaN.Double : double.PositiveInfinity;
    }

    private static double OfStrip(float* values, int count, ref uint maxBits)
    {
        int rows = count / RowLength;
        float* lastRow = stackalloc float[RowLength];
        int rest = count - rows * RowLength;
        if (rest > 0)
        {
            new Span<float>(lastRow, RowLength).Clear();
            Unsafe.CopyBlockUnaligned(lastRow, values + rows * RowLength, (uint)(rest * sizeof(float)));
        }
        else
        {
            lastRow = null;
        }
        return Vector512.IsHardwareAccelerated ? InOnePass(values, rows, lastRow, ref maxBits) : InFourPasses(values, rows, lastRow, ref maxBits);
    }

    /// <summary>All 128 accumulators at once: 16 registers of 8 doubles.</summary>
    private static double InOnePass(float* values, int rows, float* lastRow, ref uint maxBits)
    {
        Vector512<double> a0 = default, a1 = default, a2 = default, a3 = default, a4 = default, a5 = default, a6 = default, a7 = default;
        Vector512<double> b0 = default, b1 = default, b2 = default, b3 = default, b4 = default, b5 = default, b6 = default, b7 = default;
        Vector512<uint> max0 = default, max1 = default;
        int total = lastRow == null ? rows : rows + 1;
        for (int r = 0; r < total; r++)
        {
            float* row = r < rows ? values + r * RowLength : lastRow;
            if (Sse.IsSupported)
                PrefetchRow((byte*)row + PrefetchBytes);
            AddSquares(row, ref a0, ref a1, ref a2, ref a3, ref max0);
            AddSquares(row + 32, ref a4, ref a5, ref a6, ref a7, ref max1);
            AddSquares(row + 64, ref b0, ref b1, ref b2, ref b3, ref max0);
            AddSquares(row + 96, ref b4, ref b5, ref b6, ref b7, ref max1);
        }
        maxBits = Math.Max(maxBits, MaxLane(Vector512.Max(max0, max1)));
        return Join(
            (a0 + b0) + (a4 + b4), (a1 + b1) + (a5 + b5), (a2 + b2) + (a6 + b6), (a3 + b3) + (a7 + b7));
    }

    /// <summary>The same accumulators a quarter at a time, for processors whose registers would not hold them all. The strip stays in the first-level cache.</summary>
    private static double InFourPasses(float* values, int rows, float* lastRow, ref uint maxBits)
    {
        Vector512<double>* quarters = stackalloc Vector512<double>[16];
        Vector512<uint> max = default;
        int total = lastRow == null ? rows : rows + 1;
        for (int quarter = 0; quarter < 4; quarter++)
        {
            Vector512<double> a0 = default, a1 = default, a2 = default, a3 = default;
            for (int r = 0; r < total; r++)
                AddSquares((r < rows ? values + r * RowLength : lastRow) + quarter * 32, ref a0, ref a1, ref a2, ref a3, ref max);
            quarters[quarter * 4] = a0;
            quarters[quarter * 4 + 1] = a1;
            quarters[quarter * 4 + 2] = a2;
            quarters[quarter * 4 + 3] = a3;
        }
        maxBits = Math.Max(maxBits, MaxLane(max));
        for (int k = 0; k < 8; k++)
            quarters[k] += quarters[k + 8];
        return Join(quarters[0] + quarters[4], quarters[1] + quarters[5], quarters[2] + quarters[6], quarters[3] + quarters[7]);
    }

    /// <summary>Adds the squares of 32 neighbours to four accumulator registers. A float's square is exact in double, so a fused product changes nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddSquares(
        float* values, ref Vector512<double> a0, ref Vector512<double> a1, ref Vector512<double> a2, ref Vector512<double> a3, ref Vector512<uint> max)
    {
        Vector512<double> x0 = Widen(values), x1 = Widen(values + 8), x2 = Widen(values + 16), x3 = Widen(values + 24);
        a0 = MultiplyAdd(x0, a0);
        a1 = MultiplyAdd(x1, a1);
        a2 = MultiplyAdd(x2, a2);
        a3 = MultiplyAdd(x3, a3);
        Vector512<uint> mask = Vector512.Create(MagnitudeMask);
        max = Vector512.Max(max, Vector512.Load((uint*)values) & mask);
        max = Vector512.Max(max, Vector512.Load((uint*)values + 16) & mask);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> MultiplyAdd(Vector512<double> x, Vector512<double> sum) =>
        Vector512.IsHardwareAccelerated ? Vector512.FusedMultiplyAdd(x, x, sum) : sum + x * x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> Widen(float* values)
    {
        if (Avx512F.IsSupported)
            return Avx512F.ConvertToVector512Double(Vector256.Load(values));
        (Vector256<double> lower, Vector256<double> upper) = Vector256.Widen(Vector256.Load(values));
        return Vector512.Create(lower, upper);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PrefetchRow(byte* row)
    {
        for (int line = 0; line < RowLength * sizeof(float); line += 64)
            Sse.Prefetch0(row + line);
    }

    /// <summary>The steps + 16, 8, 4, 2, 1 over what is left after + 64 and + 32.</summary>
    private static double Join(Vector512<double> s0, Vector512<double> s1, Vector512<double> s2, Vector512<double> s3)
    {
        Vector512<double> eight = (s0 + s2) + (s1 + s3);
        Vector256<double> four = eight.GetLower() + eight.GetUpper();
        Vector128<double> two = four.GetLower() + four.GetUpper();
        return two[0] + two[1];
    }

    private static uint MaxLane(Vector512<uint> max)
    {
        uint largest = 0;
        for (int lane = 0; lane < Vector512<uint>.Count; lane++)
            largest = Math.Max(largest, max[lane]);
        return largest;
    }
}
