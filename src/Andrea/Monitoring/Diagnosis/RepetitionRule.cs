namespace Andrea.Monitoring.Diagnosis;

/// <summary>Samples that repeat themselves more than the model's own did at their best: the beginning of a collapse into a loop, which the coherence
/// gate sees only when hardly anything else is left.</summary>
internal sealed class RepetitionRule(GradientDiagnosisOptions options) : DiagnosisRule
{
    private readonly RepetitionTrend _trend = new(options);

    public override Verdict? OnCoherence(CoherenceRecord record)
    {
        if (!_trend.Begins(record.Step, record.Score.Repetition))
            return null;
        return new Verdict
        {
            Kind = VerdictKind.RepetitionRising,
            Step = record.Step,
            Since = _trend.Since,
            Summary = Sentence($"Of the pairs and triples of words in the latest samples {Percent(_trend.Recent)} stood in them before, after {Percent(_trend.Best)} at best; the coherence score is {record.Score.Total:0} of 100."),
            Remedy = "Go back to a checkpoint before it with a lower LearningRate (--lr), a clip (--max-norm) or more WarmupSteps (--warmup), and look at the sources: text that repeats itself is learned first.",
        };
    }

    public override void Restore(RepetitionState state) => _trend.Restore(state);
}
