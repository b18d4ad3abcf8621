using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Andrea.Cpu.Simd;

/// <summary>Elementary functions on 16 float lanes.</summary>
/// <remarks>
/// All SIMD code of the CPU backend is written for 16 lanes. Where registers are narrower the runtime splits an operation into two or
/// four; lanes, order and rounding stay the same, so results have the same bits on every processor.
/// </remarks>
internal static class SimdMath
{
    /// <summary>Lanes of one vector.</summary>
    public const int Lanes = 16;

    /// <summary>e^x to 2 units in the last place; 0 below -87.3, +Inf above 88.7, NaN for NaN.</summary>
    /// <remarks>x = n ln 2 + r with |r| &lt;= ln 2 / 2, ln 2 in two parts so that r is exact enough; e^r by a
    /// degree-6 polynomial (Cephes expf); 2^n by exponent bits.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x)
    {
        // Adding 1.5 * 2^23 leaves the nearest integer in the low bits of the sum.
        Vector512<float> magic = Vector512.Create(12582912f);
        Vector512<float> shifted = Vector512.FusedMultiplyAdd(x, Vector512.Create(1.44269504f), magic);
        Vector512<float> n = shifted - magic;
        Vector512<float> r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-0.693359375f), x);
        r = Vector512.FusedMultiplyAdd(n, Vector512.Create(2.12194440e-4f), r);

        Vector512<float> p = Vector512.Create(1.9875691500e-4f);
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.3981999507e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(8.3334519073e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(4.1665795894e-2f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.6666665459e-1f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(5.0000001201e-1f));
        p = Vector512.FusedMultiplyAdd(p, r * r, r + Vector512<float>.One);

        // p 2^n by adding n to p's exponent: the shift drops all of the sum but n. Within the limits the result is a normal number, also
        // for n = 128, where p is below 1. Beyond them it is nonsense, and replaced.
        Vector512<float> result = (p.AsInt32() + (shifted.AsInt32() << 23)).AsSingle();
        result = Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512.Create(-87.33654f)), Vector512<float>.Zero, result);
        // Above the limit x + Inf is Inf; NaN, for which the comparison is false too, stays NaN.
        return Vector512.ConditionalSelect(
            Vector512.LessThanOrEqual(x, Vector512.Create(88.72283f)), result, x + Vector512.Create(float.PositiveInfinity));
    }

    /// <summary>Sum of the lanes by halves: + 8, 4, 2, 1. The order is the same on every processor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector512<float> x)
    {
        Vector256<float> eight = x.GetLower() + x.GetUpper();
        Vector128<float> four = eight.GetLower() + eight.GetUpper();
        return (four[0] + four[2]) + (four[1] + four[3]);
    }

    /// <summary>Largest lane; NaN if one is NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Max(Vector512<float> x)
    {
        Vector256<float> eight = Vector256.Max(x.GetLower(), x.GetUpper());
        Vector128<float> four = Vector128.Max(eight.GetLower(), eight.GetUpper());
        return MathF.Max(MathF.Max(four[0], four[2]), MathF.Max(four[1], four[3]));
    }

    /// <summary>All bits set in the first <paramref name="count"/> lanes, none in the rest.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> FirstLanes(int count) =>
        Vector512.LessThan(Vector512<int>.Indices, Vector512.Create(count)).AsSingle();

    /// <summary>The first <paramref name="count"/> lanes from memory, zeros in the rest; reads nothing beyond.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector512<float> LoadFirst(float* source, int count)
    {
        if (Avx512F.IsSupported)
            return Avx512F.MaskLoad(source, FirstLanes(count), Vector512<float>.Zero);
        Vector512<float> value = default;
        Unsafe.CopyBlockUnaligned(&value, source, (uint)(count * sizeof(float)));
        return value;
    }

    /// <summary>Stores the first <paramref name="count"/> lanes; writes nothing beyond.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void StoreFirst(Vector512<float> value, float* target, int count)
    {
        if (Avx512F.IsSupported)
            Avx512F.MaskStore(target, FirstLanes(count), value);
        else
            Unsafe.CopyBlockUnaligned(target, &value, (uint)(count * sizeof(float)));
    }
}
