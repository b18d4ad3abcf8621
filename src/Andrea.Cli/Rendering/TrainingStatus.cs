namespace Andrea.Cli.Rendering;

/// <summary>Where a run stands, as it is shown.</summary>
internal readonly record struct TrainingStatus
{
    /// <summary>Steps done.</summary>
    public required long Step { get; init; }

    /// <summary>Steps of the whole run.</summary>
    public required long TotalSteps { get; init; }

    /// <summary>Training loss, smoothed over the last steps, in nats per token.</summary>
    public required double Loss { get; init; }

    /// <summary>Gradient norm of the last step before clipping.</summary>
    public required double NormBefore { get; init; }

    /// <summary>Gradient norm of the last step after clipping.</summary>
    public required double NormAfter { get; init; }

    /// <summary>Share of steps so far whose gradients were clipped.</summary>
    public required double ClipRate { get; init; }

    /// <summary>Steps so far that were skipped because a gradient was not finite.</summary>
    public required long SkippedSteps { get; init; }

    public required double LearningRate { get; init; }

    public required double TokensPerSecond { get; init; }

    /// <summary>Expected time to the end; null when nothing is known yet.</summary>
    public required TimeSpan? Remaining { get; init; }

    /// <summary>The numbers in one line of text.</summary>
    public string Numbers()
    {
        string skipped = SkippedSteps > 0 ? FormattableString.Invariant($"  skipped {SkippedSteps}") : "";
        return $"loss {Units.Value(Loss)}  norm {Units.Value(NormBefore)} -> {Units.Value(NormAfter)}  clip {Units.Percent(ClipRate)}{skipped}"
            + $"  lr {Units.Rate(LearningRate)}  {Units.Count(TokensPerSecond)} tok/s  ETA {Units.Time(Remaining)}";
    }
}
