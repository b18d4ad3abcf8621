using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Andrea.Cpu.MatMul;

/// <summary>Moves the sums of a tile at an edge, of which some are nobody's, into the output.</summary>
internal static unsafe class TileWriter
{
    /// <summary>output = initial + bias + tile, the first two where they are given, added from left to right.</summary>
    /// <param name="tile">(at least rows, width).</param>
    /// <param name="width">Columns of the tile.</param>
    /// <param name="rows">Rows to write.</param>
    /// <param name="columns">Columns to write, at most <paramref name="width"/>; nothing beyond is touched.</param>
    /// <param name="initial">First element of the addend, or null; may be the output.</param>
    /// <param name="bias">First element of the bias, or null.</param>
    /// <param name="output">First element to write.</param>
    /// <param name="stride">Elements from one row of output and addend to the next.</param>
    public static void Write(
        float* tile, int width, long rows, long columns, float* initial, float* bias, float* output, long stride)
    {
        if (initial == null && bias == null)
            Write<Absent, Absent>(tile, width, rows, columns, initial, bias, output, stride);
        else if (initial == null)
            Write<Absent, Given>(tile, width, rows, columns, initial, bias, output, stride);
        else if (bias == null)
            Write<Given, Absent>(tile, width, rows, columns, initial, bias, output, stride);
        else
            Write<Given, Given>(tile, width, rows, columns, initial, bias, output, stride);
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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Write<TInitial, TBias>(
        float* tile, int width, long rows, long columns, float* initial, float* bias, float* output, long stride)
        where TInitial : struct, ITerm
        where TBias : struct, ITerm
    {
        for (long row = 0; row < rows; row++)
        {
            long column = 0;
            for (; column <= columns - 16; column += 16)
            {
                Vector512<float> value = Vector512.Load(tile + column);
                if (TInitial.IsGiven && TBias.IsGiven)
                    value = Vector512.Load(initial + column) + Vector512.Load(bias + column) + value;
                else if (TInitial.IsGiven || TBias.IsGiven)
                    value = Vector512.Load((TInitial.IsGiven ? initial : bias) + column) + value;
                value.Store(output + column);
            }
            // Tiles of 8 or 24 columns, and edges.
            for (; column <= columns - 4; column += 4)
            {
                Vector128<float> value = Vector128.Load(tile + column);
                if (TInitial.IsGiven && TBias.IsGiven)
                    value = Vector128.Load(initial + column) + Vector128.Load(bias + column) + value;
                else if (TInitial.IsGiven || TBias.IsGiven)
                    value = Vector128.Load((TInitial.IsGiven ? initial : bias) + column) + value;
                value.Store(output + column);
            }
            for (; column < columns; column++)
            {
                float value = tile[column];
                if (TInitial.IsGiven && TBias.IsGiven)
                    value = initial[column] + bias[column] + value;
                else if (TInitial.IsGiven || TBias.IsGiven)
                    value = (TInitial.IsGiven ? initial : bias)[column] + value;
                output[column] = value;
            }
            tile += width;
            output += stride;
            if (TInitial.IsGiven)
                initial += stride;
        }
    }

    /// <summary>Whether a term is there, known when the loop is compiled.</summary>
    private interface ITerm
    {
        static abstract bool IsGiven { get; }
    }

    private readonly struct Given : ITerm
    {
        public static bool IsGiven => true;
    }

    private readonly struct Absent : ITerm
    {
        public static bool IsGiven => false;
    }
}
