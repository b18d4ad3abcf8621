using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Andrea.Cpu.MatMul;

/// <summary>4 x 24 in 12 of the 16 256-bit registers, three more for the right operand and one for the left one's broadcast.</summary>
internal readonly unsafe struct Kernel256 : IMicroKernel
{
    private const int TileRows = 4;
    private const int TileColumns = 24;

    public static int Rows => TileRows;

    public static int Columns => TileColumns;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(float* left, nint rowStride, nint depthStride, float* right, long depth, in TileTarget target)
    {
        Vector256<float> s0a = default, s0b = default, s0c = default;
        Vector256<float> s1a = default, s1b = default, s1c = default;
        Vector256<float> s2a = default, s2b = default, s2c = default;
        Vector256<float> s3a = default, s3b = default, s3c = default;
        nint rowStride2 = 2 * rowStride;
        float* left3 = left + 3 * rowStride;
        do
        {
            Vector256<float> a = Vector256.Load(right);
            Vector256<float> b = Vector256.Load(right + 8);
            Vector256<float> c = Vector256.Load(right + 16);
            Vector256<float> x = Vector256.Create(*left);
            s0a = Vector256.FusedMultiplyAdd(x, a, s0a);
            s0b = Vector256.FusedMultiplyAdd(x, b, s0b);
            s0c = Vector256.FusedMultiplyAdd(x, c, s0c);
            x = Vector256.Create(left[rowStride]);
            s1a = Vector256.FusedMultiplyAdd(x, a, s1a);
            s1b = Vector256.FusedMultiplyAdd(x, b, s1b);
            s1c = Vector256.FusedMultiplyAdd(x, c, s1c);
            x = Vector256.Create(left[rowStride2]);
            s2a = Vector256.FusedMultiplyAdd(x, a, s2a);
            s2b = Vector256.FusedMultiplyAdd(x, b, s2b);
            s2c = Vector256.FusedMultiplyAdd(x, c, s2c);
            x = Vector256.Create(*left3);
            s3a = Vector256.FusedMultiplyAdd(x, a, s3a);
            s3b = Vector256.FusedMultiplyAdd(x, b, s3b);
            s3c = Vector256.FusedMultiplyAdd(x, c, s3c);
            left += depthStride;
            left3 += depthStride;
            right += TileColumns;
        }
        while (--depth > 0);
        target.Write(0, s0a, s0b, s0c);
        target.Write(1, s1a, s1b, s1c);
        target.Write(2, s2a, s2b, s2c);
        target.Write(3, s3a, s3b, s3c);
    }

    public static void MultiplyFourRows(float* left, nint rowStride, nint depthStride, float* right, long depth, in TileTarget target) =>
        Multiply(left, rowStride, depthStride, right, depth, target);
}
