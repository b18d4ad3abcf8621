using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Andrea.Cpu.MatMul;

/// <summary>12 x 32 in 24 of the 32 512-bit registers, two more for the right operand and one for the left one's broadcast.</summary>
internal readonly unsafe struct Kernel512 : IMicroKernel
{
    private const int TileRows = 12;
    private const int TileColumns = 32;

    public static int Rows => TileRows;

    public static int Columns => TileColumns;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(float* left, nint rowStride, nint depthStride, float* right, long depth, in TileTarget target)
    {
        Vector512<float> s0a = default, s0b = default;
        Vector512<float> s1a = default, s1b = default;
        Vector512<float> s2a = default, s2b = default;
        Vector512<float> s3a = default, s3b = default;
        Vector512<float> s4a = default, s4b = default;
        Vector512<float> s5a = default, s5b = default;
        Vector512<float> s6a = default, s6b = default;
        Vector512<float> s7a = default, s7b = default;
        Vector512<float> s8a = default, s8b = default;
        Vector512<float> s9a = default, s9b = default;
        Vector512<float> saa = default, sab = default;
        Vector512<float> sba = default, sbb = default;
        nint rowStride2 = 2 * rowStride;
        float* left3 = left + 3 * rowStride, left6 = left + 6 * rowStride, left9 = left + 9 * rowStride;
        do
        {
            Vector512<float> a = Vector512.Load(right);
            Vector512<float> b = Vector512.Load(right + 16);
            Vector512<float> x = Vector512.Create(*left);
            s0a = Vector512.FusedMultiplyAdd(x, a, s0a);
            s0b = Vector512.FusedMultiplyAdd(x, b, s0b);
            x = Vector512.Create(left[rowStride]);
            s1a = Vector512.FusedMultiplyAdd(x, a, s1a);
            s1b = Vector512.FusedMultiplyAdd(x, b, s1b);
            x = Vector512.Create(left[rowStride2]);
            s2a = Vector512.FusedMultiplyAdd(x, a, s2a);
            s2b = Vector512.FusedMultiplyAdd(x, b, s2b);
            x = Vector512.Create(*left3);
            s3a = Vector512.FusedMultiplyAdd(x, a, s3a);
            s3b = Vector512.FusedMultiplyAdd(x, b, s3b);
            x = Vector512.Create(left3[rowStride]);
            s4a = Vector512.FusedMultiplyAdd(x, a, s4a);
            s4b = Vector512.FusedMultiplyAdd(x, b, s4b);
            x = Vector512.Create(left3[rowStride2]);
            s5a = Vector512.FusedMultiplyAdd(x, a, s5a);
            s5b = Vector512.FusedMultiplyAdd(x, b, s5b);
            x = Vector512.Create(*left6);
            s6a = Vector512.FusedMultiplyAdd(x, a, s6a);
            s6b = Vector512.FusedMultiplyAdd(x, b, s6b);
            x = Vector512.Create(left6[rowStride]);
            s7a = Vector512.FusedMultiplyAdd(x, a, s7a);
            s7b = Vector512.FusedMultiplyAdd(x, b, s7b);
            x = Vector512.Create(left6[rowStride2]);
            s8a = Vector512.FusedMultiplyAdd(x, a, s8a);
            s8b = Vector512.FusedMultiplyAdd(x, b, s8b);
            x = Vector512.Create(*left9);
            s9a = Vector512.FusedMultiplyAdd(x, a, s9a);
            s9b = Vector512.FusedMultiplyAdd(x, b, s9b);
            x = Vector512.Create(left9[rowStride]);
            saa = Vector512.FusedMultiplyAdd(x, a, saa);
            sab = Vector512.FusedMultiplyAdd(x, b, sab);
            x = Vector512.Create(left9[rowStride2]);
            sba = Vector512.FusedMultiplyAdd(x, a, sba);
            sbb = Vector512.FusedMultiplyAdd(x, b, sbb);
            left += depthStride;
            left3 += depthStride;
            left6 += depthStride;
            left9 += depthStride;
            right += TileColumns;
        }
        while (--depth > 0);
        target.Write(0, s0a, s0b);
        target.Write(1, s1a, s1b);
        target.Write(2, s2a, s2b);
        target.Write(3, s3a, s3b);
        target.Write(4, s4a, s4b);
        target.Write(5, s5a, s5b);
        target.Write(6, s6a, s6b);
        target.Write(7, s7a, s7b);
        target.Write(8, s8a, s8b);
        target.Write(9, s9a, s9b);
        target.Write(10, saa, sab);
        target.Write(11, sba, sbb);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyFourRows(float* left, nint rowStride, nint depthStride, float* right, long depth, in TileTarget target)
    {
        Vector512<float> s0a = default, s0b = default;
        Vector512<float> s1a = default, s1b = default;
        Vector512<float> s2a = default, s2b = default;
        Vector512<float> s3a = default, s3b = default;
        nint rowStride2 = 2 * rowStride;
        float* left3 = left + 3 * rowStride;
        do
        {
            Vector512<float> a = Vector512.Load(right);
            Vector512<float> b = Vector512.Load(right + 16);
            Vector512<float> x = Vector512.Create(*left);
            s0a = Vector512.FusedMultiplyAdd(x, a, s0a);
            s0b = Vector512.FusedMultiplyAdd(x, b, s0b);
            x = Vector512.Create(left[rowStride]);
            s1a = Vector512.FusedMultiplyAdd(x, a, s1a);
            s1b = Vector512.FusedMultiplyAdd(x, b, s1b);
            x = Vector512.Create(left[rowStride2]);
            s2a = Vector512.FusedMultiplyAdd(x, a, s2a);
            s2b = Vector512.FusedMultiplyAdd(x, b, s2b);
            x = Vector512.Create(*left3);
            s3a = Vector512.FusedMultiplyAdd(x, a, s3a);
            s3b = Vector512.FusedMultiplyAdd(x, b, s3b);
            left += depthStride;
            left3 += depthStride;
            right += TileColumns;
        }
        while (--depth > 0);
        target.Write(0, s0a, s0b);
        target.Write(1, s1a, s1b);
        target.Write(2, s2a, s2b);
        target.Write(3, s3a, s3b);
    }
}
