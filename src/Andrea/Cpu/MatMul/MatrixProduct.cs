using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Andrea.Cpu.MatMul;

/// <summary>Matrix products on one kind of micro-kernel.</summary>
/// <remarks>
/// What is computed, to the bit: for each element, k is cut into blocks of <see cref="Blocking.BlockDepth"/>; a block's sum is a chain of
/// fused multiply-adds from +0 over ascending k; the result is ((initial + bias) + block 0) + block 1 and so on, without the terms that are
/// not given. Neither the kernel, nor the number of threads, nor the element's place in the matrix has any influence.
/// </remarks>
internal static unsafe class MatrixProduct<TKernel>
    where TKernel : struct, IMicroKernel
{
    /// <summary>Computes the product.</summary>
    /// <param name="product">At least one row, column and k.</param>
    /// <param name="team">Threads to use.</param>
    /// <param name="scratch">Memory for panels.</param>
    public static void Run(in Product product, ThreadTeam team, GrowOnlyMemory scratch) =>
        Run(
            product, new Blocking(product.Left.Lanes, product.Right.Lanes, product.Depth, TKernel.Rows, TKernel.Columns, team.ThreadCount),
            team, scratch);

    /// <summary>Computes the product, cut as <paramref name="blocking"/> says; the result does not depend on that.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(in Product product, in Blocking blocking, ThreadTeam team, GrowOnlyMemory scratch)
    {
        Debug.Assert(product is { Left.Lanes: > 0, Right.Lanes: > 0, Depth: > 0 }, "an empty product is no product");
        long tileLength = TKernel.Rows * TKernel.Columns;
        long privateLength = (blocking.PrivateLength + tileLength + 63) / 64 * 64;
        float* memory = scratch.Take(privateLength * team.ThreadCount + blocking.SharedLength);
        float* shared = memory + privateLength * team.ThreadCount;
        for (long panel = 0; panel < blocking.SharedPanels; panel += blocking.SharedChunk)
        {
            for (long depthBlock = 0; depthBlock < blocking.DepthBlocks; depthBlock += blocking.DepthChunk)
            {
                var part = new Part
                {
                    Product = product,
                    Blocking = blocking,
                    ReadsLeftInPlace = blocking.SharesColumns && CanReadLeftInPlace(product.Left),
                    Shared = shared,
                    FirstSharedPanel = panel,
                    SharedPanels = Math.Min(blocking.SharedChunk, blocking.SharedPanels - panel),
                    FirstDepthBlock = depthBlock,
                    DepthBlocks = Math.Min(blocking.DepthChunk, blocking.DepthBlocks - depthBlock),
                };
                var pack = new PackWork { Part = part, GroupPanels = PackWork.PanelsOfGroup(part.SharedPanels * part.DepthBlocks, team.ThreadCount) };
                team.Run(ref pack, pack.Groups * part.DepthBlocks);
                var multiply = new MultiplyWork { Part = part, PrivateScratch = memory, PrivateLength = privateLength };
                team.Run(ref multiply, blocking.PrivateBlocks);
            }
        }
    }

    /// <summary>Whether rows that are private to a thread can be read where they lie: as fast as packed ones, without the packing.</summary>
    /// <remarks>
    /// Along k, each of a tile's rows is a stream of its own; only if they are a multiple of 4 KB apart they share 8 lines of a first-level cache.
    /// Across k, every k is a line of its own, which pays while they are close together: from 2 KB on, caches and address translation suffer.
    /// </remarks>
    internal static bool CanReadLeftInPlace(in Operand left) => left.DepthStride == 1 ? left.LaneStride % 1024 != 0 : left.DepthStride < 512;

    /// <summary>The part of a product whose shared panels are packed at one time.</summary>
    private struct Part
    {
        public Product Product;
        public Blocking Blocking;
        public float* Shared;
        public long FirstSharedPanel, SharedPanels, FirstDepthBlock, DepthBlocks;

        /// <summary>Whether whole panels of the left operand are read where the matrix lies, instead of being packed.</summary>
        public bool ReadsLeftInPlace;

        /// <summary>Where the panels of one block of k begin.</summary>
        public readonly float* SharedBlock(long depthBlock) =>
            Shared + depthBlock * SharedPanels * Blocking.SharedWidth * Blocking.BlockDepth;

        public readonly int BlockDepthAt(long firstDepth) => (int)Math.Min(Blocking.BlockDepth, Product.Depth - firstDepth);
    }

    /// <summary>Packs shared panels; an index is a group of neighbouring panels of one block of k.</summary>
    private struct PackWork : IRangeWork
    {
        // Of four panels memory is read in runs of 512 bytes.
        private const long MostPanels = 4;
        private const long GroupsPerThread = 4;

        public Part Part;
        public long GroupPanels;

        public readonly long Groups => (Part.SharedPanels + GroupPanels - 1) / GroupPanels;

        /// <summary>Several, unless there would be too few groups to share out.</summary>
        public static long PanelsOfGroup(long panels, int threads) => Math.Clamp(panels / (GroupsPerThread * threads), 1, MostPanels);

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(long start, long end, int worker)
        {
            for (long index = start; index < end; index++)
            {
                (long depthBlock, long group) = Math.DivRem(index, Groups);
                long panel = group * GroupPanels;
                int panelCount = (int)Math.Min(GroupPanels, Part.SharedPanels - panel);
                float* target = Part.SharedBlock(depthBlock) + panel * Part.Blocking.SharedWidth * Blocking.BlockDepth;
                long firstDepth = (Part.FirstDepthBlock + depthBlock) * Blocking.BlockDepth;
                long firstPanel = Part.FirstSharedPanel + panel;
                if (Part.Blocking.SharesColumns)
                    PackColumns(Part.Product.Right, firstPanel, panelCount, firstDepth, Part.BlockDepthAt(firstDepth), target);
                else
                    PackRows(Part.Product.Left, firstPanel, panelCount, firstDepth, Part.BlockDepthAt(firstDepth), target);
            }
        }
    }

    /// <summary>Multiplies blocks of private panels with all shared panels; an index is a block.</summary>
    private struct MultiplyWork : IRangeWork
    {
        public Part Part;
        public float* PrivateScratch;
        public long PrivateLength;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(long start, long end, int worker)
        {
            float* panels = PrivateScratch + worker * PrivateLength;
            for (long index = start; index < end; index++)
            {
                (long firstPanel, int panelCount, int slice, int slices) = Part.Blocking.PrivateBlock(index);
                if (panelCount == 0)
                    continue;
                long shared = Part.SharedPanels * slice / slices, sharedEnd = Part.SharedPanels * (slice + 1) / slices;
                for (long depthBlock = 0; depthBlock < Part.DepthBlocks; depthBlock++)
                {
                    long firstDepth = (Part.FirstDepthBlock + depthBlock) * Blocking.BlockDepth;
                    int depth = Part.BlockDepthAt(firstDepth);
                    if (!Part.Blocking.SharesColumns)
                        PackColumns(Part.Product.Right, firstPanel, panelCount, firstDepth, depth, panels);
                    else if (!Part.ReadsLeftInPlace)
                        PackRows(Part.Product.Left, firstPanel, panelCount, firstDepth, depth, panels);
                    else if ((firstPanel + panelCount) * TKernel.Rows > Part.Product.Left.Lanes)
                        PackRows(Part.Product.Left, firstPanel + panelCount - 1, 1, firstDepth, depth, panels + (panelCount - 1) * TKernel.Rows * Blocking.BlockDepth);
                    MultiplyBlock(Part, firstPanel, panelCount, shared, sharedEnd, panels, depthBlock, depth);
                }
                if (!Part.Product.Epilogue.IsNone && Part.FirstDepthBlock + Part.DepthBlocks == Part.Blocking.DepthBlocks)
                    Finish(Part, firstPanel, panelCount, shared, sharedEnd);
            }
        }
    }

    // Not inlined, or the JIT would run out of its budget for the transposition within.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void PackRows(in Operand source, long firstPanel, int panelCount, long firstDepth, int depth, float* target) =>
        Packing.Pack(
            source, firstPanel * TKernel.Rows, panelCount, firstDepth, depth, TKernel.Rows, TKernel.Rows * Blocking.BlockDepth, target);

    // Not inlined, or the JIT would run out of its budget for the transposition within.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void PackColumns(in Operand source, long firstPanel, int panelCount, long firstDepth, int depth, float* target) =>
        Packing.Pack(
            source, firstPanel * TKernel.Columns, panelCount, firstDepth, depth, TKernel.Columns, TKernel.Columns * Blocking.BlockDepth, target);

    /// <summary>Shared panels outside: each comes from the last-level cache once, while the private ones stay in the second level.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyBlock(
        in Part part, long firstPanel, int panelCount, long shared, long sharedEnd, float* panels, long depthBlock, int depth)
    {
        Product product = part.Product;
        if (part.FirstDepthBlock + depthBlock > 0)
        {
            product.Initial = product.Output;
            product.Bias = null;
        }
        float* tile = panels + part.Blocking.PrivateLength;
        long sharedStride = part.Blocking.SharedWidth * Blocking.BlockDepth;
        float* sharedPanel = part.SharedBlock(depthBlock) + shared * sharedStride;
        long privateStride = part.Blocking.PrivateWidth * Blocking.BlockDepth;
        long firstDepth = (part.FirstDepthBlock + depthBlock) * Blocking.BlockDepth;
        // Whole panels that lie in the matrix; none where they are packed.
        long inPlace = part.ReadsLeftInPlace ? Math.Min(panelCount, product.Left.Lanes / TKernel.Rows - firstPanel) : 0;
        float* left = product.Left.Data + firstPanel * TKernel.Rows * product.Left.LaneStride + firstDepth * product.Left.DepthStride;
        for (; shared < sharedEnd; shared++)
        {
            float* privatePanel = panels;
            for (int i = 0; i < panelCount; i++)
            {
                if (i < inPlace)
                    MultiplyTile(
                        product, left + i * TKernel.Rows * product.Left.LaneStride, (nint)product.Left.LaneStride, (nint)product.Left.DepthStride,
                        firstPanel + i, sharedPanel, part.FirstSharedPanel + shared, depth, tile);
                else if (part.Blocking.SharesColumns)
                    MultiplyTile(product, privatePanel, 1, TKernel.Rows, firstPanel + i, sharedPanel, part.FirstSharedPanel + shared, depth, tile);
                else
                    MultiplyTile(product, sharedPanel, 1, TKernel.Rows, part.FirstSharedPanel + shared, privatePanel, firstPanel + i, depth, tile);
                privatePanel += privateStride;
            }
            sharedPanel += sharedStride;
        }
    }

    /// <summary>The epilogue of a private block times shared panels: in long runs, which tiles would not be, and in a near cache still.</summary>
    private static void Finish(in Part part, long firstPanel, int panelCount, long shared, long sharedEnd)
    {
        long privateEnd = firstPanel + panelCount;
        shared += part.FirstSharedPanel;
        sharedEnd += part.FirstSharedPanel;
        (long row, long rowEnd, long column, long columnEnd) =
            part.Blocking.SharesColumns ? (firstPanel, privateEnd, shared, sharedEnd) : (shared, sharedEnd, firstPanel, privateEnd);
        row *= TKernel.Rows;
        column *= TKernel.Columns;
        long stride = part.Product.Right.Lanes;
        part.Product.Epilogue.Apply(
            row * stride + column, stride, Math.Min(rowEnd * TKernel.Rows, part.Product.Left.Lanes) - row,
            Math.Min(columnEnd * TKernel.Columns, stride) - column);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyTile(
        in Product product, float* left, nint rowStride, nint depthStride, long leftPanel, float* right, long rightPanel, int depth, float* tile)
    {
        long firstRow = leftPanel * TKernel.Rows;
        long firstColumn = rightPanel * TKernel.Columns;
        long rows = Math.Min(TKernel.Rows, product.Left.Lanes - firstRow);
        long stride = product.Right.Lanes;
        long columns = Math.Min(TKernel.Columns, stride - firstColumn);
        long offset = firstRow * stride + firstColumn;
        // Field by field: an initializer builds a copy, and loads it in one piece before its parts have left the store buffer.
        TileTarget target;
        target.Initial = product.Initial == null ? null : product.Initial + offset;
        target.Bias = product.Bias == null ? null : product.Bias + firstColumn;
        target.Output = product.Output + offset;
        target.Stride = stride;
        target.Prefetch(rows, TKernel.Columns);
        if (rows == TKernel.Rows && columns == TKernel.Columns)
        {
            TKernel.Multiply(left, rowStride, depthStride, right, depth, target);
            return;
        }
        var edge = new TileTarget { Output = tile, Stride = TKernel.Columns };
        if (rows > TKernel.Rows - 4)
        {
            TKernel.Multiply(left, rowStride, depthStride, right, depth, edge);
        }
        else
        {
            for (int row = 0; row < rows; row += 4)
            {
                edge.Output = tile + row * TKernel.Columns;
                TKernel.MultiplyFourRows(left + row * rowStride, rowStride, depthStride, right, depth, edge);
            }
        }
        target.WriteEdge(tile, TKernel.Columns, rows, columns);
    }
}
