namespace Andrea.Cpu.MatMul;

/// <summary>How a product is cut: what is packed once for all threads, what each thread packs for itself, and in which portions.</summary>
/// <remarks>
/// The operand with fewer lanes is the shared one: all threads pack it together, then each takes blocks of the other operand, packs
/// a block into its own second-level cache, and multiplies it with all shared panels. So normally each element of either operand is
/// packed once. None of these numbers but <see cref="BlockDepth"/> has any influence on a result.
/// </remarks>
internal readonly struct Blocking
{
    /// <summary>k are summed in blocks of this length: part of the definition of a result.</summary>
    /// <remarks>Divides 384, 768, 1536 and 3072; a right-hand panel of it is 48 KB, a left-hand one 18 KB.</remarks>
    public const int BlockDepth = 384;

    // Shared panels are read again for every private block: they should stay in the last-level cache.
    private const long DefaultSharedBudget = 4 << 20;

    // A private block should fill no more than a fifth of a second-level cache of 1 MB.
    private const long DefaultPrivateBudget = 48 << 10;

    private const int BlocksPerThread = 8;

    public readonly bool SharesColumns;
    public readonly int SharedWidth, PrivateWidth;
    public readonly long SharedPanels, PrivatePanels;

    /// <summary>Panels of the shared operand that are packed at a time.</summary>
    public readonly long SharedChunk;

    /// <summary>Blocks of k that are packed at a time.</summary>
    public readonly long DepthChunk;

    /// <summary>Panels of the private operand that a thread packs at a time.</summary>
    public readonly int PrivateBlock;

    public readonly long DepthBlocks;

    /// <summary>Cuts a product.</summary>
    /// <param name="rows">Rows of the output.</param><param name="columns">Columns of the output.</param><param name="depth">Number of k.</param>
    /// <param name="rowWidth">Rows of the kernel's tile.</param><param name="columnWidth">Columns of the kernel's tile.</param>
    /// <param name="threads">Threads that will share the work.</param>
    /// <param name="sharedBudget">Floats that shared panels may take.</param><param name="privateBudget">Floats that a private block may take.</param>
    public Blocking(
        long rows, long columns, long depth, int rowWidth, int columnWidth, int threads,
        long sharedBudget = DefaultSharedBudget, long privateBudget = DefaultPrivateBudget)
    {
        long rowPanels = PanelCount(rows, rowWidth);
        long columnPanels = PanelCount(columns, columnWidth);
        SharesColumns = columns <= rows;
        (SharedWidth, SharedPanels) = SharesColumns ? (columnWidth, columnPanels) : (rowWidth, rowPanels);
        (PrivateWidth, PrivatePanels) = SharesColumns ? (rowWidth, rowPanels) : (columnWidth, columnPanels);
        DepthBlocks = PanelCount(depth, BlockDepth);
        SharedChunk = Math.Clamp(sharedBudget / (SharedWidth * BlockDepth), 1, SharedPanels);
        DepthChunk = Math.Clamp(sharedBudget / (SharedChunk * SharedWidth * BlockDepth), 1, DepthBlocks);
        long largest = Math.Max(1, privateBudget / (PrivateWidth * BlockDepth));
        PrivateBlock = (int)Math.Clamp(threads == 1 ? largest : PrivatePanels / (threads * BlocksPerThread), 1, largest);
    }

    public long SharedLength => SharedChunk * DepthChunk * SharedWidth * BlockDepth;

    public long PrivateLength => (long)PrivateBlock * PrivateWidth * BlockDepth;

    private static long PanelCount(long lanes, int width) => (lanes + width - 1) / width;
}
