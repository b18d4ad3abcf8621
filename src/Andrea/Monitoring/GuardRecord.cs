using Andrea.Clipping;
using static System.FormattableString;

namespace Andrea.Monitoring;

/// <summary>What the spike guard did.</summary>
public enum GuardAction
{
    /// <summary>The step's update was not made; its batch is to be tried again, unless the run goes back before.</summary>
    Skipped,

    /// <summary>The step's update was not made, and its batch is given up for good.</summary>
    Dropped,

    /// <summary>The step trains on a batch that was skipped before.</summary>
    Retried,

    /// <summary>A batch that waited to be tried again is given up: the parameters that it was too much for are gone, and so is its turn.</summary>
    Abandoned,

    /// <summary>Before the step, parameters and moments went back to a snapshot.</summary>
    RolledBack,

    /// <summary>Rolled back once too often: parameters and moments are the snapshot's, and the run ends before the step.</summary>
    GaveUp,
}

/// <summary>An action of the spike guard.</summary>
public readonly record struct GuardRecord
{
    /// <summary>The step that it was about or that began with it.</summary>
    public required long Step { get; init; }

    /// <summary>What was done.</summary>
    public required GuardAction Action { get; init; }

    /// <summary>Why: of a rollback, why the latest step was skipped.</summary>
    public required SkipReason Reason { get; init; }

    /// <summary>The loss or norm that spiked; NaN where there is none.</summary>
    public required double Value { get; init; }

    /// <summary>Its z-score, or NaN.</summary>
    public required double ZScore { get; init; }

    /// <summary>What is usual, or NaN.</summary>
    public required double Median { get; init; }

    /// <summary>The step that first drew the batch; 0 for a rollback.</summary>
    public long BatchStep { get; init; }

    /// <summary>Which retry of the batch it is, or would have been, from 1; 0 for the first time; for a rollback, which one of the run.</summary>
    public int Attempt { get; init; }

    /// <summary>Of a rollback, the step whose parameters and moments there are now; else -1.</summary>
    public long SnapshotStep
    {
        // Counted from 1 within, so that it is -1 where nothing is said.
        get => field - 1;
        init => field = value + 1;
    }

    /// <summary>What was done, for people; without the step.</summary>
    internal string Sentence => Action switch
    {
        GuardAction.Skipped => Invariant($"skipped, because {Cause}; its batch waits to be tried again"),
        GuardAction.Dropped => Invariant($"skipped, because {Cause}; its batch, drawn at step {BatchStep}, is given up"),
        GuardAction.Retried => Invariant($"tries the batch of step {BatchStep} again"),
        GuardAction.Abandoned => Invariant($"the batch of step {BatchStep} is given up, because the parameters went back"),
        GuardAction.RolledBack => Invariant($"back to the parameters of step {SnapshotStep}, with a lower learning rate for a while (rollback {Attempt})"),
        _ => Invariant($"back to the parameters of step {SnapshotStep} for the last time; the run still spikes and ends here"),
    };

    private string Cause => Reason switch
    {
        SkipReason.NonFiniteGradients => "gradients are not finite",
        SkipReason.LossSpike when !double.IsFinite(Value) => "the loss is not finite",
        SkipReason.NormSpike when !double.IsFinite(Value) => "the norm is not finite",
        _ => Invariant(
            $"the {(Reason == SkipReason.LossSpike ? "loss" : "norm")} {Value:G4} stands {ZScore:F1} deviations above its median {Median:G4}"),
    };
}
