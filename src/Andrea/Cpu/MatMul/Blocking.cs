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

    // A slice has at least so many shared panels, so that packing a block for each of its slices stays little beside multiplying it.
    private const long PanelsOfSlice = 2;

    // More slices would gain nothing that could be measured.
    private const long MostSlices = 8;

    private readonly int _threads, _slices, _segmentBlocks;

    public readonly bool SharesColumns;
    public readonly int SharedWidth, PrivateWidth;
    public readonly long SharedPanels, PrivatePanels;

    /// <summary>Panels of the shared operand that are packed at a time.</summary>
    public readonly long SharedChunk;

    /// <summary>Blocks of k that are packed at a time.</summary>
    public readonly long DepthChunk;

    /// <summary>Panels of the private operand that a thread takes at most at a time.</summary>
    public readonly int LargestPrivateBlock;

    /// <summary>How many blocks of private panels there are, slices counted one by one.</summary>
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
        _slices = threads == 1 ? 1 : (int)Math.Clamp(SharedChunk / PanelsOfSlice, 1, MostSlices);
        LargestPrivateBlock = (int)Math.Clamp(privateBudget / (PrivateWidth * BlockDepth), 1, PrivatePanels);
        // Segments are of two lengths, and the shorter may have more blocks: 5 panels are 3, 1 and 1, but 6 are 3, 2 and 1.
        long longest = SegmentStart(1);
        _segmentBlocks = Math.Max(BlocksOf(longest), BlocksOf(longest - 1));
        PrivateBlocks = _segmentBlocks * threads;
    }

    /// <summary>A block of private panels, or a slice of one: multiplied with one of as many parts of the shared panels.</summary>
    /// <param name="index">0 up to <see cref="PrivateBlocks"/> - 1. Each thread's segment has as many; the last of a segment may be empty.</param>
    public (long First, int Count, int Slice, int Slices) PrivateBlock(long index)
    {
        (long segment, index) = Math.DivRem(index, _segmentBlocks);
        long panel = SegmentStart(segment), end = SegmentStart(segment + 1);
        while (panel < end)
        {
            int count = BlockAt(panel, end), slices = SlicesOf(count);
            if (index < slices)
                return (panel, count, (int)index, slices);
            index -= slices;
            panel += count;
        }
        return (end, 0, 0, 1);
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

    /// <summary>How many blocks a segment of so many panels has.</summary>
    private int BlocksOf(long panels)
    {
        int blocks = 0;
        for (long panel = 0; panel < panels;)
        {
            int count = BlockAt(panel, panels);
            panel += count;
            blocks += SlicesOf(count);
        }
        return blocks;
    }

    /// <summary>The first panel of a thread's segment. Rounded up, so that no segment is longer than the first.</summary>
    private long SegmentStart(long segment) => (PrivatePanels * segment + _threads - 1) / _threads;

    /// <summary>Panels of the block that begins with a panel: as many as fit the cache, and fewer towards the segment's end.</summary>
    /// <remarks>Large blocks use what they load more often; small ones leave no thread waiting for the last. Guided self-scheduling:
    /// half of what is left (Polychronopoulos and Kuck 1987).</remarks>
    private int BlockAt(long panel, long end)
    {
        long left = end - panel;
        return (int)Math.Min(_threads == 1 ? left : (left + 1) / 2, LargestPrivateBlock);
    }

    /// <summary>Blocks of a single panel come last, or are all there is; even they would leave threads waiting.</summary>
    private int SlicesOf(int count) => count == 1 ? _slices : 1;
}
