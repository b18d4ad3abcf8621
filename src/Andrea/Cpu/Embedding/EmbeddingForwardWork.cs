using System.Runtime.Intrinsics;
using Andrea.Cpu.Simd;

namespace Andrea.Cpu.Embedding;

/// <summary>Adds a token's row and a position's row; an index is a row of the output.</summary>
internal unsafe struct EmbeddingForwardWork : IRangeWork
{
    public int* Tokens;
    public float* TokenTable, PositionTable, Output;
    public int FirstPosition, TokenCount, Channels;

    public readonly void Run(long start, long end, int worker)
    {
        for (long row = start; row < end; row++)
        {
            float* token = TokenTable + (long)Tokens[row] * Channels;
            float* position = PositionTable + (FirstPosition + row % TokenCount) * Channels;
            float* output = Output + row * Channels;
            int i = 0;
            for (; i <= Channels - SimdMath.Lanes; i += SimdMath.Lanes)
                Vector512.Store(Vector512.Load(token + i) + Vector512.Load(position + i), output + i);
            for (; i < Channels; i++)
                output[i] = token[i] + position[i];
        }
    }
}
