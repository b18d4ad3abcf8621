namespace Andrea.Monitoring.Diagnosis;

/// <summary>A clip that most steps run into, by far: it sets the step's size, not the gradient.</summary>
internal sealed class ClippingAlwaysRule(GradientDiagnosisOptions options) : DiagnosisRule
{
    private readonly Episode _episode = new(options.BeginAfter, options.EndAfter);
    private readonly RobustWindow _coefficients = new(options.ClipWindow);

    public override Verdict? OnStep(in StepRecord record, RunHistory history)
    {
        // The beginning of a run is what a clip is for.
        if (history.WarmingUp || record.Step <= options.Window)
            return null;
        _coefficients.Add(record.Clip.Coefficient);
        // A median below 1 is a rate above one half.
        double median = _coefficients.Median;
        if (!_episode.Begins(_coefficients.IsFull && median <= options.ClippedCoefficient, record.Step))
            return null;
        double largest = record.Clip.Clipped ? record.Clip.NormAfter : history.Norms.Recent.Median * median;
        return new Verdict
        {
            Kind = VerdictKind.ClippingAlways,
            Step = record.Step,
            Since = Math.Max(1, _episode.Since - options.ClipWindow + 1),
            Summary = Sentence($"More than half of the last {options.ClipWindow} steps were clipped to {Percent(median)} of their norm or less: a usual norm is {Number(history.Norms.Recent.Median)}, the largest allowed {Number(largest)}."),
            Remedy = Sentence($"If the loss falls well, raise Clip.MaxNorm (--max-norm {Number(2 * history.Norms.Recent.Median)}) so that it stops spikes only; else lower LearningRate (--lr), raise WarmupSteps (--warmup), or begin with another Initialization."),
        };
    }
}
