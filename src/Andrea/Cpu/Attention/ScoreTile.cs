using Andrea.Cpu.Simd;

namespace Andrea.Cpu.Attention;

/// <summary>The products of a tile's keys with its queries; in the backward pass also those of its values with its output gradients.</summary>
internal static unsafe class ScoreTile
{
    /// <summary>scores[key, query] = sum over d of keys[key, d] * queries[d, query].</summary>
    /// <param name="keys">Rows of a panel, with room for a whole tile.</param>
    /// <param name="stride">Distance of its rows.</param>
    /// <param name="queries">Transposed queries; rows are a tile long.</param>
    /// <param name="headSize">D.</param>
    /// <param name="keyCount">Keys to do.</param>
    /// <param name="vectors">Queries to do, in vectors.</param>
    /// <param name="onDiagonal">Whether keys and queries are the same tokens:
    /// vectors of queries that all come before a key are then left out.</param>
    /// <param name="scores">Out; rows are a tile long.</param>
    public static void Compute(float* keys, int stride, float* queries, int headSize, int keyCount, int vectors, bool onDiagonal, float* scores)
    {
        int step = onDiagonal ? SimdMath.Lanes : keyCount;
        for (int key = 0; key < keyCount; key += step)
        {
            int skipped = onDiagonal ? key : 0;
            PanelProduct.Compute(new PanelProduct.Operands
            {
                A = keys + key * stride, ARowStride = stride, ATermStride = 1,
                B = queries + skipped, BTermStride = AttentionShape.Tile,
                C = scores + key * AttentionShape.Tile + skipped, CRowStride = AttentionShape.Tile,
                Rows = Math.Min(step, keyCount - key), Vectors = vectors - skipped / SimdMath.Lanes, TermCount = headSize,
            });
        }
    }
}
