namespace Andrea.Monitoring.Diagnosis;

/// <summary>Curvature along the gradient that has stayed above 2 / learning rate: a spike to come (arXiv:2506.04805).</summary>
internal sealed class InstabilityRule : DiagnosisRule
{
    private long _since;

    public override Verdict? OnCurvature(in CurvatureRecord record)
    {
        if (record.AboveInARow == 1)
            _since = record.Step;
        return record.Announces
            ? new Verdict
            {
                Kind = VerdictKind.InstabilityPredicted,
                Step = record.Step,
                Since = _since == 0 ? record.Step : _since,
                Summary = Sentence($"The preconditioned curvature along the gradient is {Number(record.Curvature)}, above 2 / learning rate = {Number(record.StabilityLimit)}, and has been for {record.AboveInARow} measurements: a loss spike is likely within some tens of steps."),
                Remedy = "Lower LearningRate (--lr), or Beta2 to 0.95 so that the second moment follows the gradient; a checkpoint now is worth having.",
            }
            : null;
    }
}
