using Andrea.Clipping;

namespace Andrea.Monitoring.Diagnosis;

/// <summary>Names the first NaN or Inf: which tensor, which index, and where it began on the way back from the loss.</summary>
internal sealed class NonFiniteRule(GradientDiagnosisOptions options, GradientMonitorOptions? monitor) : DiagnosisRule
{
    private readonly Episode _episode = new(toBegin: 1, options.EndAfter);

    // The step's gradients may be about to come, and say more.
    private StepRecord? _awaited;
    private long _lastRecord, _recordEvery = 1;
    private bool _clips;

    /// <summary>Whether a step has a NaN or Inf, so that it says nothing about anything else.</summary>
    public static bool IsHit(in StepRecord record) =>
        !double.IsFinite(record.Loss) || !double.IsFinite(record.Clip.NormBefore) || record.Clip.NonFiniteCount > 0;

    public override Verdict? OnStep(in StepRecord record, RunHistory history)
    {
        _clips |= record.Clip.Coefficient < 1;
        if (!_episode.Begins(IsHit(record), record.Step))
            return null;
        bool isMonitored = monitor?.Records(record.Step) ?? (_lastRecord == 0 || record.Step == _lastRecord + _recordEvery);
        if (!isMonitored)
            return Describe(record, boundary: null);
        _awaited = record;
        return null;
    }

    public override Verdict? OnGradients(GradientRecord record, RunHistory history)
    {
        _recordEvery = _lastRecord > 0 ? record.Step - _lastRecord : 1;
        _lastRecord = record.Step;
        if (_awaited is not { } step || step.Step != record.Step)
            return Flush();
        _awaited = null;
        return Describe(step, record);
    }

    /// <summary>Something else came: the awaited gradients will not.</summary>
    public Verdict? Flush()
    {
        if (_awaited is not { } step)
            return null;
        _awaited = null;
        return Describe(step, boundary: null);
    }

    private Verdict Describe(in StepRecord step, GradientRecord? boundary)
    {
        ClipResult clip = step.Clip;
        string what = !double.IsFinite(step.Loss) ? Sentence($"the loss is {Number(step.Loss)}") : Sentence($"the loss is {Loss(step.Loss)}");
        string where = clip.FirstBadTensor is { } tensor
            ? Sentence($", and {clip.NonFiniteCount} gradients are NaN or Inf, the first in memory {tensor}[{clip.FirstBadIndex}]")
            : double.IsFinite(clip.NormBefore) ? ", while all gradients are finite" : Sentence($", and the norm is {Number(clip.NormBefore)}");
        List<string> bad = boundary is null ? [] : [.. BadOnes(boundary).Select(i => boundary.Tensors[i].Name)];
        if (bad.Count == 0 && clip.FirstBadTensor is { } only)
            bad.Add(only);
        return new Verdict
        {
            Kind = VerdictKind.NonFinite,
            Step = step.Step,
            Since = step.Step,
            Summary = Sentence($"In step {step.Step} {what}{where}{(boundary is null ? "" : Boundary(boundary, double.IsFinite(step.Loss)))}."),
            Remedy = Remedy(step),
            Tensors = bad,
        };
    }

    private string Remedy(in StepRecord step)
    {
        string clip = _clips ? "" : "clip (Clip.MaxNorm, --max-norm 1), ";
        string policy = !step.Clip.Skipped && step.Clip.NonFiniteCount > 0
            ? "; Clip.NonFinite = SkipStep (--non-finite skip) keeps such a step out of the weights" : "";
        return Sentence($"Go back to a checkpoint before step {step.Step} with a lower LearningRate (--lr, now {Number(step.LearningRate)}), {clip}more WarmupSteps (--warmup) and, where lr times decay is above 1, less WeightDecay (--weight-decay){policy}.");
    }

    /// <summary>Gradients are computed from the head down to the tables, in the reverse order of the parameters: what is finite before the
    /// first bad one says which layer to look at.</summary>
    private static string Boundary(GradientRecord record, bool finiteLoss)
    {
        int[] bad = BadOnes(record);
        if (bad.Length == 0)
            return "";
        int first = bad[^1];
        TensorReading reading = record.Readings[first];
        string count = Sentence($"; {bad.Length} of {record.Tensors.Count} tensors are hit");
        string firstBad = Sentence($"{record.Tensors[first].Name}[{reading.FirstNonFinite}]");
        // Not every tensor need be monitored, so what comes before the first bad one is known only among those that are.
        if (first < record.Tensors.Count - 1)
            return Sentence($"{count}: of those monitored, on the way back from the loss, {record.Tensors[first + 1].Name} is the last finite one and {firstBad} the first that is not");
        return finiteLoss
            ? Sentence($"{count}, from {firstBad} on, the first of those monitored on the way back from the loss")
            : Sentence($"{count}, from {firstBad} on; with the loss, the forward pass has failed already");
    }

    private static int[] BadOnes(GradientRecord record)
    {
        var bad = new List<int>();
        for (int i = 0; i < record.Readings.Length; i++)
            if (record.Readings[i].NonFiniteCount > 0)
                bad.Add(i);
        return [.. bad];
    }
}
