using System.Runtime.Intrinsics;
using Andrea.Cpu.Simd;

namespace Andrea.Cpu.Embedding;

/// <summary>Adds each row of dOutput to its token's and its position's row; an index is a slice of the channels.</summary>
/// <remarks>A slice belongs to one thread, which goes through all rows in order: no two threads touch the same element, and each element
/// takes its summands in the same order whatever the slices. Cost is that of the rows alone; the size of the vocabulary does not matter.</remarks>
internal unsafe struct EmbeddingBackwardWork : IRangeWork
{
    public float* DOutput, DTokenTable, DPositionTable;
    public int* Tokens;
    public int Batch, TokenCount, Channels;

    /// <summary>Channels of a slice: a multiple of the lanes.</summary>
    public int SliceChannels;

    public readonly void Run(long start, long end, int worker)
    {
        int first = (int)(start * SliceChannels);
        int count = (int)Math.Min(end * SliceChannels, Channels) - first;
        for (int b = 0; b < Batch; b++)
            for (int t = 0; t < TokenCount; t++)
            {
                long row = (long)b * TokenCount + t;
                AddRow(
                    DOutput + row * Channels + first,
                    DTokenTable + (long)Tokens[row] * Channels + first,
                    DPositionTable + (long)t * Channels + first,
                    count);
            }
    }

    private static void AddRow(float* gradient, float* token, float* position, int count)
    {
        int i = 0;
        for (; i <= count - SimdMath.Lanes; i += SimdMath.Lanes)
        {
            Vector512<float> g = Vector512.Load(gradient + i);
            Vector512.Store(Vector512.Load(token + i) + g, token + i);
            Vector512.Store(Vector512.Load(position + i) + g, position + i);
        }
        for (; i < count; i++)
        {
            token[i] += gradient[i];
            position[i] += gradient[i];
        }
    }
}
