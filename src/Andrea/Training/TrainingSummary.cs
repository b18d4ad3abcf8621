namespace Andrea.Training;

/// <summary>Why a run ended.</summary>
public enum StopReason
{
    /// <summary>All steps were made.</summary>
    Completed,

    /// <summary>Cancellation was asked for; a checkpoint was written.</summary>
    Cancelled,

    /// <summary>The model wrote mere repetitions too often in a row, or nothing because it holds NaN or Inf, see <see cref="TrainerOptions.Coherence"/>; a checkpoint was written.</summary>
    Incoherent,
}

/// <summary>How a run went.</summary>
public sealed record TrainingSummary
{
    /// <summary>Why it ended.</summary>
    public required StopReason Reason { get; init; }

    /// <summary>Steps done, those of earlier runs that it resumed included.</summary>
    public required long Step { get; init; }

    /// <summary>Loss of the last step, in nats per token; NaN if no step was made.</summary>
    public required double TrainingLoss { get; init; }

    /// <summary>Last measured validation loss; null if none was.</summary>
    public double? ValidationLoss { get; init; }

    /// <summary>Lowest validation loss; null if none was measured.</summary>
    public double? BestValidationLoss { get; init; }

    /// <summary>Steps skipped because of non-finite gradients or, by the spike guard, of spikes.</summary>
    public required long SkippedSteps { get; init; }

    /// <summary>How often the spike guard went back to a snapshot.</summary>
    public int Rollbacks { get; init; }

    /// <summary>Folder of the last checkpoint; null without a run folder.</summary>
    public string? CheckpointPath { get; init; }
}
