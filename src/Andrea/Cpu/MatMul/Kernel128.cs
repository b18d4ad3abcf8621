using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Andrea.Cpu.MatMul;

/// <summary>8 x 8 in 16 of the 32 128-bit registers of an ARM processor.</summary>
internal readonly unsafe struct Kernel128 : IMicroKernel
{
    private const int TileRows = 8;
    private const int TileColumns = 8;

    public static int Rows => TileRows;

    public static int Columns => TileColumns;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(float* left, nint rowStride, nint depthStride, float* right, long depth, in TileTarget target)
    {
        Vector128<float> s0a = default, s0b = default;
        Vector128<float> s1a = default, s1b = default;
        Vector128<float> s2a = default, s2b = default;
        Vector128<float> s3a = default, s3b = default;
        Vector128<float> s4a = default, s4b = default;
        Vector128<float> s5a = default, s5b = default;
        Vector128<float> s6a = default, s6b = default;
        Vector128<float> s7a = default, s7b = default;
        nint rowStride2 = 2 * rowStride;
        float* left3 = left + 3 * rowStride, left6 = left + 6 * rowStride;
        do
        {
            Vector128<float> a = Vector128.Load(right);
            Vector128<float> b = Vector128.Load(right + 4);
            Vector128<float> x = Vector128.Create(*left);
            s0a = Vector128.FusedMultiplyAdd(x, a, s0a);
            s0b = Vector128.FusedMultiplyAdd(x, b, s0b);
            x = Vector128.Create(left[rowStride]);
            s1a = Vector128.FusedMultiplyAdd(x, a, s1a);
            s1b = Vector128.FusedMultiplyAdd(x, b, s1b);
            x = Vector128.Create(left[rowStride2]);
            s2a = Vector128.FusedMultiplyAdd(x, a, s2a);
            s2b = Vector128.FusedMultiplyAdd(x, b, s2b);
            x = Vector128.Create(*left3);
            s3a = Vector128.FusedMultiplyAdd(x, a, s3a);
            s3b = Vector128.FusedMultiplyAdd(x, b, s3b);
            x = Vector128.Create(left3[rowStride]);
            s4a = Vector128.FusedMultiplyAdd(x, a, s4a);
            s4b = Vector128.FusedMultiplyAdd(x, b, s4b);
            x = Vector128.Create(left3[rowStride2]);
            s5a = Vector128.FusedMultiplyAdd(x, a, s5a);
            s5b = Vector128.FusedMultiplyAdd(x, b, s5b);
            x = Vector128.Create(*left6);
            s6a = Vector128.FusedMultiplyAdd(x, a, s6a);
            s6b = Vector128.FusedMultiplyAdd(x, b, s6b);
            x = Vector128.Create(left6[rowStride]);
            s7a = Vector128.FusedMultiplyAdd(x, a, s7a);
            s7b = Vector128.FusedMultiplyAdd(x, b, s7b);
            left += depthStride;
            left3 += depthStride;
            left6 += depthStride;
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
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyFourRows(float* left, nint rowStride, nint depthStride, float* right, long depth, in TileTarget target)
    {
        Vector128<float> s0a = default, s0b = default;
        Vector128<float> s1a = default, s1b = default;
        Vector128<float> s2a = default, s2b = default;
        Vector128<float> s3a = default, s3b = default;
        nint rowStride2 = 2 * rowStride;
        float* left3 = left + 3 * rowStride;
        do
        {
            Vector128<float> a = Vector128.Load(right);
            Vector128<float> b = Vector128.Load(right + 4);
            Vector128<float> x = Vector128.Create(*left);
            s0a = Vector128.FusedMultiplyAdd(x, a, s0a);
            s0b = Vector128.FusedMultiplyAdd(x, b, s0b);
            x = Vector128.Create(left[rowStride]);
            s1a = Vector128.FusedMultiplyAdd(x, a, s1a);
            s1b = Vector128.FusedMultiplyAdd(x, b, s1b);
            x = Vector128.Create(left[rowStride2]);
            s2a = Vector128.FusedMultiplyAdd(x, a, s2a);
            s2b = Vector128.FusedMultiplyAdd(x, b, s2b);
            x = Vector128.Create(*left3);
            s3a = Vector128.FusedMultiplyAdd(x, a, s3a);
            s3b = Vector128.FusedMultiplyAdd(x, b, s3b);
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
