namespace Andrea.Monitoring.Diagnosis;

/// <summary>A clip so far above every norm that even a large spike would pass. Clipping that is switched off is a choice, and no finding.</summary>
internal sealed class ClippingNeverRule(GradientDiagnosisOptions options, double? maxNorm) : DiagnosisRule
{
    private bool _found;
    private long _since;
    private double _largest;

    public override Verdict? OnStep(in StepRecord record, RunHistory history)
    {
        if (maxNorm is not { } max || !double.IsFinite(max))
            return null;
        if (record.Clip.Clipped || record.Clip.NormBefore * options.ClipHeadroom >= max)
            (_since, _largest, _found) = (0, 0, false);
        else
        {
            _since = _since == 0 ? record.Step : _since;
            _largest = Math.Max(_largest, record.Clip.NormBefore);
        }
        if (_since == 0 || _found || record.Step - _since + 1 < options.ClipNeverSteps || _largest == 0)
            return null;
        _found = true;
        return new Verdict
        {
            Kind = VerdictKind.ClippingNever,
            Step = record.Step,
            Since = _since,
            Summary = Sentence($"The clip protects from nothing: the largest norm since step {_since} is {Number(_largest)}, and only norms above {Number(max)}, {Number(max / _largest)} times as much, are clipped."),
            Remedy = Sentence($"Lower Clip.MaxNorm (--max-norm {Number(3 * _largest)}) to a few times the usual norm."),
        };
    }
}
