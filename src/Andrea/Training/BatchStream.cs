using Andrea.Curriculum;
using Andrea.Data;
using Andrea.Monitoring;
using Andrea.Training.Checkpoints;

namespace Andrea.Training;

/// <summary>Deals out the data: says what each step draws, fills its micro-batches, and holds the run's place in the data.</summary>
/// <remarks>
/// A step takes a turn, by <see cref="Next"/> or by <see cref="Again"/>, and what became of it comes back by <see cref="Report"/>, in the order
/// of the turns. A choice between sources knows the losses of all turns but the one before it: on a GPU that one may still be
/// under way, and a choice must not depend on timing. <see cref="Fill"/> is a pure function of what was drawn, whenever that was.
/// Allocates nothing after construction. Not thread-safe.
/// </remarks>
internal sealed class BatchStream
{
    private readonly TokenDataset _data;
    private readonly BatchSampler[] _samplers;
    private readonly SourceChooser? _chooser;
    private readonly int _microBatches, _capacity;
    private readonly ulong _seed;

    // Turns that are under way, or whose loss no choice may know yet, as a ring.
    private readonly Turn[] _turns;
    private long _taken, _reported, _learned;

    // Of each source.
    private readonly long[] _drawn;
    private readonly double[] _epochs;

    /// <summary>Stands at the beginning of the data.</summary>
    /// <param name="data">What to train on.</param>
    /// <param name="options">Batch, order, seed, curriculum.</param>
    /// <param name="contextLength">Tokens in a window.</param>
    /// <param name="capacity">Most turns that wait for their report at a time.</param>
    /// <exception cref="TrainingDataException">A source is shorter than one context.</exception>
    /// <exception cref="ArgumentException">The curriculum has limits for a source that is not there.</exception>
    public BatchStream(TokenDataset data, TrainerOptions options, int contextLength, int capacity)
    {
        _data = data;
        _samplers = [.. data.Sources.Select(source => new BatchSampler(source.Training, options.BatchSize, contextLength, options.Seed, options.BatchOrder))];
        _chooser = Choose(data, options);
        _microBatches = options.MicroBatches;
        _seed = options.Seed;
        _capacity = capacity;
        _turns = new Turn[capacity + 2];
        _drawn = new long[_samplers.Length];
        _epochs = new double[_samplers.Length];
    }

    /// <summary>Number of the phase that the latest draw belongs to, from 1; 0 where there are none.</summary>
    public long Phase => _chooser?.Phase ?? 0;

    /// <summary>Draws the next batch of the run, for a step that trains on it now.</summary>
    public BatchDraw Next()
    {
        LearnDue();
        return Take(Draw());
    }

    /// <summary>Takes a turn with a batch that was drawn before, for a step that trains on it again; the place in the data stays.</summary>
    /// <param name="draw">What <see cref="Next"/> said then.</param>
    public BatchDraw Again(in BatchDraw draw)
    {
        LearnDue();
        return Take(draw);
    }

    /// <summary>Passes over the next batch of the run: no step trains on it.</summary>
    public void Skip() => Draw();

    /// <summary>Writes one of the micro-batches of a draw. Changes nothing here.</summary>
    /// <param name="draw">What a step trains on.</param>
    /// <param name="microBatch">From 0.</param>
    /// <param name="inputs">(B, T) out.</param>
    /// <param name="targets">(B, T) out.</param>
    public void Fill(in BatchDraw draw, int microBatch, Span<int> inputs, Span<int> targets)
    {
        BatchSampler sampler = _samplers[draw.Source];
        sampler.FillFromWindow(draw.FirstWindow + (long)microBatch * sampler.BatchSize, inputs, targets);
    }

    /// <summary>Name of the source that a step draws from; null where there is only one.</summary>
    public string? NameOf(in BatchDraw draw) => _samplers.Length == 1 ? null : _data.Sources[draw.Source].Name;

    /// <summary>The result of the oldest turn under way has arrived.</summary>
    /// <param name="loss">Mean loss of the step; may be NaN.</param>
    /// <returns>What that step had drawn.</returns>
    public BatchDraw Report(double loss)
    {
        if (_reported == _taken)
            throw new InvalidOperationException($"A loss of {loss} was reported, but no step is under way.");
        ref Turn turn = ref _turns[_reported++ % _turns.Length];
        turn = turn with { Loss = loss };
        return turn.Draw;
    }

    /// <summary>The phase that the latest draw belongs to.</summary>
    /// <param name="step">Its first step.</param>
    public PhaseRecord DescribePhase(long step)
    {
        SourceChooser chooser = _chooser!;
        double total = chooser.Weights.Sum();
        return new PhaseRecord(
            step,
            chooser.PhaseEnd - chooser.Turn + 1,
            _data.Sources[chooser.Focus].Name,
            [.. chooser.Weights.Select((weight, source) => new SourceShare(_data.Sources[source].Name, weight / total))]);
    }

    /// <summary>The place in the data, for a checkpoint; no turn may be under way.</summary>
    public DataProgress Save() => new(_seed, _drawn.Sum(), _data.Fingerprint)
    {
        Sources = _chooser is null ? null : new SourcesProgress([.. _drawn], _chooser.Save(), [.. Unlearned()]),
    };

    /// <summary>Goes to the place of a checkpoint.</summary>
    public void Restore(DataProgress progress)
    {
        if (_chooser is null || progress.Sources is not { } sources)
        {
            _drawn[0] = progress.Position;
            return;
        }
        sources.Drawn.CopyTo(_drawn, 0);
        _chooser.Restore(sources.Curriculum);
        (_taken, _reported, _learned) = (0, 0, 0);
        foreach (SourceLoss loss in sources.Unlearned)
        {
            Take(new BatchDraw(loss.Source, 0, 0));
            Report(loss.Loss);
        }
    }

    /// <summary>Goes to where a run of these options stands after so many steps, as far as that can be known without their losses.</summary>
    public void GoTo(long steps)
    {
        if (_chooser is null)
        {
            _drawn[0] = checked(steps * _microBatches * _samplers[0].BatchSize);
            return;
        }
        for (long step = 0; step < steps; step++)
            Skip();
    }

    private static SourceChooser? Choose(TokenDataset data, TrainerOptions options)
    {
        if (data.Sources.Count == 1)
            return null;
        return options.Curriculum is { } curriculum
            ? new BanditCurriculum(curriculum, [.. data.Sources.Select(source => source.Name)], options.Seed)
            : new ProportionalChooser([.. data.Sources.Select(source => source.Training.Length)], options.Seed);
    }

    /// <summary>Tells the chooser the losses that the next turn may know.</summary>
    private void LearnDue()
    {
        while (_learned < _taken - 1)
        {
            if (_learned == _reported)
                throw new InvalidOperationException("The loss of the step before the last has not been reported; wait for it before the next turn.");
            ref readonly Turn turn = ref _turns[_learned++ % _turns.Length];
            _chooser?.Learn(turn.Draw.Source, turn.Loss);
        }
    }

    private BatchDraw Draw()
    {
        int source = 0;
        if (_chooser is not null)
        {
            for (int i = 0; i < _epochs.Length; i++)
                _epochs[i] = (double)_drawn[i] * _samplers[i].ContextLength / _data.Sources[i].Training.Length;
            source = _chooser.Next(_epochs);
        }
        var draw = new BatchDraw(source, _drawn[source], checked(_microBatches * _samplers[source].BatchSize));
        _drawn[source] += draw.WindowCount;
        return draw;
    }

    private BatchDraw Take(in BatchDraw draw)
    {
        if (_taken - _reported == _capacity)
            throw new InvalidOperationException($"{_capacity} steps wait for their results, as many as may.");
        _turns[_taken++ % _turns.Length] = new Turn(draw, double.NaN);
        return draw;
    }

    private IEnumerable<SourceLoss> Unlearned()
    {
        for (long turn = _learned; turn < _reported; turn++)
            yield return new SourceLoss(_turns[turn % _turns.Length].Draw.Source, _turns[turn % _turns.Length].Loss);
    }

    private readonly record struct Turn(BatchDraw Draw, double Loss);
}
