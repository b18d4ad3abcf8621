using System.Diagnostics.Metrics;

namespace Andrea.Monitoring.Sinks;

/// <summary>Publishes a run as metrics of the <see cref="Meter"/> "Andrea", for <c>dotnet-counters</c>, OpenTelemetry and whatever else listens.</summary>
/// <remarks>
/// <list type="table">
/// <item><c>andrea.loss</c>: gauge, nat; mean training loss of the latest step</item>
/// <item><c>andrea.validation_loss</c>: gauge, nat</item>
/// <item><c>andrea.gradient.norm</c>, <c>andrea.gradient.norm_after</c>: gauges; joint norm before and after clipping</item>
/// <item><c>andrea.clip.coefficient</c>, <c>andrea.clip.rate</c>: gauges, 0 to 1</item>
/// <item><c>andrea.learning_rate</c>: gauge</item>
/// <item><c>andrea.tokens_per_second</c>: gauge, {token}/s</item>
/// <item><c>andrea.step</c>: gauge, {step}; steps done in all</item>
/// <item><c>andrea.steps</c>, <c>andrea.steps.skipped</c>, <c>andrea.tokens</c>: counters, {step} and {token}; of this process</item>
/// <item><c>andrea.step.duration</c>: histogram, s</item>
/// <item><c>andrea.tensor.gradient_norm</c>, <c>andrea.tensor.update_ratio</c>: gauges with the tag <c>tensor</c></item>
/// <item><c>andrea.spikes</c>: counter with the tag <c>quantity</c>; <c>andrea.verdicts</c>: counter with the tag <c>kind</c></item>
/// </list>
/// Without listeners a record costs a few checks; nothing is allocated for steps. One observer a run: two at once publish under the same names.
/// </remarks>
public sealed class MeterObserver : IStepObserver, IDisposable
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "Andrea";

    private readonly Meter _meter = new(MeterName);
    private readonly Gauge<double> _loss, _validationLoss, _norm, _normAfter, _coefficient, _clipRate, _rate, _speed, _tensorNorm, _tensorRatio;
    private readonly Gauge<long> _step;
    private readonly Counter<long> _steps, _skipped, _tokens, _spikes, _verdicts;
    private readonly Histogram<double> _duration;

    /// <summary>Makes meter and instruments.</summary>
    public MeterObserver()
    {
        _loss = _meter.CreateGauge<double>("andrea.loss", "nat", "Mean training loss of the latest step, per token.");
        _validationLoss = _meter.CreateGauge<double>("andrea.validation_loss", "nat", "Latest mean loss on validation text, per token.");
        _norm = _meter.CreateGauge<double>("andrea.gradient.norm", null, "L2 norm of all gradients before clipping.");
        _normAfter = _meter.CreateGauge<double>("andrea.gradient.norm_after", null, "L2 norm of all gradients after clipping.");
        _coefficient = _meter.CreateGauge<double>("andrea.clip.coefficient", null, "What the clip multiplied gradients by; 1 left them alone.");
        _clipRate = _meter.CreateGauge<double>("andrea.clip.rate", null, "Share of all steps so far that were clipped.");
        _rate = _meter.CreateGauge<double>("andrea.learning_rate", null, "Learning rate of the latest step.");
        _speed = _meter.CreateGauge<double>("andrea.tokens_per_second", "{token}/s", "Tokens trained on per second in the latest step.");
        _step = _meter.CreateGauge<long>("andrea.step", "{step}", "Steps done in all, those before a resume included.");
        _steps = _meter.CreateCounter<long>("andrea.steps", "{step}", "Steps made by this process.");
        _skipped = _meter.CreateCounter<long>("andrea.steps.skipped", "{step}", "Steps skipped because gradients were not finite.");
        _tokens = _meter.CreateCounter<long>("andrea.tokens", "{token}", "Tokens trained on by this process.");
        _duration = _meter.CreateHistogram<double>("andrea.step.duration", "s", "Wall time of a step.");
        _tensorNorm = _meter.CreateGauge<double>("andrea.tensor.gradient_norm", null, "L2 norm of a tensor's gradient before clipping.");
        _tensorRatio = _meter.CreateGauge<double>("andrea.tensor.update_ratio", null, "Norm of a tensor's update over that of its weights.");
        _spikes = _meter.CreateCounter<long>("andrea.spikes", "{spike}", "Losses and norms far above their recent values.");
        _verdicts = _meter.CreateCounter<long>("andrea.verdicts", "{verdict}", "Findings about what is wrong with the run.");
    }

    /// <inheritdoc/>
    public void OnStep(in StepRecord record)
    {
        _loss.Record(record.Loss);
        _norm.Record(record.Clip.NormBefore);
        _normAfter.Record(record.Clip.NormAfter);
        _coefficient.Record(record.Clip.Coefficient);
        _clipRate.Record(record.ClipRate);
        _rate.Record(record.LearningRate);
        _speed.Record(record.TokensPerSecond);
        _step.Record(record.Step);
        _steps.Add(1);
        if (record.Clip.Skipped)
            _skipped.Add(1);
        _tokens.Add(record.Tokens);
        _duration.Record(record.Duration.TotalSeconds);
    }

    /// <inheritdoc/>
    public void OnGradients(GradientRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        ReadOnlySpan<TensorReading> readings = record.Readings;
        for (int i = 0; i < readings.Length; i++)
        {
            var tensor = new KeyValuePair<string, object?>("tensor", record.Tensors[i].Name);
            _tensorNorm.Record(readings[i].Norm, tensor);
            if (record.HasUpdates)
                _tensorRatio.Record(readings[i].UpdateRatio, tensor);
        }
    }

    /// <inheritdoc/>
    public void OnSpike(in SpikeRecord record) =>
        _spikes.Add(1, new KeyValuePair<string, object?>("quantity", record.Quantity == SpikeQuantity.Loss ? "loss" : "norm"));

    /// <inheritdoc/>
    public void OnVerdict(Verdict verdict)
    {
        ArgumentNullException.ThrowIfNull(verdict);
        _verdicts.Add(1, new KeyValuePair<string, object?>("kind", verdict.Kind.ToString()));
    }

    /// <inheritdoc/>
    public void OnEvaluation(EvaluationRecord record) => _validationLoss.Record(record.Loss);

    /// <summary>Takes the instruments back.</summary>
    public void Dispose() => _meter.Dispose();
}
