namespace Andrea.Monitoring.Diagnosis;

/// <summary>Gradients that shrink from block to block towards the input, so that the lower blocks do not learn.</summary>
internal sealed class VanishingRule(GradientDiagnosisOptions options) : DepthRule(options, sign: 1)
{
    public override Verdict? OnGradients(GradientRecord record, RunHistory history)
    {
        if (Begin(record, history) is not { } leans)
            return null;
        Lean worst = leans[0];
        return new Verdict
        {
            Kind = VerdictKind.VanishingGradients,
            Step = record.Step,
            Since = Since,
            Summary = Sentence($"Gradients vanish towards the input: from block {worst.LastDepth} to {worst.FirstDepth} the norm of {worst.Kind.Name} falls from {Number(worst.LastNorm)} to {Number(worst.FirstNorm)}, by {Number(worst.Slope)} powers of ten a block, and {leans.Count} of {history.Kinds.Length} kinds of tensors lean like that (medians up to step {record.Step})."),
            Remedy = "Begin with another Initialization (Gpt2 scales what goes into the residual stream; Xavier and He scale by fan-in), keep the norm weights near 1 (GptConfig.Norm), and use more WarmupSteps (--warmup) so that they stay so.",
            Tensors = TensorsOf(leans, history),
        };
    }
}
