namespace Andrea.Cpu.MatMul;

/// <summary>How a product is cut: what is packed once for all threads, what each thread packs for itself, and in which portions.</summary>
/// <remarks>
/// Part of one operand is shared: all threads pack it together. Then each takes blocks of the other operand, packs a block into its own
/// second-level cache, or reads it where it lies, and multiplies it with all shared panels. So each element is packed about once, or not at all.
/// None of these numbers but <see cref="BlockDepth"/> has any influence on a result. They were found by measuring a GPT's shapes.
/// </remarks>
internal readonly struct Blocking
{
    /// <summary>k are summed in blocks of this length: part of the definition of a result.</summary>
    /// <remarks>Divides 384, 768, 1536 and 3072; a right-hand panel of it is 48 KB, a left-hand one 18 KB.</remarks>
    public const int BlockDepth = 384;

    // Shared panels are read again for every private block: they should stay in the last-level cache. 4 MB.
    private const long DefaultSharedBudget = 1 << 20;

    // A private block should fill no more than a quarter of a second-level cache of 1 MB.
    private const long DefaultPrivateBudget = 56 << 10;

    // So many blocks of k are packed together, if there are as many, before shared lanes are cut into chunks:
    // each further chunk of k reads and writes the whole output again, each further chunk of lanes packs the private operand again.
    private const long PreferredDepthChunk = 2;

    // The right operand is the shared one unless it is so much larger than the left one that it would be packed in many chunks.
    private const long ColumnsPerRowToShareRows = 4;

    private readonly int _threads;

    public readonly bool SharesColumns;
    public readonly int SharedWidth, PrivateWidth;
    public readonly long SharedPanels, PrivatePanels;

    /// <summary>Panels of the shared operand that are packed at a time.</summary>
    public readonly long SharedChunk;

    /// <summary>Blocks of k that are packed at a time.</summary>
    public readonly long DepthChunk;

    /// <summary>Panels of the private operand that a thread takes at most at a time.</summary>
    public readonly int LargestPrivateBlock;

    /// <summary>How many blocks of private panels there are.</summary>
    public readonly int PrivateBlocks;

    public readonly long DepthBlocks;

    /// <summary>Cuts a product.</summary>
    /// <param name="rows">Rows of the output.</param><param name="columns">Columns of the output.</param><param name="depth">Number of k.</param>
    /// <param name="rowWidth">Rows of the kernel's tile.</param><param name="columnWidth">Columns of the kernel's tile.</param>
    /// <param name="threads">Threads that will share the work.</param>
    /// <param name="sharedBudget">Floats that shared panels may take.</param>
    /// <param name="privateBudget">Floats that a private block may take.</param>
    public Blocking(
        long rows, long columns, long depth, int rowWidth, int columnWidth, int threads,
        long sharedBudget = DefaultSharedBudget, long privateBudget = DefaultPrivateBudget)
    {
        long rowPanels = PanelCount(rows, rowWidth);
        long columnPanels = PanelCount(columns, columnWidth);
        SharesColumns = columns <= ColumnsPerRowToShareRows * rows;
        (SharedWidth, SharedPanels) = SharesColumns ? (columnWidth, columnPanels) : (rowWidth, rowPanels);
        (PrivateWidth, PrivatePanels) = SharesColumns ? (rowWidth, rowPanels) : (columnWidth, columnPanels);
        DepthBlocks = PanelCount(depth, BlockDepth);
        long sharedLimit = sharedBudget / (SharedWidth * BlockDepth);
        SharedChunk = Evenly(SharedPanels, sharedLimit / Math.Min(DepthBlocks, PreferredDepthChunk));
        DepthChunk = Evenly(DepthBlocks, sharedLimit / SharedChunk);
        _threads = threads;
        LargestPrivateBlock = (int)Math.Clamp(privateBudget / (PrivateWidth * BlockDepth), 1, PrivatePanels);
        for (long panel = 0; panel < PrivatePanels; PrivateBlocks++)
            panel += PrivateBlockAt(panel);
    }

    /// <summary>A block of private panels.</summary>
    /// <param name="index">0 up to <see cref="PrivateBlocks"/> - 1.</param>
    public (long First, int Count) PrivateBlock(long index)
    {
        long panel = 0;
        for (; index > 0; index--)
            panel += PrivateBlockAt(panel);
        return (panel, PrivateBlockAt(panel));
    }

    public long SharedLength => SharedChunk * DepthChunk * SharedWidth * BlockDepth;

    public long PrivateLength => (long)LargestPrivateBlock * PrivateWidth * BlockDepth;

    private static long PanelCount(long lanes, int width) => (lanes + width - 1) / width;

    /// <summary>Size of a chunk when <paramref name="count"/> things make as few chunks of at most <paramref name="limit"/> as can be.</summary>
    private static long Evenly(long count, long limit)
    {
        long chunks = (count + Math.Max(1, limit) - 1) / Math.Max(1, limit);
        return (count + chunks - 1) / chunks;
    }

    /// <summary>Panels of the block that begins with a panel: as many as fit the cache, and fewer towards the end.</summary>
    /// <remarks>Large blocks use what they load more often; small ones leave no thread waiting for the last. Guided self-scheduling:
    /// a thread's share of half of what is left (Polychronopoulos and Kuck 1987).</remarks>
    private int PrivateBlockAt(long panel)
    {
        if (_threads == 1)
            return (int)Math.Min(LargestPrivateBlock, PrivatePanels - panel);
        long left = PrivatePanels - panel, share = (left + 2 * _threads - 1) / (2 * _threads);
        return (int)Math.Min(share, LargestPrivateBlock);
    }
}
