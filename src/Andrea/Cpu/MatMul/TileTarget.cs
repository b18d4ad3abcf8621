using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Andrea.Cpu.MatMul;

/// <summary>Where a kernel leaves a tile of sums: output = (initial + bias) + sums, the first two where they are given.</summary>
internal unsafe struct TileTarget
{
    /// <summary>First element of the addend, or null; may be the output.</summary>
    public float* Initial;

    /// <summary>First element of the bias, or null.</summary>
    public float* Bias;

    /// <summary>First element to write.</summary>
    public float* Output;

    /// <summary>Elements from one row of output and addend to the next.</summary>
    public long Stride;

    /// <summary>Asks for the cache lines that will be written, while the kernel computes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Prefetch(long rows, int columns)
    {
        if (!Sse.IsSupported)
            return;
        for (long row = 0; row < rows; row++)
            for (int column = 0; column < columns; column += 16)
                Sse.Prefetch0(Output + row * Stride + column);
    }

    /// <summary>Writes 32 sums of a row. Written out, since one branch and one offset for both cost the kernel less.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Write(int row, Vector512<float> a, Vector512<float> b)
    {
        if (Initial != null)
        {
            float* initial = Initial + row * Stride;
            a = Bias == null ? Vector512.Load(initial) + a : Vector512.Load(initial) + Vector512.Load(Bias) + a;
            b = Bias == null ? Vector512.Load(initial + 16) + b : Vector512.Load(initial + 16) + Vector512.Load(Bias + 16) + b;
        }
        else if (Bias != null)
        {
            a = Vector512.Load(Bias) + a;
            b = Vector512.Load(Bias + 16) + b;
        }
        float* output = Output + row * Stride;
        a.Store(output);
        b.Store(output + 16);
    }

    /// <summary>Writes 24 sums of a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Write(int row, Vector256<float> a, Vector256<float> b, Vector256<float> c)
    {
        Write(row, 0, a);
        Write(row, 8, b);
        Write(row, 16, c);
    }

    /// <summary>Writes 8 sums of a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Write(int row, Vector128<float> a, Vector128<float> b)
    {
        Write(row, 0, a);
        Write(row, 4, b);
    }

    /// <summary>Writes one sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Write(long row, long column, float sum)
    {
        long offset = row * Stride + column;
        if (Initial != null)
            sum = (Bias == null ? Initial[offset] : Initial[offset] + Bias[column]) + sum;
        else if (Bias != null)
            sum = Bias[column] + sum;
        Output[offset] = sum;
    }

    /// <summary>Writes a tile at an edge, of which some sums are nobody's; nothing beyond is touched.</summary>
    /// <param name="tile">(at least rows, width).</param>
    /// <param name="width">Columns of the tile.</param>
    /// <param name="rows">Rows to write.</param>
    /// <param name="columns">Columns to write, at most <paramref name="width"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void WriteEdge(float* tile, int width, long rows, long columns)
    {
        for (long row = 0; row < rows; row++)
        {
            long column = 0;
            for (; column <= columns - 8; column += 8)
                Write(row, column, Vector256.Load(tile + column));
            for (; column <= columns - 4; column += 4)
                Write(row, column, Vector128.Load(tile + column));
            for (; column < columns; column++)
                Write(row, column, tile[column]);
            tile += width;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Write(long row, long column, Vector256<float> sums)
    {
        long offset = row * Stride + column;
        if (Initial != null)
            sums = (Bias == null ? Vector256.Load(Initial + offset) : Vector256.Load(Initial + offset) + Vector256.Load(Bias + column)) + sums;
        else if (Bias != null)
            sums = Vector256.Load(Bias + column) + sums;
        sums.Store(Output + offset);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Write(long row, long column, Vector128<float> sums)
    {
        long offset = row * Stride + column;
        if (Initial != null)
            sums = (Bias == null ? Vector128.Load(Initial + offset) : Vector128.Load(Initial + offset) + Vector128.Load(Bias + column)) + sums;
        else if (Bias != null)
            sums = Vector128.Load(Bias + column) + sums;
        sums.Store(Output + offset);
    }
}
