using Andrea.Tensors;

namespace Andrea.Gpt;

/// <summary>Rows of a batch whose logits are in memory at one time, from the head through the loss to the logits' gradient.</summary>
/// <remarks>
/// With a large vocabulary the logits of a whole batch would be the largest tensor of all: 824 MB for GPT-2's 50,257 tokens and 4 x 1,024 positions.
/// Nothing but the loss and two products needs them, which go row by row, so that training and evaluation hold those of one chunk.
/// </remarks>
internal sealed class LogitChunk
{
    /// <summary>Floats of logits that are held at most, if that makes <see cref="RowMultiple"/> rows: 256 MB.</summary>
    /// <remarks>Every chunk packs the head anew, which costs a product 6 % with 384 rows of GPT-2's, and 2 % with as many as fit this.</remarks>
    public const long DefaultBudget = 1L << 26;

    // Of the blocks of rows in which the CPU sums weight gradients: so a chunk ends where a block does, and gradients have the same bits in one chunk or in many.
    internal const int RowMultiple = 384;

    /// <summary>This chunk's part of what margins and sums of gradients were last measured into, so that measuring again allocates nothing.</summary>
    public (DeviceBuffer<float>? Whole, DeviceBuffer<float>? Part) Margins;

    /// <summary>See <see cref="Margins"/>.</summary>
    public (DeviceBuffer<double>? Whole, DeviceBuffer<double>? Part) GradientSums;

    private LogitChunk(GptActivations activations, DeviceBuffer<int> targets, Tensor logits, int firstRow, int rows)
    {
        FirstRow = firstRow;
        Rows = rows;
        Logits = logits.Part(0, rows);
        FinalNorm = activations.FinalNorm.Part(firstRow, rows);
        Losses = activations.Losses.Part(firstRow, rows);
        Targets = targets.Slice(firstRow, rows);
    }

    /// <summary>The first row, counted in the batch.</summary>
    public int FirstRow { get; }

    /// <summary>Number of rows.</summary>
    public int Rows { get; }

    /// <summary>(rows, V), shared by all chunks.</summary>
    public Tensor Logits { get; }

    /// <summary>(rows, C) what the head reads.</summary>
    public Tensor FinalNorm { get; }

    /// <summary>(rows)</summary>
    public Tensor Losses { get; }

    /// <summary>(rows)</summary>
    public DeviceBuffer<int> Targets { get; }

    /// <summary>The chunk's rows of a buffer with one element for each row of the batch.</summary>
    public DeviceBuffer<T> PartOf<T>(DeviceBuffer<T> whole, ref (DeviceBuffer<T>? Whole, DeviceBuffer<T>? Part) latest)
        where T : unmanaged
    {
        if (!ReferenceEquals(latest.Whole, whole))
            latest = (whole, whole.Slice(FirstRow, Rows));
        return latest.Part!;
    }

    /// <summary>How many rows a chunk has, but for the last: a few chunks of much the same size.</summary>
    public static long RowsFor(long rows, int vocabularySize, long budget)
    {
        if (rows <= budget / vocabularySize)
            return rows;
        long most = Math.Max(1, budget / vocabularySize / RowMultiple), blocks = (rows + RowMultiple - 1L) / RowMultiple;
        long chunks = (blocks + most - 1) / most;
        return Math.Min(rows, (blocks + chunks - 1) / chunks * RowMultiple);
    }

    /// <summary>All chunks of a batch.</summary>
    /// <param name="activations">The batch's activations.</param>
    /// <param name="targets">(rows)</param>
    /// <param name="logits">(chunk's rows, V)</param>
    /// <param name="rows">Rows of the batch.</param>
    public static LogitChunk[] Cut(GptActivations activations, DeviceBuffer<int> targets, Tensor logits, int rows)
    {
        int most = (int)logits.Shape[0];
        return [.. Enumerable.Range(0, (rows + most - 1) / most).Select(i => new LogitChunk(activations, targets, logits, i * most, Math.Min(most, rows - i * most)))];
    }
}
