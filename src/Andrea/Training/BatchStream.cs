using Andrea.Data;
using Andrea.Training.Checkpoints;

namespace Andrea.Training;

/// <summary>Deals out the data: says what each step draws, fills its micro-batches, and holds the run's place in the data.</summary>
/// <remarks>
/// A step takes a turn, by <see cref="Next"/> or by <see cref="Again"/>, and what became of it comes back by <see cref="Report"/>, in the order
/// of the turns. <see cref="Fill"/> is a pure function of what was drawn, whenever that was. Allocates nothing after construction.
/// Not thread-safe.
/// </remarks>
internal sealed class BatchStream
{
    private readonly TokenDataset _data;
    private readonly BatchSampler _sampler;
    private readonly int _microBatches;

    // What the steps under way have drawn, as a ring.
    private readonly BatchDraw[] _underWay;
    private long _turns, _reported;
    private long _windowsDrawn;

    /// <summary>Stands at the beginning of the data.</summary>
    /// <param name="data">What to train on.</param>
    /// <param name="options">Batch, order, seed.</param>
    /// <param name="contextLength">Tokens in a window.</param>
    /// <param name="capacity">Most turns that wait for their report at a time.</param>
    /// <exception cref="TrainingDataException">The data is shorter than one context.</exception>
    public BatchStream(TokenDataset data, TrainerOptions options, int contextLength, int capacity)
    {
        _data = data;
        _sampler = new BatchSampler(data.Training, options.BatchSize, contextLength, options.Seed, options.BatchOrder);
        _microBatches = options.MicroBatches;
        _underWay = new BatchDraw[capacity];
        Seed = options.Seed;
    }

    private ulong Seed { get; }

    /// <summary>Draws the next batch of the run, for a step that trains on it now.</summary>
    public BatchDraw Next() => Take(Draw());

    /// <summary>Takes a turn with a batch that was drawn before, for a step that trains on it again; the place in the data stays.</summary>
    /// <param name="draw">What <see cref="Next"/> said then.</param>
    public BatchDraw Again(in BatchDraw draw) => Take(draw);

    /// <summary>Passes over the next batch of the run: no step trains on it.</summary>
    public void Skip() => Draw();

    /// <summary>Writes one of the micro-batches of a draw. Changes nothing here.</summary>
    /// <param name="draw">What a step trains on.</param>
    /// <param name="microBatch">From 0.</param>
    /// <param name="inputs">(B, T) out.</param>
    /// <param name="targets">(B, T) out.</param>
    public void Fill(in BatchDraw draw, int microBatch, Span<int> inputs, Span<int> targets) =>
        _sampler.FillFromWindow(draw.FirstWindow + (long)microBatch * _sampler.BatchSize, inputs, targets);

    /// <summary>The result of the oldest turn under way has arrived.</summary>
    /// <param name="loss">Mean loss of the step; may be NaN.</param>
    /// <returns>What that step had drawn.</returns>
    public BatchDraw Report(double loss)
    {
        if (_reported == _turns)
            throw new InvalidOperationException($"A loss of {loss} was reported, but no step is under way.");
        return _underWay[_reported++ % _underWay.Length];
    }

    /// <summary>The place in the data, for a checkpoint; no turn may be under way.</summary>
    public DataProgress Save() => new(Seed, _windowsDrawn, _data.Fingerprint);

    /// <summary>Goes to the place of a checkpoint.</summary>
    public void Restore(DataProgress progress) => _windowsDrawn = progress.Position;

    /// <summary>Goes to where a run of these options stands after so many steps.</summary>
    public void GoTo(long steps) => _windowsDrawn = checked(steps * _microBatches * _sampler.BatchSize);

    private BatchDraw Draw()
    {
        var draw = new BatchDraw(0, _windowsDrawn, checked(_microBatches * _sampler.BatchSize));
        _windowsDrawn += draw.WindowCount;
        return draw;
    }

    private BatchDraw Take(in BatchDraw draw)
    {
        if (_turns - _reported == _underWay.Length)
            throw new InvalidOperationException($"{_underWay.Length} steps wait for their results, as many as may.");
        _underWay[_turns++ % _underWay.Length] = draw;
        return draw;
    }
}
