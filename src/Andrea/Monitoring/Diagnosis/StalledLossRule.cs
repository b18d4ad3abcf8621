namespace Andrea.Monitoring.Diagnosis;

/// <summary>A loss that no longer falls although the rate is still up, while the gradients have faded: a plateau the run does not leave.</summary>
internal sealed class StalledLossRule(GradientDiagnosisOptions options) : DiagnosisRule
{
    private readonly Episode _episode = new(options.StalledAfter, options.EndAfter);

    public override Verdict? OnStep(in StepRecord record, RunHistory history)
    {
        if (history.ShortNorms.IsFull)
            history.Series.HighestNorm = Math.Max(history.Series.HighestNorm, history.ShortNorms.Median);
        double fade = Fade(history);
        if (!_episode.Begins(IsStalled(record, history, options) && fade <= options.FadedNorm, record.Step))
            return null;
        string gradients = double.IsNaN(history.TensorFade) ? "the gradient norm is" : "half of the tensors' gradients are";
        return new Verdict
        {
            Kind = VerdictKind.StalledLoss,
            Step = record.Step,
            Since = Math.Max(1, _episode.Since - options.StalledWindow),
            Summary = Sentence($"The loss has stalled at {Loss(history.LongLosses.Recent.Median)}, after {Loss(history.LongLosses.Earlier.Median)} in the {options.StalledWindow} steps before, and {gradients} down to {Percent(fade)} of their highest or less, at {Percent(record.LearningRate / history.PeakRate)} of the peak learning rate."),
            Remedy = "Go back to before the plateau with a lower LearningRate (--lr) and more WarmupSteps (--warmup), or begin anew with another Initialization; where nothing was learned at all, look at the data.",
        };
    }

    /// <summary>Whether the loss does not fall though it could: high for a trained model, at a rate that moves weights.</summary>
    internal static bool IsStalled(in StepRecord record, RunHistory history, GradientDiagnosisOptions options) =>
        history.LongLosses.IsFull
        && history.StepsSinceWarmup >= 2 * options.StalledWindow
        && history.LongLosses.Fall < options.StalledFall
        && history.LongLosses.Fall > -options.LossRise
        && record.LearningRate >= options.StalledRateShare * history.PeakRate
        && !(history.LongLosses.Recent.Median < options.LearnedShare * history.FirstLoss);

    private double Fade(RunHistory history) =>
        double.IsNaN(history.TensorFade) ? history.ShortNorms.Median / history.Series.HighestNorm : history.TensorFade;
}
