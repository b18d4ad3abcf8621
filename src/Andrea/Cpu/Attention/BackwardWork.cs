using System.Runtime.Intrinsics;
using static Andrea.Cpu.Simd.SimdMath;

namespace Andrea.Cpu.Attention;

/// <summary>Attention backward. One index is one (sequence, head) pair.</summary>
/// <remarks>
/// For each tile of queries, and each tile of keys up to it: weights from the scores and logSumExp; dWeights = values * dOutputs^T;
/// dScores = weights * (dWeights - delta). Then dValues += weights * dOutputs, dKeys += dScores * queries, dQueries += dScores^T * keys.
/// Five products instead of the forward pass's two. Each sum runs over queries, or keys, in ascending order.
/// </remarks>
internal unsafe struct BackwardWork(
    AttentionShape shape, float* dOutput, float* qkv, float* output, float* logSumExp, float* dQkv, float* scratch) : IRangeWork
{
    private const int Tile = AttentionShape.Tile;

    /// <summary>Floats of scratch memory that each worker needs.</summary>
    public static long ScratchLength(AttentionShape shape) =>
        4 * shape.PanelLength + (5 * shape.PaddedHeadSize + 2 * Tile + 2) * (long)Tile;

    public readonly void Run(long start, long end, int worker)
    {
        var memory = new Scratch(scratch + worker * ScratchLength(shape), shape);
        for (long pair = start; pair < end; pair++)
            Backward(in memory, pair);
    }

    private readonly void Backward(in Scratch memory, long pair)
    {
        int size = shape.HeadSize, padded = shape.PaddedHeadSize;
        float* queries = qkv + shape.QkvOffsetOf(pair);
        float* keys = queries + shape.TokenStride;
        TilePacking.Load(keys, shape.QkvStride, shape.TokenCount, size, 1, memory.Keys, padded);
        TilePacking.Load(keys + shape.TokenStride, shape.QkvStride, shape.TokenCount, size, 1, memory.Values, padded);

        float* dQueries = dQkv + shape.QkvOffsetOf(pair);
        for (int tile = 0; tile < shape.Tiles; tile++)
        {
            int rows = shape.RowsOf(tile), vectors = (rows + Lanes - 1) / Lanes;
            PackQueries(in memory, pair, tile, rows, vectors);
            for (int keyTile = 0; keyTile <= tile; keyTile++)
                Propagate(in memory, keyTile, keyTile == tile, rows, vectors);
            TilePacking.Store(
                memory.DQueries, padded, rows, size, shape.Scale, dQueries + tile * Tile * shape.QkvStride, shape.QkvStride);
        }

        float* dKeys = dQueries + shape.TokenStride;
        TilePacking.Store(memory.DKeys, padded, shape.TokenCount, size, 1, dKeys, shape.QkvStride);
        TilePacking.Store(memory.DValues, padded, shape.TokenCount, size, 1, dKeys + shape.TokenStride, shape.QkvStride);
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

    private readonly void Propagate(in Scratch memory, int keyTile, bool onDiagonal, int rows, int vectors)
    {
        int padded = shape.PaddedHeadSize, keyCount = onDiagonal ? rows : Tile;
        long offset = (long)keyTile * Tile * padded;
        float* keys = memory.Keys + offset, values = memory.Values + offset;
        ScoreTile.Compute(keys, padded, memory.QueriesTransposed, shape.HeadSize, keyCount, vectors, onDiagonal, memory.Weights);
        ScoreTile.Compute(values, padded, memory.DOutputsTransposed, shape.HeadSize, keyCount, vectors, onDiagonal, memory.DWeights);
        for (int vector = 0; vector < vectors; vector++)
        {
            int queries = vector * Lanes;
            SoftmaxTile.Backward(
                memory.Weights + queries, memory.DWeights + queries,
                onDiagonal ? queries : keyCount, onDiagonal ? Math.Min(keyCount, queries + Lanes) : keyCount,
                Vector512.Load(memory.LogSumExp + queries), Vector512.Load(memory.Delta + queries));
        }
        // The tile on the diagonal is the first that adds to the sums of its keys, the first tile of keys to the sums of its queries.
        SumOverQueries(memory.Weights, memory.DOutputs, memory.DValues + offset, keyCount, rows, onDiagonal);
        SumOverQueries(memory.DWeights, memory.Queries, memory.DKeys + offset, keyCount, rows, onDiagonal);
        PanelProduct.Compute(
            new PanelProduct.Operands
            {
                A = memory.DWeights, ARowStride = 1, ATermStride = Tile,
                B = keys, BTermStride = padded,
                C = memory.DQueries, CRowStride = padded,
                Rows = rows, Vectors = padded / Lanes, TermCount = keyCount, Accumulate = keyTile > 0,
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
