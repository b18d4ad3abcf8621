namespace Andrea.Cpu.MatMul;

/// <summary>The innermost loop of a matrix product: one tile of the result, whose sums stay in registers.</summary>
/// <remarks>
/// A kernel is chosen by what the processor has; its tile is as large as the registers allow. Every kernel gives the same bits: each
/// element is a chain of fused multiply-adds from +0 over ascending k, and the tile's size only says which chains run side by side.
/// Sizes are multiples of 4: the packing relies on it.
/// </remarks>
internal unsafe interface IMicroKernel
{
    /// <summary>Rows of a tile; lanes of a panel of the left operand.</summary>
    static abstract int Rows { get; }

    /// <summary>Columns of a tile; lanes of a packed panel of the right operand.</summary>
    static abstract int Columns { get; }

    /// <summary>A tile of sums over k of left[r, k] * right[k, c].</summary>
    /// <param name="left">(Rows, depth) as the strides say: packed, or where the matrix lies.</param>
    /// <param name="rowStride">Elements from one row of it to the next.</param>
    /// <param name="depthStride">Elements from one k of it to the next.</param>
    /// <param name="right">(depth, Columns) packed.</param>
    /// <param name="depth">Number of k, at least 1.</param>
    /// <param name="target">Where (Rows, Columns) sums go.</param>
    static abstract void Multiply(float* left, nint rowStride, nint depthStride, float* right, long depth, in TileTarget target);

    /// <summary>The first 4 rows of <see cref="Multiply"/>, in as little as a third of the time; for the lower edge and for very few rows.</summary>
    /// <param name="left">(4, depth) as the strides say.</param>
    /// <param name="rowStride">Elements from one row of it to the next.</param>
    /// <param name="depthStride">Elements from one k of it to the next.</param>
    /// <param name="right">(depth, Columns) packed.</param>
    /// <param name="depth">Number of k, at least 1.</param>
    /// <param name="target">Where (4, Columns) sums go.</param>
    static abstract void MultiplyFourRows(float* left, nint rowStride, nint depthStride, float* right, long depth, in TileTarget target);
}
