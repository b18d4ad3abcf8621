namespace Andrea.Monitoring.Diagnosis;

/// <summary>Gradients that grow from block to block towards the input, or from step to step.</summary>
internal sealed class ExplodingRule : DepthRule
{
    private const string Remedy =
        "Clip (Clip.MaxNorm, --max-norm 1), begin with smaller weights (Initialization Gpt2 or TruncatedNormal), and lower LearningRate (--lr) or raise WarmupSteps (--warmup).";

    private readonly Episode _growth;

    public ExplodingRule(GradientDiagnosisOptions options)
        : base(options, sign: -1) => _growth = new Episode(options.BeginAfter, options.EndAfter);

    public override Verdict? OnStep(in StepRecord record, RunHistory history)
    {
        double before = history.Norms.Earlier.Median, now = history.ShortNorms.Median;
        bool grows = history.Norms.IsFull && history.ShortNorms.IsFull && before > 0 && now >= Options.NormGrowth * before;
        if (!_growth.Begins(grows, record.Step))
            return null;
        return new Verdict
        {
            Kind = VerdictKind.ExplodingGradients,
            Step = record.Step,
            Since = _growth.Since,
            Summary = Sentence($"Gradients explode from step to step: the norm's median over {history.ShortNorms.Capacity} steps is {Number(now)} at step {record.Step}, {Number(now / before)} times the {Number(before)} of {2 * Options.Window} to {Options.Window} steps before."),
            Remedy = Remedy,
        };
    }

    public override Verdict? OnGradients(GradientRecord record, RunHistory history)
    {
        if (Begin(record, history) is not { } leans)
            return null;
        Lean worst = leans[0];
        return new Verdict
        {
            Kind = VerdictKind.ExplodingGradients,
            Step = record.Step,
            Since = Since,
            Summary = Sentence($"Gradients explode towards the input: from block {worst.LastDepth} to {worst.FirstDepth} the norm of {worst.Kind.Name} grows from {Number(worst.LastNorm)} to {Number(worst.FirstNorm)}, by {Number(-worst.Slope)} powers of ten a block, and {leans.Count} of {history.Kinds.Length} kinds of tensors lean like that (medians up to step {record.Step})."),
            Remedy = Remedy,
            Tensors = TensorsOf(leans, history),
        };
    }
}
