using Andrea.Clipping;
using static System.FormattableString;

namespace Andrea.Monitoring;

/// <summary>What the spike guard did.</summary>
public enum GuardAction
{
    /// <summary>The step's update was not made; its batch will be tried again.</summary>
    Skipped,

    /// <summary>The step's update was not made, and its batch is given up for good.</summary>
    Dropped,

    /// <summary>The step trains on a batch that was skipped before.</summary>
    Retried,

    /// <summary>Before the step, parameters and moments went back to a snapshot.</summary>
    RolledBack,

    /// <summary>Rolled back once too often: parameters and moments are the snapshot's, and the run ends before the step.</summary>
    GaveUp,
}

/// <summary>An action of the spike guard.</summary>
/// <param name="Step">The step that it was about or that began with it.</param>
/// <param name="Action">What was done.</param>
/// <param name="Reason">Why: of a rollback, why the latest step was skipped.</param>
/// <param name="Value">The loss or norm that spiked; NaN where there is none.</param>
/// <param name="ZScore">Its z-score, or NaN.</param>
/// <param name="Median">What is usual, or NaN.</param>
/// <param name="BatchStep">The step that first drew the batch; 0 for a rollback.</param>
/// <param name="Attempt">Which retry of the batch it is, from 1; 0 for the first time; for a rollback, which one of the run.</param>
/// <param name="SnapshotStep">Of a rollback, the step whose parameters and moments there are now; else -1.</param>
public readonly record struct GuardRecord(
    long Step, GuardAction Action, SkipReason Reason, double Value, double ZScore, double Median, long BatchStep, int Attempt, long SnapshotStep = -1)
{
    /// <summary>What was done, for people; without the step.</summary>
    internal string Sentence => Action switch
    {
        GuardAction.Skipped => Invariant($"skipped, because {Cause}; its batch will be tried again"),
        GuardAction.Dropped => Invariant($"skipped, because {Cause}; its batch, drawn at step {BatchStep}, is given up"),
        GuardAction.Retried => Invariant($"tries the batch of step {BatchStep} again"),
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
