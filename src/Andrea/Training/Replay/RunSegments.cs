using Andrea.Training.Checkpoints;

namespace Andrea.Training.Replay;

/// <summary>A recorded run as it was made: up to each resume with the options of the time.</summary>
/// <remarks>
/// Options are known from run.json; where an older version wrote it, those it went on with last are, and those of a part that has left a checkpoint.
/// A checkpoint that the run went back behind is none of it.
/// </remarks>
internal sealed class RunSegments
{
    private readonly RunDescription? _run;
    private readonly IReadOnlyList<ResumeDescription> _resumed;

    private RunSegments(RunDescription? run, IEnumerable<CheckpointEntry> entries)
    {
        (_run, _resumed) = (run, run?.Resumed ?? []);
        Checkpoints = [.. entries.Where(entry =>
            entry.State is not null && !_resumed.Any(resume => resume.Step < entry.Name.Step && resume.At > entry.State.CreatedAt))];
    }

    /// <summary>The checkpoints whose state can be read, in the order of their steps; at least one.</summary>
    public IReadOnlyList<CheckpointEntry> Checkpoints { get; }

    /// <summary>Reads what a run's folder says.</summary>
    /// <exception cref="CheckpointException">It has no checkpoint that can be read.</exception>
    public static RunSegments Read(string runFolder)
    {
        var segments = new RunSegments(RunDescription.TryRead(runFolder), new CheckpointStore(RunFolder.CheckpointsOf(runFolder)).List());
        return segments.Checkpoints.Count > 0 ? segments : throw new CheckpointException(
            $"The folder '{runFolder}' has no checkpoint that can be read, so it is unknown what its steps were made of. Pass the folder of a run that has written one.");
    }

    /// <summary>The options that a step was made with.</summary>
    /// <param name="step">The step, from 1.</param>
    /// <returns>The options, and whether they are known; where not, those that the run went on with later.</returns>
    public (TrainerOptions Options, bool AreKnown) OptionsOf(long step)
    {
        int resume = ResumeBefore(step);
        TrainerOptions? known = resume == _resumed.Count - 1 ? _run?.Options : resume < 0 ? _run!.Began : _resumed[resume].Options;
        if (known is not null)
            return (known, true);
        long after = resume < 0 ? 0 : _resumed[resume].Step, end = LastBeforeResume(step);
        if (_run is not null && Checkpoints.FirstOrDefault(entry => entry.Name.Step > after && entry.Name.Step <= end) is { } written)
            return (Trainer.ReadOptions(written.State!, written.Path), true);
        CheckpointEntry later = Checkpoints.FirstOrDefault(entry => entry.Name.Step >= step) ?? Checkpoints[^1];
        return (_run?.Options ?? Trainer.ReadOptions(later.State!, later.Path), false);
    }

    /// <summary>The last step made before the run was next resumed, from a step on.</summary>
    public long LastBeforeResume(long step) =>
        _resumed.Skip(ResumeBefore(step) + 1).Select(resume => resume.Step).DefaultIfEmpty(long.MaxValue).Min();

    /// <summary>Whether all steps between two, both included, were made with known options.</summary>
    public bool AreKnown(long from, long to)
    {
        for (long step = from; step <= to; step = LastBeforeResume(step) + 1)
        {
            if (!OptionsOf(step).AreKnown)
                return false;
            if (LastBeforeResume(step) == long.MaxValue)
                break;
        }
        return true;
    }

    /// <summary>The device that a step was made on, in words; null when that is not known.</summary>
    public string? DeviceOf(long step) => ResumeBefore(step) is >= 0 and int resume ? _resumed[resume].Device : _run?.Device;

    /// <summary>Whether the run was resumed between two numbers of steps done.</summary>
    public bool IsResumedBetween(long from, long before) => _resumed.Any(resume => resume.Step >= from && resume.Step < before);

    // A resume takes the place of what came after its step, so the last one counts.
    private int ResumeBefore(long step)
    {
        int last = _resumed.Count - 1;
        while (last >= 0 && _resumed[last].Step >= step)
            last--;
        return last;
    }
}
