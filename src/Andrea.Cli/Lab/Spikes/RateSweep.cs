namespace Andrea.Cli.Lab.Spikes;

/// <summary>How a method did at each learning rate, without faults.</summary>
/// <param name="Rates">The rates.</param>
/// <param name="Losses">Validation loss at the end with each; NaN where a run diverged.</param>
internal sealed record RateSweep(IReadOnlyList<double> Rates, IReadOnlyList<double> Losses)
{
    /// <summary>The rate with the lowest loss; the lowest rate where none is finite.</summary>
    public double Best => Rates[Enumerable.Range(0, Rates.Count).MinBy(i => double.IsFinite(Losses[i]) ? Losses[i] : double.MaxValue)];

    /// <summary>Whether a rate beyond those tried may do better.</summary>
    public bool IsAtEdge => Best == Rates[0] || Best == Rates[^1];
}
