using Andrea.Numerics;

namespace Andrea.Data;

/// <summary>Batches to train on, each a pure function of (seed, position): whoever knows the position can go on from there,
/// exactly.</summary>
/// <remarks>
/// Window number n of the run, n = position * B + row, depends on n alone and not on B, so a batch of 2 B and two batches of B are the
/// same windows. Immutable: any number of threads may fill batches at once.
/// </remarks>
public sealed class BatchSampler
{
    // One of the streams of the run's seed; "data" in ASCII.
    private const ulong OffsetStream = 0x64617461, EpochStream = OffsetStream + 1;

    private readonly TokenSequence _tokens;
    private readonly WindowShape _shape;
    private readonly ulong _seed;
    private readonly long _windowsPerEpoch;

    /// <summary>Makes the sampler.</summary>
    /// <param name="tokens">At least <paramref name="contextLength"/> + 1; usually <see cref="TokenDataset.Training"/>. Not copied.</param>
    /// <param name="batchSize">B: windows in a batch.</param>
    /// <param name="contextLength">T: tokens in a window.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="order">Which windows follow each other.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size below 1, or a batch of more than an array can have.</exception>
    /// <exception cref="TrainingDataException">Fewer tokens than <paramref name="contextLength"/> + 1.</exception>
    public BatchSampler(TokenSequence tokens, int batchSize, int contextLength, ulong seed, BatchOrder order = BatchOrder.Random)
    {
        _shape = new WindowShape(tokens, batchSize, contextLength);
        _tokens = tokens;
        _seed = seed;
        Order = order;
        // Leaves over T - 1 tokens or more, where there are as many, for the cuts to move by: so in time every window occurs.
        _windowsPerEpoch = Math.Max(1, (_shape.LastOffset + 1) / contextLength);
    }

    /// <summary>B: windows in a batch.</summary>
    public int BatchSize => _shape.BatchSize;

    /// <summary>T: tokens in a window.</summary>
    public int ContextLength => _shape.ContextLength;

    /// <summary>Which windows follow each other.</summary>
    public BatchOrder Order { get; }

    /// <summary>How many windows <see cref="BatchOrder.ShuffledEpochs"/> draws before it begins anew: all text but fewer than 2 T tokens
    /// at the two ends.</summary>
    public long WindowsPerEpoch => _windowsPerEpoch;

    /// <summary>Writes a batch: targets are inputs shifted by one, so targets[b, t] is the token after inputs[b, t]. Allocates
    /// nothing.</summary>
    /// <param name="position">Number of the batch in the run, from 0; with gradient accumulation, of the micro-batch.</param>
    /// <param name="inputs">(B, T) out.</param>
    /// <param name="targets">(B, T) out.</param>
    /// <exception cref="ArgumentOutOfRangeException">A negative position.</exception>
    /// <exception cref="ArgumentException">A span of another length.</exception>
    /// <exception cref="OverflowException">position * B is above 2^63.</exception>
    public void Fill(long position, Span<int> inputs, Span<int> targets)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        FillFromWindow(checked(position * BatchSize), inputs, targets);
    }

    /// <summary>Writes the batch that begins with window number <paramref name="first"/>, for a run whose batch size has changed on the way.</summary>
    internal void FillFromWindow(long first, Span<int> inputs, Span<int> targets)
    {
        _shape.CheckBuffers(inputs, targets);
        for (int row = 0; row < BatchSize; row++)
            _shape.CopyWindow(_tokens, OffsetOf(first + row), row, inputs, targets);
    }

    /// <summary>Where window number <paramref name="window"/> of the run begins.</summary>
    internal long OffsetOf(long window) => Order == BatchOrder.Random
        ? new Philox(_seed, OffsetStream, 2 * (ulong)window).NextInt64(_shape.LastOffset + 1)
        : OffsetInEpoch(window);

    private long OffsetInEpoch(long window)
    {
        (long epoch, long place) = Math.DivRem(window, _windowsPerEpoch);
        var random = new Philox(_seed, EpochStream, 4 * (ulong)epoch);
        ulong key = random.NextUInt64();
        long firstCut = random.NextInt64(_shape.LastOffset - (_windowsPerEpoch - 1) * ContextLength + 1);
        return firstCut + new WindowPermutation(_windowsPerEpoch, key).At(place) * ContextLength;
    }
}
