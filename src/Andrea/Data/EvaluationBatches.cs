namespace Andrea.Data;

/// <summary>A fixed set of batches, spread evenly over the text, to measure a loss on: the same ones every time, whatever the
/// seed.</summary>
/// <remarks>nanoGPT measures on random batches, so that its validation loss scatters from one measurement to the next; this one does not.
/// Immutable.</remarks>
public sealed class EvaluationBatches
{
    private readonly TokenSequence _tokens;
    private readonly WindowShape _shape;

    /// <summary>Makes the set.</summary>
    /// <param name="tokens">At least <paramref name="contextLength"/> + 1; usually <see cref="TokenDataset.Validation"/>. Not
    /// copied.</param>
    /// <param name="batchSize">B: windows in a batch.</param>
    /// <param name="contextLength">T: tokens in a window.</param>
    /// <param name="maximumCount">At most so many batches, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size or count below 1, or a batch of more than an array can have.</exception>
    /// <exception cref="TrainingDataException">Fewer tokens than <paramref name="contextLength"/> + 1.</exception>
    public EvaluationBatches(TokenSequence tokens, int batchSize, int contextLength, int maximumCount = int.MaxValue)
    {
        if (maximumCount < 1)
        {
            throw new ArgumentOutOfRangeException(
                nameof(maximumCount), maximumCount, $"At most {maximumCount} batches were asked for; expected at least 1.");
        }
        _shape = new WindowShape(tokens, batchSize, contextLength);
        _tokens = tokens;
        long windowsForAll = DivideUp(tokens.Length - 1, contextLength);
        Count = (int)Math.Min(maximumCount, DivideUp(windowsForAll, batchSize));
    }

    /// <summary>Number of batches: as many as it takes for every token but the first to be a target, or the maximum.</summary>
    public int Count { get; }

    /// <summary>Writes a batch: targets are inputs shifted by one. Allocates nothing.</summary>
    /// <param name="index">In [0, <see cref="Count"/>).</param>
    /// <param name="inputs">(B, T) out.</param>
    /// <param name="targets">(B, T) out.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such batch.</exception>
    /// <exception cref="ArgumentException">A span of another length.</exception>
    /// <remarks>All batches are full: windows overlap a little where the text is not a multiple of B T, and a text of one window gives B
    /// times the same.</remarks>
    public void Fill(int index, Span<int> inputs, Span<int> targets)
    {
        if ((uint)index >= (uint)Count)
            throw new ArgumentOutOfRangeException(nameof(index), index, $"Batch {index} was asked for; there are {Count}, from 0.");
        _shape.CheckBuffers(inputs, targets);
        for (int row = 0; row < _shape.BatchSize; row++)
            _shape.CopyWindow(_tokens, OffsetOf((long)index * _shape.BatchSize + row), row, inputs, targets);
    }

    /// <summary>Where a window begins: the first at 0, the last as late as possible, the others at even distances between.</summary>
    internal long OffsetOf(long window)
    {
        long last = (long)Count * _shape.BatchSize - 1;
        return last == 0 ? 0 : (long)((Int128)window * _shape.LastOffset / last);
    }

    private static long DivideUp(long dividend, long divisor) => (dividend + divisor - 1) / divisor;
}
