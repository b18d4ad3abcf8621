using Andrea.Cpu.Simd;

namespace Andrea.Cpu.Attention;

/// <summary>Sizes of one attention call, and where its parts lie in the tensors. Distances count floats.</summary>
/// <remarks>Work is cut into tiles of 64 queries by 64 keys, aligned alike, so that only tiles on the diagonal are partly masked.</remarks>
internal readonly struct AttentionShape(int batch, int tokenCount, int heads, int headSize)
{
    /// <summary>Queries, and keys, of a tile: four vectors; scores, queries, values and sums of a tile pair stay in the nearest two caches.</summary>
    public const int Tile = 4 * SimdMath.Lanes;

    public readonly int TokenCount = tokenCount;
    public readonly int Heads = heads;
    public readonly int HeadSize = headSize;

    /// <summary>Head size rounded up to whole vectors: the length of a row in scratch memory.</summary>
    public readonly int PaddedHeadSize = (headSize + SimdMath.Lanes - 1) / SimdMath.Lanes * SimdMath.Lanes;

    /// <summary>Tiles of one sequence.</summary>
    public readonly int Tiles = (tokenCount + Tile - 1) / Tile;

    /// <summary>B * H: (sequence, head) pairs, which have nothing to do with each other.</summary>
    public readonly long Pairs = (long)batch * heads;

    /// <summary>1 / sqrt(D), the factor on scores.</summary>
    public readonly float Scale = (float)(1 / Math.Sqrt(headSize));

    /// <summary>From one token to the next in (B, T, H, D).</summary>
    public long TokenStride => (long)Heads * HeadSize;

    /// <summary>From one token to the next in (B, T, 3, H, D).</summary>
    public long QkvStride => 3 * TokenStride;

    /// <summary>Floats of a panel that holds one row for every token, whole tiles of them.</summary>
    public long PanelLength => (long)Tiles * Tile * PaddedHeadSize;

    /// <summary>Rows of a tile that exist: 64, fewer in a sequence's last tile.</summary>
    public int RowsOf(int tile) => Math.Min(Tile, TokenCount - tile * Tile);

    /// <summary>Where a pair's first token begins in (B, T, H, D).</summary>
    public long OffsetOf(long pair) => pair / Heads * TokenCount * TokenStride + pair % Heads * HeadSize;

    /// <summary>Where a pair's first query begins in (B, T, 3, H, D); its keys lie <see cref="TokenStride"/> further,
    /// its values twice that.</summary>
    public long QkvOffsetOf(long pair) => pair / Heads * TokenCount * QkvStride + pair % Heads * HeadSize;
}
