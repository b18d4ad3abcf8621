using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Andrea.Cpu.Simd;

/// <summary>Exponential and logarithm over the ranges that a softmax needs, hence cheaper than <see cref="SimdMath"/>'s;
/// same bits on every processor.</summary>
internal static class SoftmaxMath
{
    /// <summary>e^x for x up to 88, 0 below -87.3, NaN for NaN; exactly 1 for 0. Above 88 the result is undefined.</summary>
    /// <remarks>
    /// e^x = 2^y = 2^n 2^r with y = x log2(e) and |r| &lt;= 1/2. Rounding y and log2(e) costs up to 1.25 |x| 2^-24 of relative error. Next to the
    /// 1 of the largest score that is nothing, since e^x falls faster than |x| grows: below 0 no result is off by more than 2^-23. 2^r by a
    /// minimax polynomial of degree 6 (relative error 2.6e-9).
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x)
    {
        Vector512<float> log2E = Vector512.Create(1.44269504f);
        // 1.5 * 2^23 brings the nearest integer n into the low bits of the sum; 127 more makes of them the exponent bits of 2^n.
        Vector512<float> magic = Vector512.Create(12582912f + 127);
        Vector512<float> shifted = Vector512.FusedMultiplyAdd(x, log2E, magic);
        Vector512<float> y = x * log2E;
        Vector512<float> r = y - (shifted - magic);
        // In pairs of terms, since a chain of six would be what a loop over scores waits for.
        Vector512<float> square = r * r;
        Vector512<float> p01 = Vector512.FusedMultiplyAdd(Vector512.Create(6.93147215e-1f), r, Vector512<float>.One);
        Vector512<float> p23 = Vector512.FusedMultiplyAdd(Vector512.Create(5.550310551e-2f), r, Vector512.Create(2.402265278e-1f));
        Vector512<float> p45 = Vector512.FusedMultiplyAdd(Vector512.Create(1.340664387e-3f), r, Vector512.Create(9.617692974e-3f));
        Vector512<float> p = Vector512.FusedMultiplyAdd(Vector512.Create(1.559467789e-4f), square, p45);
        p = Vector512.FusedMultiplyAdd(p, square, p23);
        p = Vector512.FusedMultiplyAdd(p, square, p01);
        Vector512<float> tooSmall = Vector512.LessThan(y, Vector512.Create(-126f));
        return Vector512.ConditionalSelect(tooSmall, Vector512<float>.Zero, p * (shifted.AsInt32() << 23).AsSingle());
    }

    /// <summary>ln x to 2 units in the last place for finite normal x, never negative from 1 on; -Inf for 0, NaN for NaN.</summary>
    /// <remarks>x = 2^n (1 + f) with 1 + f between the roots of 1/2 and 2; ln(1 + f) by a degree-9 polynomial (Cephes logf);
    /// ln 2 in two parts.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Log(Vector512<float> x)
    {
        Vector512<int> rootOfHalf = Vector512.Create(0x3F3504F3);
        Vector512<int> exponent = (x.AsInt32() - rootOfHalf) >> 23;
        Vector512<float> n = Vector512.ConvertToSingle(exponent);
        Vector512<float> f = (x.AsInt32() - (exponent << 23)).AsSingle() - Vector512<float>.One;
        Vector512<float> square = f * f;

        Vector512<float> p = Vector512.FusedMultiplyAdd(Vector512.Create(7.0376836292e-2f), f, Vector512.Create(-1.1514610310e-1f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(1.1676998740e-1f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(-1.2420140846e-1f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(1.4249322787e-1f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(-1.6668057665e-1f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(2.0000714765e-1f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(-2.4999993993e-1f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(3.3333331174e-1f));
        p = p * f * square;
        p = Vector512.FusedMultiplyAdd(n, Vector512.Create(-2.12194440e-4f), p);
        p = Vector512.FusedMultiplyAdd(square, Vector512.Create(-0.5f), p);
        Vector512<float> result = Vector512.FusedMultiplyAdd(n, Vector512.Create(0.693359375f), f + p);

        Vector512<float> ofZero = Vector512.Create(float.NegativeInfinity);
        result = Vector512.ConditionalSelect(Vector512.Equals(x, Vector512<float>.Zero), ofZero, result);
        return Vector512.ConditionalSelect(Vector512.Equals(x, x), result, x);
    }
}
