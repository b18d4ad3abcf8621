namespace Andrea.Monitoring.Diagnosis;

/// <summary>Samples that repeat themselves more than the model's own did before: the beginning of a collapse into a loop, which the coherence gate
/// sees only when hardly anything else is left.</summary>
internal sealed class RepetitionRule(GradientDiagnosisOptions options) : DiagnosisRule
{
    // The distance at which normal scatter is left behind.
    private const double Deviations = 4;

    private readonly Episode _episode = new(1, options.EndAfter);
    private readonly RobustWindow _recent = new(options.RepetitionWindow), _history = new(options.RepetitionHistory);
    private long _firstOfRecent;

    public override Verdict? OnCoherence(CoherenceRecord record)
    {
        _recent.Add(record.Score.Repetition, out double oldest);
        if (!double.IsNaN(oldest))
            _history.Add(oldest);
        bool known = _recent.IsFull && _history.Count >= options.RepetitionHistory / 2;
        double rise = _recent.Median - _history.Median;
        bool rising = known && rise > Math.Max(options.RepetitionRise, Deviations * RobustWindow.NormalScale * _history.MedianAbsoluteDeviation());
        if (!_episode.Begins(rising, record.Step))
            return null;
        _firstOfRecent = record.Step;
        return new Verdict
        {
            Kind = VerdictKind.RepetitionRising,
            Step = record.Step,
            Since = _firstOfRecent,
            Summary = Sentence($"Of the pairs and triples of words in the latest samples {Percent(_recent.Median)} are repetitions, after {Percent(_history.Median)} in those before; the coherence score is {record.Score.Total:0} of 100."),
            Remedy = "Go back to a checkpoint before it with a lower LearningRate (--lr), a clip (--max-norm) or more WarmupSteps (--warmup), and look at the sources: text that repeats itself is learned first.",
        };
    }
}
