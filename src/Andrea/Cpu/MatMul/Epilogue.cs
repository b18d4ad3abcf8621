namespace Andrea.Cpu.MatMul;

/// <summary>A function of each element of a product, and of its like in another matrix, done block by block while a block is in a near cache.</summary>
/// <remarks>All matrices have the output's shape. Each element is done once, when it is complete, whatever the order of blocks; the output may
/// be an operand, or the target, or both. Blocks, not tiles: tiles have rows of 128 bytes in as many pages, which no prefetcher follows; done
/// by tiles GELU cost up to a tenth of the product more than a pass of its own.</remarks>
internal readonly unsafe struct Epilogue(
    delegate*<float*, float*, float*, long, long, long, void> function, float* first, float* second, float* target)
{
    /// <summary>Whether there is none.</summary>
    public bool IsNone => function == null;

    /// <summary>Does a rectangle.</summary>
    /// <param name="offset">Where it begins in each matrix.</param>
    /// <param name="stride">Elements from one row to the next.</param>
    /// <param name="rows">Rows of the rectangle.</param>
    /// <param name="columns">Columns of the rectangle.</param>
    public void Apply(long offset, long stride, long rows, long columns) =>
        function(first + offset, second + offset, target + offset, stride, rows, columns);
}
