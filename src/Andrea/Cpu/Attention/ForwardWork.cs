using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Andrea.Cpu.Simd;
using static Andrea.Cpu.Simd.SimdMath;

namespace Andrea.Cpu.Attention;

/// <summary>Attention forward. One index is one tile of queries of one (sequence, head) pair, so that few pairs occupy many threads too.</summary>
/// <remarks>
/// For each tile of keys up to the queries' own: scores = keys * queries^T; online softmax; outputs += weights^T * values (Dao et al. 2022,
/// Milakov and Gimelshein 2018, arXiv:1805.02867). What a query gets depends on the keys it sees and on where tiles begin, on nothing else.
/// </remarks>
internal unsafe struct ForwardWork(AttentionShape shape, float* qkv, float* output, float* logSumExp, float* scratch) : IRangeWork
{
    private const int Tile = AttentionShape.Tile;

    /// <summary>Floats of scratch memory that each worker needs.</summary>
    public static long ScratchLength(AttentionShape shape) =>
        Lanes + 2 * shape.PanelLength + (2 * shape.PaddedHeadSize + Tile + 2) * (long)Tile;

    /// <summary>Makes workers forget the keys that an earlier call left in their scratch memory.</summary>
    public static void Reset(AttentionShape shape, float* scratch, int workers)
    {
        for (int worker = 0; worker < workers; worker++)
            *(Packed*)(scratch + worker * ScratchLength(shape)) = new Packed { Pair = -1 };
    }

    public readonly void Run(long start, long end, int worker)
    {
        var memory = new Scratch(scratch + worker * ScratchLength(shape), shape);
        for (long index = start; index < end; index++)
        {
            // The longest tiles first: the threads then finish together.
            int tile = shape.Tiles - 1 - (int)(index % shape.Tiles);
            Forward(in memory, index / shape.Tiles, tile);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private readonly void Forward(in Scratch memory, long pair, int tile)
    {
        int rows = shape.RowsOf(tile), vectors = (rows + Lanes - 1) / Lanes;
        PackKeys(in memory, pair, tile * Tile + rows);
        PackQueries(in memory, pair, tile, rows, vectors);
        new Span<float>(memory.Maximum, vectors * Lanes).Fill(float.NegativeInfinity);
        new Span<float>(memory.Denominator, vectors * Lanes).Clear();
        for (int keyTile = 0; keyTile <= tile; keyTile++)
            Attend(in memory, keyTile, keyTile == tile, rows, vectors);
        Finish(in memory, pair, tile, rows, vectors);
    }

    /// <summary>Brings the pair's keys and values into scratch memory, as far as this worker has not done so for a tile before.</summary>
    private readonly void PackKeys(in Scratch memory, long pair, int count)
    {
        ref Packed packed = ref *memory.Packed;
        if (packed.Pair != pair)
            packed = new Packed { Pair = pair };
        if (packed.Count >= count)
            return;
        float* keys = qkv + shape.QkvOffsetOf(pair) + shape.TokenStride + packed.Count * shape.QkvStride;
        long target = (long)packed.Count * shape.PaddedHeadSize;
        int rows = count - packed.Count;
        TilePacking.Load(keys, shape.QkvStride, rows, shape.HeadSize, 1, memory.Keys + target, shape.PaddedHeadSize);
        TilePacking.Load(keys + shape.TokenStride, shape.QkvStride, rows, shape.HeadSize, 1, memory.Values + target, shape.PaddedHeadSize);
        packed.Count = count;
    }

    private readonly void PackQueries(in Scratch memory, long pair, int tile, int rows, int vectors)
    {
        float* queries = qkv + shape.QkvOffsetOf(pair) + tile * Tile * shape.QkvStride;
        TilePacking.Load(queries, shape.QkvStride, rows, shape.HeadSize, shape.Scale, memory.Queries, shape.PaddedHeadSize);
        new Span<float>(memory.Queries + rows * shape.PaddedHeadSize, (vectors * Lanes - rows) * shape.PaddedHeadSize).Clear();
        TilePacking.Transpose(memory.Queries, vectors * Lanes, shape.PaddedHeadSize, memory.QueriesTransposed);
    }

    private readonly void Attend(in Scratch memory, int keyTile, bool onDiagonal, int rows, int vectors)
    {
        int padded = shape.PaddedHeadSize;
        int keys = onDiagonal ? rows : Tile;
        float* values = memory.Values + (long)keyTile * Tile * padded;
        ScoreTile.Compute(
            memory.Keys + (long)keyTile * Tile * padded, padded, memory.QueriesTransposed, shape.HeadSize, keys, vectors, onDiagonal, memory.Scores);
        for (int vector = 0; vector < vectors; vector++)
        {
            int queries = vector * Lanes;
            Vector512<float> correction = SoftmaxTile.Update(
                memory.Scores + queries, onDiagonal ? queries : keys, onDiagonal ? Math.Min(keys, queries + Lanes) : keys,
                memory.Maximum + queries, memory.Denominator + queries);
            // Most of the time the maximum has been seen before.
            if (keyTile > 0 && !Vector512.EqualsAll(correction, Vector512<float>.One))
                Rescale(memory.Outputs + queries * padded, correction, padded);
        }
        PanelProduct.Compute(
            new PanelProduct.Operands
            {
                A = memory.Scores, ARowStride = 1, ATermStride = Tile,
                B = values, BTermStride = padded,
                C = memory.Outputs, CRowStride = padded,
                Rows = rows, Vectors = padded / Lanes, TermCount = keys, Accumulate = keyTile > 0,
            },
            onDiagonal ? Terms.UpToRow : Terms.All,
            exact: onDiagonal && TilePacking.HasNonFinite(values, keys * padded));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Rescale(float* outputs, Vector512<float> correction, int padded)
    {
        for (int row = 0; row < Lanes; row++, outputs += padded)
        {
            Vector512<float> factor = Vector512.Create(((float*)&correction)[row]);
            for (int i = 0; i < padded; i += Lanes)
                (Vector512.Load(outputs + i) * factor).Store(outputs + i);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private readonly void Finish(in Scratch memory, long pair, int tile, int rows, int vectors)
    {
        float* target = output + shape.OffsetOf(pair) + tile * Tile * shape.TokenStride;
        for (int i = 0; i < vectors * Lanes; i += Lanes)
        {
            Vector512<float> denominator = Vector512.Load(memory.Denominator + i);
            (Vector512.Load(memory.Maximum + i) + SoftmaxMath.Log(denominator)).Store(memory.Maximum + i);
            (Vector512<float>.One / denominator).Store(memory.Denominator + i);
        }
        for (int row = 0; row < rows; row++)
        {
            Vector512<float> factor = Vector512.Create(memory.Denominator[row]);
            TilePacking.StoreRow(memory.Outputs + row * shape.PaddedHeadSize, factor, shape.HeadSize, target + row * shape.TokenStride);
        }
        new Span<float>(memory.Maximum, rows).CopyTo(new Span<float>(logSumExp + pair * shape.TokenCount + tile * Tile, rows));
    }

    /// <summary>Whose keys and values lie in scratch memory, and how many of them.</summary>
    private struct Packed
    {
        public long Pair;
        public int Count;
    }

    /// <summary>One worker's scratch memory.</summary>
    private readonly struct Scratch
    {
        public readonly Packed* Packed;
        public readonly float* Keys, Values, Queries, QueriesTransposed, Outputs, Scores, Maximum, Denominator;

        public Scratch(float* memory, AttentionShape shape)
        {
            Packed = (Packed*)memory;
            Keys = memory + Lanes;
            Values = Keys + shape.PanelLength;
            Queries = Values + shape.PanelLength;
            QueriesTransposed = Queries + shape.PaddedHeadSize * Tile;
            Scores = QueriesTransposed + shape.PaddedHeadSize * Tile;
            // Queries are read once more only, to be transposed, before the first sums are written: a smaller scratch stays in a nearer cache.
            Outputs = Queries;
            Maximum = Scores + Tile * Tile;
            Denominator = Maximum + Tile;
        }
    }
}
