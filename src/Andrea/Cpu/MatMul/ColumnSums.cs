using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Andrea.Cpu.MatMul;

/// <summary>sums[n] += sum over rows of matrix[row, n]: a bias's gradient. An index is a strip of columns.</summary>
/// <remarks>To the bit: rows are cut into blocks of 256; a block's sum adds ascending rows to +0; the result is (sums + block 0) + block 1 and so on.
/// Where strips begin has no influence.</remarks>
internal unsafe struct ColumnSums : IRangeWork
{
    private const int BlockRows = 256;

    // The partial sums of a strip stay in the first-level cache, and a strip's part of a row is long enough for the hardware to prefetch.
    private const int LongestStrip = 1024;
    private const int ShortestStrip = 64;

    private float* _matrix;
    private float* _sums;
    private long _rows, _columns, _strip;

    /// <summary>Adds the column sums.</summary>
    /// <param name="matrix">(rows, columns).</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="columns">Number of columns.</param>
    /// <param name="sums">(columns) accumulates.</param>
    /// <param name="team">Threads to use.</param>
    public static void Add(float* matrix, long rows, long columns, float* sums, ThreadTeam team)
    {
        long strip = Math.Clamp(columns / (4L * team.ThreadCount) / ShortestStrip * ShortestStrip, ShortestStrip, LongestStrip);
        var work = new ColumnSums { _matrix = matrix, _sums = sums, _rows = rows, _columns = columns, _strip = strip };
        team.Run(ref work, (columns + strip - 1) / strip);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long start, long end, int worker)
    {
        float* block = stackalloc float[LongestStrip];
        for (long index = start; index < end; index++)
        {
            long first = index * _strip;
            int width = (int)Math.Min(_strip, _columns - first);
            for (long row = 0; row < _rows; row += BlockRows)
            {
                new Span<float>(block, width).Clear();
                AddRows(_matrix + row * _columns + first, _columns, Math.Min(BlockRows, _rows - row), width, block);
                AddRows(block, width, 1, width, _sums + first);
            }
        }
    }

    /// <summary>Four rows at a time, so that the sums are loaded and stored a quarter as often; added one after the other all the same.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddRows(float* rows, long stride, long count, int width, float* sums)
    {
        for (; count >= 4; count -= 4)
        {
            float* second = rows + stride;
            float* third = second + stride;
            float* fourth = third + stride;
            int column = 0;
            for (; column <= width - 16; column += 16)
            {
                Vector512<float> sum = Vector512.Load(sums + column) + Vector512.Load(rows + column);
                sum += Vector512.Load(second + column);
                sum += Vector512.Load(third + column);
                sum += Vector512.Load(fourth + column);
                sum.Store(sums + column);
            }
            for (; column < width; column++)
                sums[column] = sums[column] + rows[column] + second[column] + third[column] + fourth[column];
            rows = fourth + stride;
        }
        for (; count > 0; count--)
        {
            for (int column = 0; column < width; column++)
                sums[column] += rows[column];
            rows += stride;
        }
    }
}
