using System.Runtime.Intrinsics;
using static Andrea.Cpu.Simd.SimdMath;

namespace Andrea.Cpu.Attention;

/// <summary>How attention's backward pass is cut into indices.</summary>
internal enum BackwardPart
{
    /// <summary>One index is one (sequence, head) pair: every tile of weights is computed once.</summary>
    Pair,

    /// <summary>One index is one tile of queries of a pair, and writes their gradients only.</summary>
    Queries,

    /// <summary>One index is one tile of keys of a pair, and writes the gradients of keys and values only.</summary>
    Keys,
}

/// <summary>Attention backward: all of it in one work by pairs, or where there are few pairs in two works by tiles, with the same bits.</summary>
/// <remarks>
/// For each tile of queries, and each tile of keys up to it: weights from the scores and logSumExp; dWeights = values * dOutputs^T;
/// dScores = weights * (dWeights - delta). Then dValues += weights * dOutputs, dKeys += dScores * queries, dQueries += dScores^T * keys.
/// Five products instead of the forward pass's two. Each sum runs over queries, or keys, in ascending order. By tiles there are seven, since
/// weights and dScores are computed for the queries' gradients and again for the keys' and values'.
/// </remarks>
internal unsafe struct BackwardWork(
    AttentionShape shape, float* dOutput, float* qkv, float* output, float* logSumExp, float* dQkv, float* scratch, BackwardPart part) : IRangeWork
{
    private const int Tile = AttentionShape.Tile;
    private const int ProductsByPairs = 5, ProductsByTiles = 7;

    // Where there are fewer tiles, the longest of them would take as long as the pair.
    private const int FewestTiles = 4;

    /// <summary>Whether the two works by tiles are done sooner than the one by pairs, which leaves threads without a pair idle.</summary>
    public static bool IsFasterByTiles(AttentionShape shape, int threads)
    {
        long rounds = (shape.Pairs + threads - 1) / threads;
        // One product more for packing queries once per tile of keys.
        return shape.Tiles >= FewestTiles && ProductsByPairs * rounds * threads > (ProductsByTiles + 1) * shape.Pairs;
    }

    /// <summary>Floats of scratch memory that each worker needs.</summary>
    public static long ScratchLength(AttentionShape shape) =>
        4 * shape.PanelLength + (5 * shape.PaddedHeadSize + 2 * Tile + 2) * (long)Tile;

    public readonly void Run(long start, long end, int worker)
    {
        var memory = new Scratch(scratch + worker * ScratchLength(shape), shape);
        for (long index = start; index < end; index++)
        {
            (long pair, long tile) = Math.DivRem(index, shape.Tiles);
            // The longest tiles first: the threads then finish together.
            if (part == BackwardPart.Pair)
                Backward(in memory, index);
            else if (part == BackwardPart.Queries)
                BackwardQueries(in memory, pair, shape.Tiles - 1 - (int)tile);
            else
                BackwardKeys(in memory, pair, (int)tile);
        }
    }

    private readonly void Backward(in Scratch memory, long pair)
    {
        PackKeys(in memory, pair, 0, shape.TokenCount);
        for (int tile = 0; tile < shape.Tiles; tile++)
        {
            int rows = shape.RowsOf(tile), vectors = (rows + Lanes - 1) / Lanes;
            PackQueries(in memory, pair, tile, rows, vectors);
            for (int keyTile = 0; keyTile <= tile; keyTile++)
            {
                bool onDiagonal = keyTile == tile;
                int keyCount = onDiagonal ? rows : Tile;
                long offset = (long)keyTile * Tile * shape.PaddedHeadSize;
                Weigh(in memory, offset, keyCount, onDiagonal, rows, vectors);
                AddToKeys(in memory, offset, keyCount, onDiagonal, rows);
                AddToQueries(in memory, offset, keyCount, onDiagonal, rows, isFirst: keyTile == 0);
            }
            StoreQueries(in memory, pair, tile, rows);
        }
        StoreKeys(in memory, pair, 0, shape.TokenCount);
    }

    private readonly void BackwardQueries(in Scratch memory, long pair, int tile)
    {
        int rows = shape.RowsOf(tile), vectors = (rows + Lanes - 1) / Lanes;
        PackQueries(in memory, pair, tile, rows, vectors);
        for (int keyTile = 0; keyTile <= tile; keyTile++)
        {
            bool onDiagonal = keyTile == tile;
            int keyCount = onDiagonal ? rows : Tile;
            PackKeys(in memory, pair, keyTile, keyCount);
            Weigh(in memory, 0, keyCount, onDiagonal, rows, vectors);
            AddToQueries(in memory, 0, keyCount, onDiagonal, rows, isFirst: keyTile == 0);
        }
        StoreQueries(in memory, pair, tile, rows);
    }

    private readonly void BackwardKeys(in Scratch memory, long pair, int keyTile)
    {
        int keyCount = shape.RowsOf(keyTile);
        PackKeys(in memory, pair, keyTile, keyCount);
        for (int tile = keyTile; tile < shape.Tiles; tile++)
        {
            int rows = shape.RowsOf(tile), vectors = (rows + Lanes - 1) / Lanes;
            PackQueries(in memory, pair, tile, rows, vectors);
            Weigh(in memory, 0, keyCount, tile == keyTile, rows, vectors);
            AddToKeys(in memory, 0, keyCount, tile == keyTile, rows);
        }
        StoreKeys(in memory, pair, keyTile, keyCount);
    }

    /// <summary>Brings keys and values from a tile's first on into scratch memory.</summary>
    private readonly void PackKeys(in Scratch memory, long pair, int firstTile, int count)
    {
        float* keys = qkv + shape.QkvOffsetOf(pair) + shape.TokenStride + firstTile * Tile * shape.QkvStride;
        TilePacking.Load(keys, shape.QkvStride, count, shape.HeadSize, 1, memory.Keys, shape.PaddedHeadSize);
        TilePacking.Load(keys + shape.TokenStride, shape.QkvStride, count, shape.HeadSize, 1, memory.Values, shape.PaddedHeadSize);
    }

    private readonly void StoreQueries(in Scratch memory, long pair, int tile, int rows) =>
        TilePacking.Store(
            memory.DQueries, shape.PaddedHeadSize, rows, shape.HeadSize, shape.Scale,
            dQkv + shape.QkvOffsetOf(pair) + tile * Tile * shape.QkvStride, shape.QkvStride);

    private readonly void StoreKeys(in Scratch memory, long pair, int firstTile, int count)
    {
        float* dKeys = dQkv + shape.QkvOffsetOf(pair) + shape.TokenStride + firstTile * Tile * shape.QkvStride;
        TilePacking.Store(memory.DKeys, shape.PaddedHeadSize, count, shape.HeadSize, 1, dKeys, shape.QkvStride);
        TilePacking.Store(memory.DValues, shape.PaddedHeadSize, count, shape.HeadSize, 1, dKeys + shape.TokenStride, shape.QkvStride);
    }

    /// <summary>Brings a tile's queries, output gradients, logSumExp and delta into scratch memory; rows up to a whole vector are zeros.</summary>
    private readonly void PackQueries(in Scratch memory, long pair, int tile, int rows, int vectors)
    {
        float* queries = qkv + shape.QkvOffsetOf(pair) + tile * Tile * shape.QkvStride;
        long offset = shape.OffsetOf(pair) + tile * Tile * shape.TokenStride;
        PackRows(dOutput + offset, shape.TokenStride, rows, vectors, 1, memory.DOutputs, memory.DOutputsTransposed);
        // Outputs are needed for delta only, so they borrow the places of others.
        PackRows(output + offset, shape.TokenStride, rows, vectors, 1, memory.DQueries, memory.QueriesTransposed);
        for (int vector = 0; vector < vectors; vector++)
            Delta(memory.QueriesTransposed + vector * Lanes, memory.DOutputsTransposed + vector * Lanes).Store(memory.Delta + vector * Lanes);
        PackRows(queries, shape.QkvStride, rows, vectors, shape.Scale, memory.Queries, memory.QueriesTransposed);

        new Span<float>(memory.LogSumExp, vectors * Lanes).Clear();
        new Span<float>(logSumExp + pair * shape.TokenCount + tile * Tile, rows).CopyTo(new Span<float>(memory.LogSumExp, rows));
    }

    private readonly void PackRows(float* source, long sourceStride, int rows, int vectors, float factor, float* target, float* transposed)
    {
        int padded = shape.PaddedHeadSize;
        TilePacking.Load(source, sourceStride, rows, shape.HeadSize, factor, target, padded);
        new Span<float>(target + rows * padded, (vectors * Lanes - rows) * padded).Clear();
        TilePacking.Transpose(target, vectors * Lanes, padded, transposed);
    }

    /// <summary>For 16 queries, sum over d of output * dOutput, which is the sum over keys of weight * dWeight.</summary>
    /// <remarks>Added up exactly as a dWeight is. So where one weight is 1,
    /// dWeight - delta is 0 and not a rounding error that a large key multiplies.</remarks>
    private readonly Vector512<float> Delta(float* outputs, float* dOutputs)
    {
        Vector512<float> sum = default;
        for (int d = 0; d < shape.HeadSize; d++)
            sum = Vector512.FusedMultiplyAdd(Vector512.Load(outputs + d * Tile), Vector512.Load(dOutputs + d * Tile), sum);
        return sum;
    }

    /// <summary>Weights and dScores of the queries in scratch memory and the keys that lie at <paramref name="offset"/> there.</summary>
    private readonly void Weigh(in Scratch memory, long offset, int keyCount, bool onDiagonal, int rows, int vectors)
    {
        int padded = shape.PaddedHeadSize;
        ScoreTile.Compute(memory.Keys + offset, padded, memory.QueriesTransposed, shape.HeadSize, keyCount, vectors, onDiagonal, memory.Weights);
        ScoreTile.Compute(memory.Values + offset, padded, memory.DOutputsTransposed, shape.HeadSize, keyCount, vectors, onDiagonal, memory.DWeights);
        for (int vector = 0; vector < vectors; vector++)
        {
            int queries = vector * Lanes;
            SoftmaxTile.Backward(
                memory.Weights + queries, memory.DWeights + queries,
                onDiagonal ? queries : keyCount, onDiagonal ? Math.Min(keyCount, queries + Lanes) : keyCount,
                Vector512.Load(memory.LogSumExp + queries), Vector512.Load(memory.Delta + queries));
        }
    }

    /// <summary>The tile on the diagonal is the first that adds to the sums of its keys.</summary>
    private readonly void AddToKeys(in Scratch memory, long offset, int keyCount, bool onDiagonal, int rows)
    {
        SumOverQueries(memory.Weights, memory.DOutputs, memory.DValues + offset, keyCount, rows, onDiagonal);
        SumOverQueries(memory.DWeights, memory.Queries, memory.DKeys + offset, keyCount, rows, onDiagonal);
    }

    private readonly void AddToQueries(in Scratch memory, long offset, int keyCount, bool onDiagonal, int rows, bool isFirst)
    {
        int padded = shape.PaddedHeadSize;
        float* keys = memory.Keys + offset;
        PanelProduct.Compute(
            new PanelProduct.Operands
            {
                A = memory.DWeights, ARowStride = 1, ATermStride = Tile,
                B = keys, BTermStride = padded,
                C = memory.DQueries, CRowStride = padded,
                Rows = rows, Vectors = padded / Lanes, TermCount = keyCount, Accumulate = !isFirst,
            },
            onDiagonal ? Terms.UpToRow : Terms.All,
            exact: onDiagonal && TilePacking.HasNonFinite(keys, keyCount * padded));
    }

    /// <summary>sums[key, :] += sum over queries of factors[key, query] * rows[query, :].</summary>
    private readonly void SumOverQueries(float* factors, float* rows, float* sums, int keyCount, int rowCount, bool onDiagonal)
    {
        int padded = shape.PaddedHeadSize;
        PanelProduct.Compute(
            new PanelProduct.Operands
            {
                A = factors, ARowStride = Tile, ATermStride = 1,
                B = rows, BTermStride = padded,
                C = sums, CRowStride = padded,
                Rows = keyCount, Vectors = padded / Lanes, TermCount = rowCount, Accumulate = !onDiagonal,
            },
            onDiagonal ? Terms.FromRow : Terms.All,
            exact: onDiagonal && TilePacking.HasNonFinite(rows, rowCount * padded));
    }

    /// <summary>One worker's scratch memory.</summary>
    private readonly struct Scratch
    {
        public readonly float* Keys, Values, DKeys, DValues;
        public readonly float* Queries, QueriesTransposed, DOutputs, DOutputsTransposed, DQueries;
        public readonly float* Weights, DWeights, LogSumExp, Delta;

        public Scratch(float* memory, AttentionShape shape)
        {
            int tileOfRows = shape.PaddedHeadSize * Tile;
            Keys = memory;
            Values = Keys + shape.PanelLength;
            DKeys = Values + shape.PanelLength;
            DValues = DKeys + shape.PanelLength;
            Queries = DValues + shape.PanelLength;
            QueriesTransposed = Queries + tileOfRows;
            DOutputs = QueriesTransposed + tileOfRows;
            DOutputsTransposed = DOutputs + tileOfRows;
            DQueries = DOutputsTransposed + tileOfRows;
            Weights = DQueries + tileOfRows;
            DWeights = Weights + Tile * Tile;
            LogSumExp = DWeights + Tile * Tile;
            Delta = LogSumExp + Tile;
        }
    }
}
