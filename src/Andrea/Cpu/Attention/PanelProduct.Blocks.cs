using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static Andrea.Cpu.Simd.SimdMath;

namespace Andrea.Cpu.Attention;

/// <summary>The blocks of registers, rows x vectors. Written out since the JIT keeps plain locals in registers, and nothing else as surely.</summary>
internal static unsafe partial class PanelProduct
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Block4x4(
        float* a, nint aRow, nint aTerm, float* b, nint bTerm, float* c, nint cRow, int count, bool accumulate)
    {
        float* c1 = c + cRow, c2 = c + 2 * cRow, c3 = c + 3 * cRow;
        float* a1 = a + aRow, a2 = a + 2 * aRow, a3 = a + 3 * aRow;
        Vector512<float> s00 = default, s01 = default, s02 = default, s03 = default;
        Vector512<float> s10 = default, s11 = default, s12 = default, s13 = default;
        Vector512<float> s20 = default, s21 = default, s22 = default, s23 = default;
        Vector512<float> s30 = default, s31 = default, s32 = default, s33 = default;
        if (accumulate)
        {
            s00 = Vector512.Load(c); s01 = Vector512.Load(c + Lanes); s02 = Vector512.Load(c + 2 * Lanes); s03 = Vector512.Load(c + 3 * Lanes);
            s10 = Vector512.Load(c1); s11 = Vector512.Load(c1 + Lanes); s12 = Vector512.Load(c1 + 2 * Lanes); s13 = Vector512.Load(c1 + 3 * Lanes);
            s20 = Vector512.Load(c2); s21 = Vector512.Load(c2 + Lanes); s22 = Vector512.Load(c2 + 2 * Lanes); s23 = Vector512.Load(c2 + 3 * Lanes);
            s30 = Vector512.Load(c3); s31 = Vector512.Load(c3 + Lanes); s32 = Vector512.Load(c3 + 2 * Lanes); s33 = Vector512.Load(c3 + 3 * Lanes);
        }
        for (nint term = 0; count > 0; count--, term += aTerm, b += bTerm)
        {
            Vector512<float> b0 = Vector512.Load(b), b1 = Vector512.Load(b + Lanes);
            Vector512<float> b2 = Vector512.Load(b + 2 * Lanes), b3 = Vector512.Load(b + 3 * Lanes);
            Vector512<float> x = Vector512.Create(a[term]);
            s00 = Vector512.FusedMultiplyAdd(x, b0, s00);
            s01 = Vector512.FusedMultiplyAdd(x, b1, s01);
            s02 = Vector512.FusedMultiplyAdd(x, b2, s02);
            s03 = Vector512.FusedMultiplyAdd(x, b3, s03);
            x = Vector512.Create(a1[term]);
            s10 = Vector512.FusedMultiplyAdd(x, b0, s10);
            s11 = Vector512.FusedMultiplyAdd(x, b1, s11);
            s12 = Vector512.FusedMultiplyAdd(x, b2, s12);
            s13 = Vector512.FusedMultiplyAdd(x, b3, s13);
            x = Vector512.Create(a2[term]);
            s20 = Vector512.FusedMultiplyAdd(x, b0, s20);
            s21 = Vector512.FusedMultiplyAdd(x, b1, s21);
            s22 = Vector512.FusedMultiplyAdd(x, b2, s22);
            s23 = Vector512.FusedMultiplyAdd(x, b3, s23);
            x = Vector512.Create(a3[term]);
            s30 = Vector512.FusedMultiplyAdd(x, b0, s30);
            s31 = Vector512.FusedMultiplyAdd(x, b1, s31);
            s32 = Vector512.FusedMultiplyAdd(x, b2, s32);
            s33 = Vector512.FusedMultiplyAdd(x, b3, s33);
        }
        s00.Store(c); s01.Store(c + Lanes); s02.Store(c + 2 * Lanes); s03.Store(c + 3 * Lanes);
        s10.Store(c1); s11.Store(c1 + Lanes); s12.Store(c1 + 2 * Lanes); s13.Store(c1 + 3 * Lanes);
        s20.Store(c2); s21.Store(c2 + Lanes); s22.Store(c2 + 2 * Lanes); s23.Store(c2 + 3 * Lanes);
        s30.Store(c3); s31.Store(c3 + Lanes); s32.Store(c3 + 2 * Lanes); s33.Store(c3 + 3 * Lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Block4x3(
        float* a, nint aRow, nint aTerm, float* b, nint bTerm, float* c, nint cRow, int count, bool accumulate)
    {
        float* c1 = c + cRow, c2 = c + 2 * cRow, c3 = c + 3 * cRow;
        float* a1 = a + aRow, a2 = a + 2 * aRow, a3 = a + 3 * aRow;
        Vector512<float> s00 = default, s01 = default, s02 = default;
        Vector512<float> s10 = default, s11 = default, s12 = default;
        Vector512<float> s20 = default, s21 = default, s22 = default;
        Vector512<float> s30 = default, s31 = default, s32 = default;
        if (accumulate)
        {
            s00 = Vector512.Load(c); s01 = Vector512.Load(c + Lanes); s02 = Vector512.Load(c + 2 * Lanes);
            s10 = Vector512.Load(c1); s11 = Vector512.Load(c1 + Lanes); s12 = Vector512.Load(c1 + 2 * Lanes);
            s20 = Vector512.Load(c2); s21 = Vector512.Load(c2 + Lanes); s22 = Vector512.Load(c2 + 2 * Lanes);
            s30 = Vector512.Load(c3); s31 = Vector512.Load(c3 + Lanes); s32 = Vector512.Load(c3 + 2 * Lanes);
        }
        for (nint term = 0; count > 0; count--, term += aTerm, b += bTerm)
        {
            Vector512<float> b0 = Vector512.Load(b), b1 = Vector512.Load(b + Lanes), b2 = Vector512.Load(b + 2 * Lanes);
            Vector512<float> x = Vector512.Create(a[term]);
            s00 = Vector512.FusedMultiplyAdd(x, b0, s00);
            s01 = Vector512.FusedMultiplyAdd(x, b1, s01);
            s02 = Vector512.FusedMultiplyAdd(x, b2, s02);
            x = Vector512.Create(a1[term]);
            s10 = Vector512.FusedMultiplyAdd(x, b0, s10);
            s11 = Vector512.FusedMultiplyAdd(x, b1, s11);
            s12 = Vector512.FusedMultiplyAdd(x, b2, s12);
            x = Vector512.Create(a2[term]);
            s20 = Vector512.FusedMultiplyAdd(x, b0, s20);
            s21 = Vector512.FusedMultiplyAdd(x, b1, s21);
            s22 = Vector512.FusedMultiplyAdd(x, b2, s22);
            x = Vector512.Create(a3[term]);
            s30 = Vector512.FusedMultiplyAdd(x, b0, s30);
            s31 = Vector512.FusedMultiplyAdd(x, b1, s31);
            s32 = Vector512.FusedMultiplyAdd(x, b2, s32);
        }
        s00.Store(c); s01.Store(c + Lanes); s02.Store(c + 2 * Lanes);
        s10.Store(c1); s11.Store(c1 + Lanes); s12.Store(c1 + 2 * Lanes);
        s20.Store(c2); s21.Store(c2 + Lanes); s22.Store(c2 + 2 * Lanes);
        s30.Store(c3); s31.Store(c3 + Lanes); s32.Store(c3 + 2 * Lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Block8x2(
        float* a, nint aRow, nint aTerm, float* b, nint bTerm, float* c, nint cRow, int count, bool accumulate)
    {
        float* c1 = c + cRow, c2 = c + 2 * cRow, c3 = c + 3 * cRow, c4 = c + 4 * cRow;
        float* c5 = c + 5 * cRow, c6 = c + 6 * cRow, c7 = c + 7 * cRow;
        float* a1 = a + aRow, a2 = a + 2 * aRow, a3 = a + 3 * aRow, a4 = a + 4 * aRow;
        float* a5 = a + 5 * aRow, a6 = a + 6 * aRow, a7 = a + 7 * aRow;
        Vector512<float> s00 = default, s01 = default;
        Vector512<float> s10 = default, s11 = default;
        Vector512<float> s20 = default, s21 = default;
        Vector512<float> s30 = default, s31 = default;
        Vector512<float> s40 = default, s41 = default;
        Vector512<float> s50 = default, s51 = default;
        Vector512<float> s60 = default, s61 = default;
        Vector512<float> s70 = default, s71 = default;
        if (accumulate)
        {
            s00 = Vector512.Load(c); s01 = Vector512.Load(c + Lanes);
            s10 = Vector512.Load(c1); s11 = Vector512.Load(c1 + Lanes);
            s20 = Vector512.Load(c2); s21 = Vector512.Load(c2 + Lanes);
            s30 = Vector512.Load(c3); s31 = Vector512.Load(c3 + Lanes);
            s40 = Vector512.Load(c4); s41 = Vector512.Load(c4 + Lanes);
            s50 = Vector512.Load(c5); s51 = Vector512.Load(c5 + Lanes);
            s60 = Vector512.Load(c6); s61 = Vector512.Load(c6 + Lanes);
            s70 = Vector512.Load(c7); s71 = Vector512.Load(c7 + Lanes);
        }
        for (nint term = 0; count > 0; count--, term += aTerm, b += bTerm)
        {
            Vector512<float> b0 = Vector512.Load(b), b1 = Vector512.Load(b + Lanes);
            Vector512<float> x = Vector512.Create(a[term]);
            s00 = Vector512.FusedMultiplyAdd(x, b0, s00);
            s01 = Vector512.FusedMultiplyAdd(x, b1, s01);
            x = Vector512.Create(a1[term]);
            s10 = Vector512.FusedMultiplyAdd(x, b0, s10);
            s11 = Vector512.FusedMultiplyAdd(x, b1, s11);
            x = Vector512.Create(a2[term]);
            s20 = Vector512.FusedMultiplyAdd(x, b0, s20);
            s21 = Vector512.FusedMultiplyAdd(x, b1, s21);
            x = Vector512.Create(a3[term]);
            s30 = Vector512.FusedMultiplyAdd(x, b0, s30);
            s31 = Vector512.FusedMultiplyAdd(x, b1, s31);
            x = Vector512.Create(a4[term]);
            s40 = Vector512.FusedMultiplyAdd(x, b0, s40);
            s41 = Vector512.FusedMultiplyAdd(x, b1, s41);
            x = Vector512.Create(a5[term]);
            s50 = Vector512.FusedMultiplyAdd(x, b0, s50);
            s51 = Vector512.FusedMultiplyAdd(x, b1, s51);
            x = Vector512.Create(a6[term]);
            s60 = Vector512.FusedMultiplyAdd(x, b0, s60);
            s61 = Vector512.FusedMultiplyAdd(x, b1, s61);
            x = Vector512.Create(a7[term]);
            s70 = Vector512.FusedMultiplyAdd(x, b0, s70);
            s71 = Vector512.FusedMultiplyAdd(x, b1, s71);
        }
        s00.Store(c); s01.Store(c + Lanes);
        s10.Store(c1); s11.Store(c1 + Lanes);
        s20.Store(c2); s21.Store(c2 + Lanes);
        s30.Store(c3); s31.Store(c3 + Lanes);
        s40.Store(c4); s41.Store(c4 + Lanes);
        s50.Store(c5); s51.Store(c5 + Lanes);
        s60.Store(c6); s61.Store(c6 + Lanes);
        s70.Store(c7); s71.Store(c7 + Lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Block8x1(
        float* a, nint aRow, nint aTerm, float* b, nint bTerm, float* c, nint cRow, int count, bool accumulate)
    {
        float* c1 = c + cRow, c2 = c + 2 * cRow, c3 = c + 3 * cRow, c4 = c + 4 * cRow;
        float* c5 = c + 5 * cRow, c6 = c + 6 * cRow, c7 = c + 7 * cRow;
        float* a1 = a + aRow, a2 = a + 2 * aRow, a3 = a + 3 * aRow, a4 = a + 4 * aRow;
        float* a5 = a + 5 * aRow, a6 = a + 6 * aRow, a7 = a + 7 * aRow;
        Vector512<float> s00 = default;
        Vector512<float> s10 = default;
        Vector512<float> s20 = default;
        Vector512<float> s30 = default;
        Vector512<float> s40 = default;
        Vector512<float> s50 = default;
        Vector512<float> s60 = default;
        Vector512<float> s70 = default;
        if (accumulate)
        {
            s00 = Vector512.Load(c);
            s10 = Vector512.Load(c1);
            s20 = Vector512.Load(c2);
            s30 = Vector512.Load(c3);
            s40 = Vector512.Load(c4);
            s50 = Vector512.Load(c5);
            s60 = Vector512.Load(c6);
            s70 = Vector512.Load(c7);
        }
        for (nint term = 0; count > 0; count--, term += aTerm, b += bTerm)
        {
            Vector512<float> b0 = Vector512.Load(b);
            Vector512<float> x = Vector512.Create(a[term]);
            s00 = Vector512.FusedMultiplyAdd(x, b0, s00);
            x = Vector512.Create(a1[term]);
            s10 = Vector512.FusedMultiplyAdd(x, b0, s10);
            x = Vector512.Create(a2[term]);
            s20 = Vector512.FusedMultiplyAdd(x, b0, s20);
            x = Vector512.Create(a3[term]);
            s30 = Vector512.FusedMultiplyAdd(x, b0, s30);
            x = Vector512.Create(a4[term]);
            s40 = Vector512.FusedMultiplyAdd(x, b0, s40);
            x = Vector512.Create(a5[term]);
            s50 = Vector512.FusedMultiplyAdd(x, b0, s50);
            x = Vector512.Create(a6[term]);
            s60 = Vector512.FusedMultiplyAdd(x, b0, s60);
            x = Vector512.Create(a7[term]);
            s70 = Vector512.FusedMultiplyAdd(x, b0, s70);
        }
        s00.Store(c);
        s10.Store(c1);
        s20.Store(c2);
        s30.Store(c3);
        s40.Store(c4);
        s50.Store(c5);
        s60.Store(c6);
        s70.Store(c7);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Block4x1(
        float* a, nint aRow, nint aTerm, float* b, nint bTerm, float* c, nint cRow, int count, bool accumulate)
    {
        float* c1 = c + cRow, c2 = c + 2 * cRow, c3 = c + 3 * cRow;
        float* a1 = a + aRow, a2 = a + 2 * aRow, a3 = a + 3 * aRow;
        Vector512<float> s00 = default;
        Vector512<float> s10 = default;
        Vector512<float> s20 = default;
        Vector512<float> s30 = default;
        if (accumulate)
        {
            s00 = Vector512.Load(c);
            s10 = Vector512.Load(c1);
            s20 = Vector512.Load(c2);
            s30 = Vector512.Load(c3);
        }
        for (nint term = 0; count > 0; count--, term += aTerm, b += bTerm)
        {
            Vector512<float> b0 = Vector512.Load(b);
            Vector512<float> x = Vector512.Create(a[term]);
            s00 = Vector512.FusedMultiplyAdd(x, b0, s00);
            x = Vector512.Create(a1[term]);
            s10 = Vector512.FusedMultiplyAdd(x, b0, s10);
            x = Vector512.Create(a2[term]);
            s20 = Vector512.FusedMultiplyAdd(x, b0, s20);
            x = Vector512.Create(a3[term]);
            s30 = Vector512.FusedMultiplyAdd(x, b0, s30);
        }
        s00.Store(c);
        s10.Store(c1);
        s20.Store(c2);
        s30.Store(c3);
    }

    /// <summary>For sums that must leave out single terms, where speed does not matter.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Block1x1(
        float* a, nint aRow, nint aTerm, float* b, nint bTerm, float* c, nint cRow, int count, bool accumulate)
    {
        Vector512<float> sum = accumulate ? Vector512.Load(c) : default;
        for (; count > 0; count--, a += aTerm, b += bTerm)
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(*a), Vector512.Load(b), sum);
        sum.Store(c);
    }
}
