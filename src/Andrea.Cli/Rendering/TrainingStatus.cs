namespace Andrea.Cli.Rendering;

/// <summary>Where a run stands, as it is shown.</summary>
internal readonly record struct TrainingStatus
{
    /// <summary>Steps done.</summary>
    public required long Step { get; init; }

    /// <summary>Steps of the whole run.</summary>
    public required long TotalSteps { get; init; }

    /// <summary>Training loss in nats per token: a mean of about the last twenty steps, or that of the last step alone where it is NaN or infinite.</summary>
    public required double Loss { get; init; }

    /// <summary>Training loss of the last step alone, in nats per token; may be NaN.</summary>
    public required double StepLoss { get; init; }

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

    /// <summary>The tensors to look at first, where gradients are monitored.</summary>
    public WorstLayers Worst { get; init; }

    /// <summary>The numbers in one line of text.</summary>
    /// <param name="width">Most characters; what matters least is left out to keep to them.</param>
    /// <param name="withRate">Whether the learning rate is one of them.</param>
    public string Numbers(int width = int.MaxValue, bool withRate = true)
    {
        // Each with the room that it may need later on in a run: a number that grows must not make another come and go.
        List<Part> parts =
        [
            new($"loss {Units.Value(Loss)}", Room: 12, Rank: 0),
            new($"  norm {Units.Value(NormBefore)}", Room: 14, Rank: 1),
            new($" -> {Units.Value(NormAfter)}", Room: 11, Rank: 5),
            new($"  clip {Units.Percent(ClipRate)}", Room: 11, Rank: 3),
            new($"  lr {Units.Rate(LearningRate)}", Room: 12, Rank: 6),
            new($"  {Units.Count(TokensPerSecond)} tok/s", Room: 14, Rank: 4),
            new($"  ETA {Units.Time(Remaining)}", Room: 15, Rank: 2),
        ];
        if (!withRate)
            parts.RemoveAt(4);
        if (SkippedSteps > 0)
            parts.Insert(4, new(FormattableString.Invariant($"  skipped {SkippedSteps}"), Room: 0, Rank: 2));
        while (parts.Count > 1 && parts.Sum(part => Math.Max(part.Room, part.Text.Length)) > width)
            parts.Remove(parts.MaxBy(part => part.Rank));
        string text = string.Concat(parts.Select(part => part.Text));
        return text.Length <= width ? text : text[..width];
    }

    private readonly record struct Part(string Text, int Room, int Rank);
}
