namespace Andrea.Cuda.Attention;

/// <summary>Which tiles attention works in, by head size. Chosen so that a block's tiles fit the 48 KB of shared memory that every GPU gives, and a
/// thread's sums its registers; never by the GPU, since the order of sums depends on it.</summary>
/// <param name="Width">Floats of a head that a tile holds.</param>
/// <param name="IsChunked">Whether heads have more than that, so that scores are summed over chunks of a head, and results computed in chunks.</param>
/// <param name="Forward">Rows: queries. Columns: keys.</param>
/// <param name="BackwardQuery">Rows: queries, whose gradient it is. Columns: keys.</param>
/// <param name="BackwardKey">Rows: keys, whose and whose values' gradient it is. Columns: queries.</param>
internal sealed record AttentionTiles(
    int Width, bool IsChunked, AttentionTile Forward, AttentionTile BackwardQuery, AttentionTile BackwardKey)
{
    private static readonly AttentionTiles[] ByWidth =
    [
        new(32, false, new(8, 8), new(8, 4), new(8, 4)),
        new(64, false, new(8, 8), new(8, 4), new(4, 4)),
        new(96, false, new(8, 4), new(4, 4), new(2, 4)),
        new(128, false, new(4, 4), new(2, 4), new(1, 4)),
        new(64, true, new(8, 4), new(8, 4), new(2, 4)),
    ];

    /// <summary>Every kind that kernels are compiled for.</summary>
    public static IReadOnlyList<AttentionTiles> All => ByWidth;

    /// <summary>Where in <see cref="All"/> those for a head size stand.</summary>
    public static int IndexFor(int headSize) => Math.Min((headSize - 1) / 32, ByWidth.Length - 1);

    /// <summary>Blocks that share a head's columns.</summary>
    public int ChunksOf(int headSize) => IsChunked ? (headSize - 1) / Width + 1 : 1;

    /// <summary>What <c>attention.cuh</c> is compiled with.</summary>
    public IReadOnlyList<string> Definitions() =>
    [
        $"ANDREA_HEAD_SIZE={Width}",
        $"ANDREA_HEAD_CHUNKED={(IsChunked ? 1 : 0)}",
        $"ANDREA_FORWARD_ROWS={Forward.Rows}",
        $"ANDREA_FORWARD_COLUMNS={Forward.Columns}",
        $"ANDREA_QUERY_ROWS={BackwardQuery.Rows}",
        $"ANDREA_QUERY_COLUMNS={BackwardQuery.Columns}",
        $"ANDREA_KEY_ROWS={BackwardKey.Rows}",
        $"ANDREA_KEY_COLUMNS={BackwardKey.Columns}",
    ];
}

/// <summary>A tile of scores, by what one of 8 x 8 threads has of it.</summary>
/// <param name="Rows">Rows of a thread.</param>
/// <param name="Columns">Columns of a thread, a multiple of 4.</param>
internal readonly record struct AttentionTile(int Rows, int Columns)
{
    /// <summary>Rows of the tile.</summary>
    public int RowCount => 8 * Rows;
}
