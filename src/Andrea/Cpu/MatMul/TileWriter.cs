using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Andrea.Cpu.MatMul;

/// <summary>Moves a finished tile of sums into the output.</summary>
internal static unsafe class TileWriter
{
    /// <summary>output = initial + bias + tile, the first two where they are given, added from left to right.</summary>
    /// <param name="tile">(at least rows, width).</param>
    /// <param name="width">Columns of the tile, a multiple of 8.</param>
    /// <param name="rows">Rows to write.</param>
    /// <param name="columns">Columns to write, at most <paramref name="width"/>; nothing beyond is touched.</param>
    /// <param name="initial">First element of the addend, or null; may be the output.</param>
    /// <param name="bias">First element of the bias, or null.</param>
    /// <param name="output">First element to write.</param>
    /// <param name="stride">Elements from one row of output and addend to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Write(
        float* tile, int width, long rows, long columns, float* initial, float* bias, float* output, long stride)
    {
        long whole = columns & ~7;
        for (long row = 0; row < rows; row++)
        {
            for (long column = 0; column < whole; column += 8)
            {
                Vector256<float> value = Vector256.Load(tile + column);
                if (initial != null)
                {
                    Vector256<float> before = Vector256.Load(initial + column);
                    value = (bias != null ? before + Vector256.Load(bias + column) : before) + value;
                }
                else if (bias != null)
                {
                    value = Vector256.Load(bias + column) + value;
                }
                value.Store(output + column);
            }
            for (long column = whole; column < columns; column++)
            {
                float value = tile[column];
                if (initial != null)
                    value = (bias != null ? initial[column] + bias[column] : initial[column]) + value;
                else if (bias != null)
                    value = bias[column] + value;
                output[column] = value;
            }
            tile += width;
            output += stride;
            if (initial != null)
                initial += stride;
        }
    }

    /// <summary>Asks for the cache lines that <see cref="Write"/> will touch, while the kernel computes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(float* output, long stride, long rows, int width)
    {
        if (!Sse.IsSupported)
            return;
        for (long row = 0; row < rows; row++)
        {
            for (int column = 0; column < width; column += 16)
                Sse.Prefetch0(output + column);
            output += stride;
        }
    }
}
