namespace Andrea.Cpu.MatMul;

/// <summary>4 x 8 without vectors, for processors without a fused multiply-add on them: right, not fast.</summary>
internal readonly unsafe struct KernelScalar : IMicroKernel
{
    private const int TileRows = 4;
    private const int TileColumns = 8;

    public static int Rows => TileRows;

    public static int Columns => TileColumns;

    public static void Multiply(float* left, nint rowStride, nint depthStride, float* right, long depth, in TileTarget target)
    {
        for (int row = 0; row < TileRows; row++)
        {
            for (int column = 0; column < TileColumns; column++)
            {
                float sum = 0;
                for (long k = 0; k < depth; k++)
                    sum = MathF.FusedMultiplyAdd(left[row * rowStride + (nint)k * depthStride], right[k * TileColumns + column], sum);
                target.Write(row, column, sum);
            }
        }
    }

    public static void MultiplyFourRows(float* left, nint rowStride, nint depthStride, float* right, long depth, in TileTarget target) =>
        Multiply(left, rowStride, depthStride, right, depth, target);
}
