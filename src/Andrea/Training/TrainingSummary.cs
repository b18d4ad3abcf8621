namespace Andrea.Training;

/// <summary>Why a run ended.</summary>
public enum StopReason
{
    /// <summary>All steps were made.</summary>
    Completed,

    /// <summary>Cancellation was asked for; a checkpoint was written.</summary>
    Cancelled,

    /// <summary>The model wrote mere repetitions too often in a row, see <see cref="TrainerOptions.Coherence"/>; a checkpoint was written.</summary>
    Incoherent,
}

/// <summary>How a run went.</summary>
/// <param name="Reason">Why it ended.</param>
/// <param name="Step">Steps done, those of earlier runs that it resumed included.</param>
/// <param name="TrainingLoss">Loss of the last step, in nats per token; NaN if no step was made.</param>
/// <param name="ValidationLoss">Last measured validation loss; null if none was.</param>
/// <param name="BestValidationLoss">Lowest validation loss; null if none was measured.</param>
/// <param name="SkippedSteps">Steps skipped because of non-finite gradients or, by the spike guard, of spikes.</param>
/// <param name="CheckpointPath">Folder of the last checkpoint; null without a run folder.</param>
public sealed record TrainingSummary(
    StopReason Reason,
    long Step,
    double TrainingLoss,
    double? ValidationLoss,
    double? BestValidationLoss,
    long SkippedSteps,
    string? CheckpointPath)
{
    /// <summary>How often the spike guard went back to a snapshot.</summary>
    public int Rollbacks { get; init; }
}
