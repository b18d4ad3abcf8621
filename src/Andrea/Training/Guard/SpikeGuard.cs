using System.Numerics;
using Andrea.Clipping;

namespace Andrea.Training.Guard;

/// <summary>What the host does about spikes: which batches are tried again and when, when it is time to go back, and how far the rate is lowered.</summary>
/// <remarks>
/// A pure function of step numbers and results. Before step s it answers to the result of step s - lag, no matter how long that has been known: so a run
/// on a device whose results come late is the same run. Knows nothing of devices; allocates nothing after construction. Not thread-safe.
/// </remarks>
internal sealed class SpikeGuard
{
    private readonly SpikeGuardOptions _options;
    private readonly int _lag;

    // Steps by their number, modulo; enough for those that are not answered and the one being made.
    private readonly GuardTurn[] _turns;
    private readonly Queue<GuardRetry> _retries;

    // Batches that a rollback has taken their retry from, and nobody has been told of.
    private readonly Queue<GuardRetry> _abandoned = new();
    private ulong _flags;
    private long _countsFrom, _loweredAt;
    private double _loweredTo = 1;

    /// <summary>Makes a guard of a run that has not begun.</summary>
    /// <param name="options">Counts and limits; validated.</param>
    /// <param name="lag">Steps that a result may be late.</param>
    public SpikeGuard(SpikeGuardOptions options, int lag)
    {
        _options = options;
        _lag = lag;
        _turns = new GuardTurn[lag + 2];
        // A step adds one batch at most, and takes one that is due.
        _retries = new Queue<GuardRetry>(options.RetryAfter + lag + 2);
    }

    /// <summary>Steps skipped so far.</summary>
    public long SkippedSteps { get; private set; }

    /// <summary>Rollbacks so far.</summary>
    public int Rollbacks { get; private set; }

    /// <summary>Why the latest answered step that was skipped was.</summary>
    public SkipReason LatestReason { get; private set; }

    /// <summary>Whether none of the latest steps was skipped: a moment to take a snapshot.</summary>
    public bool IsCalm => (_flags & Mask) == 0;

    /// <summary>Answers to the step whose result every device has told by now.</summary>
    /// <param name="step">The step that is about to be made, from 1.</param>
    /// <param name="firstSign">Of a wide spike, the first of its skipped steps.</param>
    /// <returns>Whether it is time to go back: a wide spike.</returns>
    public bool Answer(long step, out long firstSign)
    {
        firstSign = 0;
        GuardTurn turn = Slot(step - _lag);
        if (turn.Step != step - _lag || turn.Step < 1)
            return false;
        bool skipped = turn.Reason != SkipReason.None, counts = turn.Step >= _countsFrom;
        if (skipped && TriesAgain(turn))
            (counts ? _retries : _abandoned).Enqueue(new GuardRetry(turn.Draw, turn.DrawnAt, turn.Attempt + 1, turn.Step + _options.RetryAfter));
        if (!counts)
            return false;
        _flags = (_flags << 1) | (skipped ? 1UL : 0);
        if (skipped)
            LatestReason = turn.Reason;
        ulong recent = _flags & Mask;
        if (!_options.RollsBack || BitOperations.PopCount(recent) < _options.WideCount)
            return false;
        firstSign = turn.Step - (63 - BitOperations.LeadingZeroCount(recent));
        return true;
    }

    /// <summary>The batch that is due to be tried again, or null for a fresh one. Takes it.</summary>
    public GuardRetry? TakeDue(long step) => _retries.TryPeek(out GuardRetry next) && next.Due <= step ? _retries.Dequeue() : null;

    /// <summary>A batch that lost its retry to a rollback, until there is none. Takes it.</summary>
    /// <remarks>A step that was under way at the rollback comes one step later: by then every device has told what became of it.</remarks>
    public bool TakeAbandoned(out GuardRetry abandoned) => _abandoned.TryDequeue(out abandoned);

    /// <summary>A step is about to be made.</summary>
    public void Begin(in GuardTurn turn) => Slot(turn.Step) = turn;

    /// <summary>A step's result is known.</summary>
    /// <returns>The step's turn.</returns>
    public GuardTurn Accept(long step, SkipReason reason)
    {
        ref GuardTurn turn = ref Slot(step);
        turn = turn with { Reason = reason };
        if (reason != SkipReason.None)
            SkippedSteps++;
        return turn;
    }

    /// <summary>Whether the batch of a skipped step is to be tried again, unless the parameters go back before.</summary>
    public bool TriesAgain(in GuardTurn turn) => turn.Attempt < _options.MaxRetries;

    /// <summary>Parameters and moments went back before a step: results of the steps before count no more, nor are their batches tried again.</summary>
    public void RolledBack(long step)
    {
        Rollbacks++;
        while (_retries.TryDequeue(out GuardRetry lost))
            _abandoned.Enqueue(lost);
        _flags = 0;
        _countsFrom = step;
        (_loweredTo, _loweredAt) = (FactorAt(step) * _options.RateFactor, step);
    }

    /// <summary>Factor on the learning rate of a step: lower for <see cref="SpikeGuardOptions.RateSteps"/> after a rollback, then back to 1 in as many.</summary>
    public double FactorAt(long step)
    {
        long steps = _options.RateSteps, since = step - _loweredAt;
        if (_loweredAt == 0 || since >= 2 * steps)
            return 1;
        return since < steps ? _loweredTo : _loweredTo + (1 - _loweredTo) * (since - steps) / steps;
    }

    /// <summary>What a checkpoint after so many steps holds of it; device and snapshots are others' to add.</summary>
    public GuardProgress Save(long step)
    {
        var turns = new List<GuardTurn>();
        for (long made = step - _lag + 1; made <= step; made++)
            if (made > 0 && Slot(made).Step == made)
                turns.Add(Slot(made));
        return new GuardProgress
        {
            Turns = turns,
            Retries = [.. _retries],
            Flags = _flags,
            CountsFrom = _countsFrom,
            SkippedSteps = SkippedSteps,
            Rollbacks = Rollbacks,
            LoweredAt = _loweredAt,
            LoweredTo = _loweredTo,
        };
    }

    /// <summary>Goes on from a checkpoint.</summary>
    public void Restore(GuardProgress progress)
    {
        Array.Clear(_turns);
        foreach (GuardTurn turn in progress.Turns)
            Slot(turn.Step) = turn;
        _retries.Clear();
        foreach (GuardRetry retry in progress.Retries)
            _retries.Enqueue(retry);
        (_flags, _countsFrom) = (progress.Flags, progress.CountsFrom);
        (SkippedSteps, Rollbacks) = (progress.SkippedSteps, progress.Rollbacks);
        (_loweredAt, _loweredTo) = (progress.LoweredAt, progress.LoweredTo);
    }

    private ulong Mask => ulong.MaxValue >> (64 - _options.WideWindow);

    // Steps before the first have a place, too.
    private ref GuardTurn Slot(long step) => ref _turns[(step + _turns.Length) % _turns.Length];
}
