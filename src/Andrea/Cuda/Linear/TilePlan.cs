using Andrea.Cuda.Interop;

namespace Andrea.Cuda.Linear;

/// <summary>The kernels that a product can run on, by how much of the result a block makes.</summary>
internal enum TileSize
{
    /// <summary>8 elements of a single row, a warp for each; only forward.</summary>
    Row,

    /// <summary>64 x 64 elements, 128 threads.</summary>
    Small,

    /// <summary>128 x 128 elements, 256 threads.</summary>
    Large,
}

/// <summary>How a product C (M, N) = A (M, K) B (K, N) is cut into blocks.</summary>
/// <param name="Tile">What a block makes of C.</param>
/// <param name="Splits">Into how many parts the sums over K are cut, each made by blocks of its own; more than 1 for <see cref="LinearOperation.BackwardWeight"/> only.</param>
/// <param name="SplitDepth">Terms of K in each part but the last, which has the rest.</param>
/// <remarks>Depends on nothing but the sizes: splits change a sum's order, and its bits must not depend on the GPU. The other choices do not
/// change bits, but for <see cref="TileSize.Row"/>. Sums over K are not cut for <see cref="LinearOperation.BackwardInput"/>, although a language
/// model's head has few blocks there and a long K: 256 rows of 768 channels are 48 small tiles for an H100's 132 multiprocessors, at 50,257 terms
/// each.</remarks>
internal readonly record struct TilePlan(TileSize Tile, int Splits, int SplitDepth)
{
    /// <summary>More would save little time, and partial sums take that many times dWeight's memory.</summary>
    public const int MaxSplits = 32;

    // The kernels go through K in steps of 8.
    private const int DepthStep = 8;

    // Costs are in cycles of one of an H100's 132 multiprocessors, of 128 fused multiply-adds each. On another GPU the choice may be less good.
    private const int Multiprocessors = 132, Lanes = 128;

    // What a block spends before its first and after its last multiplication, in steps of K.
    private const int BlockOverhead = 16;

    // The join's launch, and its share of moving one float through the second-level cache.
    private const double JoinCycles = 3000, JoinCyclesPerElement = 0.003;

    /// <summary>The plan of a product without splits.</summary>
    public TilePlan(TileSize tile, int depth)
        : this(tile, 1, depth)
    {
    }

    /// <summary>The fastest plan by a rough estimate.</summary>
    /// <param name="product">Which product.</param>
    /// <param name="m">M: rows of the result.</param><param name="n">N: its columns.</param><param name="k">K: terms of each sum.</param>
    public static TilePlan Choose(LinearOperation product, int m, int n, int k)
    {
        if (product == LinearOperation.Forward && m == 1)
            return new TilePlan(TileSize.Row, k);
        TilePlan best = new(TileSize.Large, k);
        double least = best.Cycles(m, n);
        int mostSplits = product == LinearOperation.BackwardWeight ? MaxSplits : 1;
        for (int splits = 1; splits <= mostSplits; splits++)
        {
            foreach (TileSize tile in (ReadOnlySpan<TileSize>)[TileSize.Large, TileSize.Small])
            {
                TilePlan plan = Split(tile, k, splits);
                double cycles = plan.Cycles(m, n);
                if (cycles < least)
                    (best, least) = (plan, cycles);
            }
        }
        return best;
    }

    /// <summary>A plan of at most <paramref name="splits"/> parts, none of them empty.</summary>
    public static TilePlan Split(TileSize tile, int k, int splits)
    {
        if (splits <= 1 || k <= DepthStep)
            return new TilePlan(tile, k);
        long steps = ((long)k + DepthStep - 1) / DepthStep;
        long depth = (steps + splits - 1) / splits * DepthStep;
        return depth >= k ? new TilePlan(tile, k) : new TilePlan(tile, (int)((k + depth - 1) / depth), (int)depth);
    }

    /// <summary>Blocks and threads.</summary>
    public LaunchShape ShapeFor(int m, int n) => Tile switch
    {
        TileSize.Row => LaunchShape.Linear(checked((int)(((long)n + 7) / 8)), 256),
        _ => new LaunchShape(checked((uint)checked((int)TilesOf(m, n))), (uint)Splits, 1, Tile == TileSize.Large ? 256u : 128u, 1, 1, 0),
    };

    private long Span => Tile == TileSize.Large ? 128 : 64;

    private long TilesOf(int m, int n) => checked((m + Span - 1) / Span * ((n + Span - 1) / Span));

    private double Cycles(int m, int n)
    {
        // A small tile loads twice as much for each product, from shared memory too.
        double perStep = Span * Span / (double)Lanes * (Tile == TileSize.Large ? 1 : 4.0 / 3);
        double rounds = Math.Ceiling(TilesOf(m, n) * (double)Splits / Multiprocessors);
        double join = Splits == 1 ? 0 : JoinCycles + JoinCyclesPerElement * m * n * (Splits + 1);
        return rounds * perStep * ((double)SplitDepth + BlockOverhead) + join;
    }
}
