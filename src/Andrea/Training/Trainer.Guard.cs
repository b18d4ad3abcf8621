using Andrea.Backends;
using Andrea.Clipping;
using Andrea.Monitoring;
using Andrea.Training.Guard;

namespace Andrea.Training;

public sealed partial class Trainer
{
    // Of steps that are not reported yet: what they began with.
    private readonly Queue<GuardRecord> _guardRecords = new(8);
    private SpikeGuard? _guard;
    private SpikeGate? _gate;
    private Snapshots? _snapshots;
    private SourceWindows? _windows;
    private long _snapshotFrom;
    private long _rolledBackTo = -1;

    /// <summary>Puts the guard between clip and update, where the options ask for one.</summary>
    private void GuardAgainstSpikes(Device device)
    {
        if (Options.SpikeGuard is not { } options)
            return;
        _guard = new SpikeGuard(options, _underWay.Capacity);
        _gate = _clipper.Gate = _owned.Add(new SpikeGate(device, options.Settings, _pass.LossOnDevice));
        int snapshots = options.RollsBack ? options.Snapshots : 0;
        _windows = _owned.Add(new SourceWindows(device, _gate, _data.Sources.Count, Options.Curriculum is not null, snapshots));
        if (!options.RollsBack)
            return;
        _snapshots = _owned.Add(new Snapshots(
            device, snapshots,
            [("parameters", Model.Parameters), ("m", _optimizer.FirstMoments), ("v", _optimizer.SecondMoments)],
            [.. _windows.Memory, .. StatesBesideArenas(device, snapshots)]));
    }

    /// <summary>What clip policy and optimizer remember besides the moments.</summary>
    private List<DeviceState> StatesBesideArenas(Device device, int snapshots)
    {
        var states = new DeviceStateCollector(device, snapshots);
        _optimizer.ShowMemory(states);
        _clipper.ShowMemory(states);
        return states.States;
    }

    /// <summary>What the step that is about to be made trains on; before that, the guard answers to what has become of earlier ones.</summary>
    /// <param name="drawnAt">The step that first drew it.</param>
    private BatchDraw NextBatch(out long drawnAt)
    {
        long step = drawnAt = Step + 1;
        if (_guard is not { } guard)
            return LatestDraw = _batches.Next();
        if (guard.Answer(step, out long firstSign))
            GoBack(guard, step, firstSign);
        else
            KeepSnapshot(guard);
        RecordAbandoned(guard, step);
        GuardRetry? due = guard.TakeDue(step);
        if (due is not { } retry)
        {
            BatchDraw fresh = _batches.Next();
            guard.Begin(new GuardTurn(step, fresh, step, 0));
            _windows!.Use(fresh.Source, step);
            return LatestDraw = fresh;
        }
        drawnAt = retry.DrawnAt;
        guard.Begin(new GuardTurn(step, retry.Draw, retry.DrawnAt, retry.Attempt));
        _guardRecords.Enqueue(Unmeasured(step, GuardAction.Retried, SkipReason.None) with { BatchStep = retry.DrawnAt, Attempt = retry.Attempt });
        _windows!.Use(retry.Draw.Source, step);
        return LatestDraw = _batches.Again(retry.Draw);
    }

    private double RateOf(long step)
    {
        double rate = _schedule.At(step - 1) * (_guard?.FactorAt(step) ?? 1);
        return Faults?.ChangeRate(step, rate) ?? rate;
    }

    private void GoBack(SpikeGuard guard, long step, long firstSign)
    {
        SpikeGuardOptions options = Options.SpikeGuard!;
        bool givesUp = guard.Rollbacks >= options.MaxRollbacks;
        long atMost = firstSign - 1 - options.SnapshotMargin;
        // Going back there did not help.
        if (_rolledBackTo >= 0)
            atMost = Math.Min(atMost, _rolledBackTo - 1);
        _rolledBackTo = _snapshots!.GoBack(atMost);
        _windows!.GoneBack();
        _snapshotFrom = step;
        guard.RolledBack(step);
        _guardRecords.Enqueue(Unmeasured(step, givesUp ? GuardAction.GaveUp : GuardAction.RolledBack, guard.LatestReason) with
        {
            Attempt = guard.Rollbacks,
            SnapshotStep = _rolledBackTo,
        });
        if (givesUp)
        {
            RecordAbandoned(guard, step);
            TakeAll();
            TellBegun(step);
            throw new SpikeGuardException(step, _rolledBackTo, guard.Rollbacks - 1);
        }
        for (int i = 0; i < options.SkipBatches; i++)
            _batches.Skip();
    }

    private void RecordAbandoned(SpikeGuard guard, long step)
    {
        while (guard.TakeAbandoned(out GuardRetry lost))
            _guardRecords.Enqueue(Unmeasured(step, GuardAction.Abandoned, SkipReason.None) with { BatchStep = lost.DrawnAt, Attempt = lost.Attempt });
    }

    private void KeepSnapshot(SpikeGuard guard)
    {
        // The first is there before the first step, or before the first that a resumed run makes where the checkpoint has none.
        if (_snapshots is null || (_snapshots.Count > 0 && (!guard.IsCalm || Step < _snapshotFrom + Options.SpikeGuard!.SnapshotEvery)))
            return;
        _windows!.Park();
        _snapshots.Take(Step);
        (_snapshotFrom, _rolledBackTo) = (Step, -1);
    }

    /// <summary>Tells what a step began with, in its turn among the steps.</summary>
    private void TellBegun(long step)
    {
        while (_guardRecords.TryPeek(out GuardRecord record) && record.Step <= step)
        {
            _guardRecords.Dequeue();
            Tell(record);
        }
    }

    /// <summary>A step's result is known; before anybody is told, since observers may throw.</summary>
    private SpikeState AcceptVerdict(in StepRecord record, out GuardTurn turn)
    {
        turn = _guard?.Accept(record.Step, record.Clip.SkipReason) ?? default;
        return _gate?.Take() ?? default;
    }

    private void TellVerdict(in StepRecord record, in GuardTurn turn, in SpikeState verdict)
    {
        SkipReason reason = record.Clip.SkipReason;
        if (_guard is null || reason == SkipReason.None)
            return;
        bool isNorm = reason != SkipReason.LossSpike;
        Tell(new GuardRecord
        {
            Step = record.Step,
            Action = _guard.TriesAgain(turn) ? GuardAction.Skipped : GuardAction.Dropped,
            Reason = reason,
            Value = isNorm ? record.Clip.NormBefore : record.Loss,
            ZScore = isNorm ? verdict.NormScore : verdict.LossScore,
            Median = isNorm ? verdict.NormMedian : verdict.LossMedian,
            BatchStep = turn.DrawnAt,
            Attempt = turn.Attempt,
        });
    }

    /// <summary>An action that no value of a step stands for.</summary>
    private static GuardRecord Unmeasured(long step, GuardAction action, SkipReason reason) =>
        new() { Step = step, Action = action, Reason = reason, Value = double.NaN, ZScore = double.NaN, Median = double.NaN };

    private void Tell(in GuardRecord record)
    {
        foreach (IStepObserver observer in _observers)
            observer.OnGuard(record);
    }

    /// <summary>What a checkpoint holds of the guard; null without one. Waits for the device.</summary>
    private GuardProgress? SaveGuard()
    {
        if (_guard is null)
            return null;
        _windows!.Park();
        return _guard.Save(Step) with
        {
            SnapshotFrom = _snapshotFrom,
            RolledBackTo = _rolledBackTo,
            Visits = _windows.Visits,
            Device = [.. _windows.Memory.Select(state => state.Read(-1))],
            Snapshots = _snapshots?.Save() ?? [],
        };
    }

    /// <summary>Makes room for a checkpoint's snapshots, before their tensors are read. Snapshots of other options are left out.</summary>
    private void ExpectSnapshots(GuardProgress? saved) => _snapshots?.Expect(saved?.Snapshots ?? []);

    private void RestoreGuard(GuardProgress? saved)
    {
        if (_guard is null || saved is null)
            return;
        _guard.Restore(saved);
        (_snapshotFrom, _rolledBackTo) = (saved.SnapshotFrom, saved.RolledBackTo);
        _windows!.Restore(saved.Visits, Step);
        // Windows of another size begin anew, and with them all that is counted in them.
        DeviceState[] memory = _windows.Memory;
        bool fits = saved.Device.Count == memory.Length;
        for (int i = 0; fits && i < memory.Length; i++)
            fits = memory[i].Write(-1, saved.Device[i]);
        _windows.Forget();
    }
}
