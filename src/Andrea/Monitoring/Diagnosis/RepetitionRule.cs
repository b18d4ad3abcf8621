namespace Andrea.Monitoring.Diagnosis;

/// <summary>Samples that repeat themselves more than the model's own did at their best: the beginning of a collapse into a loop, which the coherence
/// gate sees only when hardly anything else is left.</summary>
/// <remarks>The median of the latest samples is held against the lowest median of a history before them, not the last one: a collapse
/// may take longer than any window.</remarks>
internal sealed class RepetitionRule(GradientDiagnosisOptions options) : DiagnosisRule
{
    // The distance at which normal scatter is left behind.
    private const double Deviations = 4;

    private readonly Episode _episode = new(1, options.EndAfter);
    private readonly RobustWindow _recent = new(options.RepetitionWindow), _history = new(options.RepetitionHistory);
    private readonly long[] _steps = new long[options.RepetitionWindow];
    private long _count;
    private double _best = double.PositiveInfinity;

    public override Verdict? OnCoherence(CoherenceRecord record)
    {
        _steps[_count++ % _steps.Length] = record.Step;
        _recent.Add(record.Score.Repetition, out double oldest);
        if (!double.IsNaN(oldest))
            _history.Add(oldest);
        if (_history.Count >= options.RepetitionHistory / 2)
            _best = Math.Min(_best, _history.Median);
        double scatter = Deviations * RobustWindow.NormalScale * _history.MedianAbsoluteDeviation();
        bool rising = _recent.Median - _best > Math.Max(options.RepetitionRise, scatter);
        if (!_episode.Begins(rising, record.Step))
            return null;
        return new Verdict
        {
            Kind = VerdictKind.RepetitionRising,
            Step = record.Step,
            Since = _steps[_count % _steps.Length],
            Summary = Sentence($"Of the pairs and triples of words in the latest samples {Percent(_recent.Median)} stood in them before, after {Percent(_best)} at best; the coherence score is {record.Score.Total:0} of 100."),
            Remedy = "Go back to a checkpoint before it with a lower LearningRate (--lr), a clip (--max-norm) or more WarmupSteps (--warmup), and look at the sources: text that repeats itself is learned first.",
        };
    }
}
