using System.Text.RegularExpressions;
using Andrea.Clipping;
using Andrea.Monitoring;
using static System.FormattableString;

namespace Andrea.Cli.Rendering;

/// <summary>Tells a view what happens in a run.</summary>
internal sealed class TrainingObserver(ITrainingView view, TrainingMeter meter) : IStepObserver
{
    private readonly BadSteps _bad = new();
    private WorstLayers _worst;
    private StepRecord _last;

    public void OnStep(in StepRecord record)
    {
        if (_bad.After(record) is { } note)
            view.Note(note);
        _last = record;
        view.Show(meter.Add(record) with { Worst = _worst });
    }

    public void OnGradients(GradientRecord record) =>
        _worst = _worst.After(record, record.Step == _last.Step ? _last.Clip.NormBefore : double.NaN);

    public void OnSpike(in SpikeRecord record)
    {
        string name = record.Quantity == SpikeQuantity.Loss ? "loss" : "norm";
        string what = double.IsFinite(record.Value)
            ? Invariant($"{name} spikes to {Units.Value(record.Value)}, {record.ZScore:0} deviations above the median {Units.Value(record.Median)}")
            : $"{name} is {Units.Value(record.Value)}, where the median is {Units.Value(record.Median)}";
        view.Spike(Invariant($"step {record.Step}: {what}; {RemedyOf(record)}"));
    }

    public void OnGuard(in GuardRecord record) => view.Note(Invariant($"step {record.Step}: spike guard: {record.Sentence}"));

    public void OnVerdict(Verdict verdict)
    {
        // Once is enough, and most evidence names the step that it begins with.
        bool isNamed = verdict.Since >= verdict.Step || Regex.IsMatch(verdict.Summary, Invariant($@"\bstep {verdict.Since}\b"));
        string since = isNamed ? "" : Invariant($", since step {verdict.Since}");
        view.Verdict(Invariant($"{NameOf(verdict.Kind)} at step {verdict.Step}{since}"), verdict.Summary, verdict.Remedy);
    }

    public void OnEvaluation(EvaluationRecord record) =>
        view.Note(Invariant($"step {record.Step}: validation loss {Units.Value(record.Loss)}{(record.Best ? ", the best so far" : "")}"));

    public void OnSample(SampleRecord record)
    {
        view.Note(Invariant($"step {record.Step}: sample"));
        view.Sample(record.Text);
    }

    public void OnCoherence(CoherenceRecord record)
    {
        string low = record.LowInARow == 0 ? "" : Invariant($", low {record.LowInARow} times in a row");
        view.Note(Invariant($"step {record.Step}: coherence {record.Score.Total:0} of 100{low}"));
    }

    public void OnCheckpoint(CheckpointRecord record) => view.Note(Invariant($"step {record.Step}: checkpoint {record.Path}"));

    /// <summary>A verdict's name in words.</summary>
    private static string NameOf(VerdictKind kind) => kind switch
    {
        VerdictKind.VanishingGradients => "Vanishing gradients",
        VerdictKind.ExplodingGradients => "Exploding gradients",
        VerdictKind.DeadTensor => "Dead tensor",
        VerdictKind.NonFinite => "NaN or Inf",
        VerdictKind.StalledLoss => "Stalled loss",
        VerdictKind.LearningRateTooHigh => "Learning rate too high",
        VerdictKind.LearningRateTooLow => "Learning rate too low",
        VerdictKind.ClippingAlways => "Clipping always",
        VerdictKind.ClippingNever => "Clipping never",
        VerdictKind.BadInitialization => "Bad initialization",
        VerdictKind.RepetitionRising => "Repetition rising",
        VerdictKind.StaleSecondMoment => "Stale second moment",
        VerdictKind.InstabilityPredicted => "Spike predicted",
        _ => kind.ToString(),
    };

    /// <summary>What became of a spike where that is known, else what would hold the next one.</summary>
    private string RemedyOf(in SpikeRecord spike)
    {
        ClipResult clip = spike.Step == _last.Step ? _last.Clip : default;
        return spike.Quantity switch
        {
            _ when clip.Skipped => "the step was skipped",
            SpikeQuantity.Norm when clip.NormAfter < spike.Value => $"clipped to {Units.Value(clip.NormAfter)}",
            _ when !double.IsFinite(spike.Value) => "--non-finite skip leaves such steps out, a lower --lr or longer --warmup may avoid them",
            SpikeQuantity.Norm => "a --max-norm between the two would clip it",
            _ => "if it does not come back down, lower --lr or --max-norm, or look at what the step read",
        };
    }
}
