using System.Diagnostics;

namespace Andrea.Monitoring.Sinks;

/// <summary>Publishes a run as a trace of the <see cref="ActivitySource"/> "Andrea": one activity for the run, and a child for each thing that happens in it.</summary>
/// <remarks>
/// The run, <c>train</c>, begins with the first record and ends when this observer is disposed of; its tags are <c>andrea.first_step, andrea.last_step,
/// andrea.total_steps, andrea.loss</c>. Its children are <c>evaluation, checkpoint, spike, verdict</c>, each with <c>andrea.step</c> and its values. They
/// are children rather than events of the run, because a child is exported when it happens and a run's events when it is over, days later; they take no
/// time, since records tell when something was done, not when it began. Without listeners nothing is made.
/// </remarks>
public sealed class TraceObserver : IStepObserver, IDisposable
{
    /// <summary>Name of the activity source.</summary>
    public const string SourceName = "Andrea";

    private static readonly ActivitySource Source = new(SourceName);

    private Activity? _run;
    private bool _begun;
    private StepRecord _latest;

    /// <inheritdoc/>
    public void OnStep(in StepRecord record)
    {
        if (!_begun)
            Begin(record.Step);
        _latest = record;
    }

    /// <inheritdoc/>
    public void OnSpike(in SpikeRecord record)
    {
        using Activity? child = Child("spike", record.Step);
        child?.SetTag("andrea.quantity", record.Quantity == SpikeQuantity.Loss ? "loss" : "norm");
        child?.SetTag("andrea.value", record.Value);
        child?.SetTag("andrea.z", record.ZScore);
        child?.SetTag("andrea.median", record.Median);
    }

    /// <inheritdoc/>
    public void OnVerdict(Verdict verdict)
    {
        ArgumentNullException.ThrowIfNull(verdict);
        using Activity? child = Child("verdict", verdict.Step);
        child?.SetTag("andrea.kind", verdict.Kind.ToString());
        child?.SetTag("andrea.since", verdict.Since);
        child?.SetTag("andrea.remedy", verdict.Remedy);
        child?.SetStatus(ActivityStatusCode.Error, verdict.Summary);
    }

    /// <inheritdoc/>
    public void OnEvaluation(EvaluationRecord record)
    {
        using Activity? child = Child("evaluation", record.Step);
        child?.SetTag("andrea.validation_loss", record.Loss);
        child?.SetTag("andrea.best", record.Best);
    }

    /// <inheritdoc/>
    public void OnCheckpoint(CheckpointRecord record)
    {
        using Activity? child = Child("checkpoint", record.Step);
        child?.SetTag("andrea.path", record.Path);
    }

    /// <summary>Ends the run's activity.</summary>
    public void Dispose()
    {
        if (_run is null)
            return;
        _run.SetTag("andrea.last_step", _latest.Step);
        _run.SetTag("andrea.total_steps", _latest.TotalSteps);
        _run.SetTag("andrea.loss", _latest.Loss);
        _run.Dispose();
        _run = null;
    }

    private Activity? Child(string name, long step)
    {
        if (!_begun)
            Begin(step);
        Activity? child = Source.StartActivity(ActivityKind.Internal, _run?.Context ?? default, name: name);
        child?.SetTag("andrea.step", step);
        return child;
    }

    private void Begin(long step)
    {
        _begun = true;
        // Activities of whoever happens to own this thread are none of the run's business.
        Activity? before = Activity.Current;
        Activity.Current = null;
        _run = Source.StartActivity("train");
        _run?.SetTag("andrea.first_step", step);
        Activity.Current = before;
    }
}
