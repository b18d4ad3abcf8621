using System.Runtime.Intrinsics;
using Andrea.Cpu.Simd;

namespace Andrea.Cpu.Norm;

/// <summary>Sums over one row.</summary>
/// <remarks>64 accumulators: element i goes to accumulator i mod 64, so a row of 1,024 adds at most 16 numbers in a chain, and the error
/// stays near one rounding.</remarks>
internal static unsafe class RowSums
{
    private const int Stride = 4 * SimdMath.Lanes;

    /// <summary>x[0] + ... + x[count - 1].</summary>
    public static float Sum(float* x, int count)
    {
        Vector512<float> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
        int i = 0;
        for (; i <= count - Stride; i += Stride)
        {
            sum0 += Vector512.Load(x + i);
            sum1 += Vector512.Load(x + i + SimdMath.Lanes);
            sum2 += Vector512.Load(x + i + 2 * SimdMath.Lanes);
            sum3 += Vector512.Load(x + i + 3 * SimdMath.Lanes);
        }
        for (; i <= count - SimdMath.Lanes; i += SimdMath.Lanes)
            sum0 += Vector512.Load(x + i);
        if (i < count)
            sum1 += SimdMath.LoadFirst(x + i, count - i);
        return SimdMath.Sum((sum0 + sum1) + (sum2 + sum3));
    }

    /// <summary>(x[0] - center)^2 + ... + (x[count - 1] - center)^2.</summary>
    public static float SumOfSquares(float* x, int count, float center)
    {
        Vector512<float> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
        Vector512<float> c = Vector512.Create(center);
        int i = 0;
        for (; i <= count - Stride; i += Stride)
        {
            Vector512<float> d0 = Vector512.Load(x + i) - c;
            Vector512<float> d1 = Vector512.Load(x + i + SimdMath.Lanes) - c;
            Vector512<float> d2 = Vector512.Load(x + i + 2 * SimdMath.Lanes) - c;
            Vector512<float> d3 = Vector512.Load(x + i + 3 * SimdMath.Lanes) - c;
            sum0 = Vector512.FusedMultiplyAdd(d0, d0, sum0);
            sum1 = Vector512.FusedMultiplyAdd(d1, d1, sum1);
            sum2 = Vector512.FusedMultiplyAdd(d2, d2, sum2);
            sum3 = Vector512.FusedMultiplyAdd(d3, d3, sum3);
        }
        for (; i <= count - SimdMath.Lanes; i += SimdMath.Lanes)
        {
            Vector512<float> d = Vector512.Load(x + i) - c;
            sum0 = Vector512.FusedMultiplyAdd(d, d, sum0);
        }
        if (i < count)
        {
            // The lanes beyond the row hold 0 - center, which must not count.
            Vector512<float> d = (SimdMath.LoadFirst(x + i, count - i) - c) & SimdMath.FirstLanes(count - i);
            sum1 = Vector512.FusedMultiplyAdd(d, d, sum1);
        }
        return SimdMath.Sum((sum0 + sum1) + (sum2 + sum3));
    }
}
