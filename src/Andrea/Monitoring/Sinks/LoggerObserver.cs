using Andrea.Clipping;
using Microsoft.Extensions.Logging;

namespace Andrea.Monitoring.Sinks;

/// <summary>Tells an <see cref="ILogger"/> what happens in a run, with every value as a named field.</summary>
/// <remarks>
/// Event ids: 1 Step (Debug), 2 SkippedStep (Warning), 3 Evaluation (Information), 4 Sample (Debug), 5 Checkpoint (Information), 6 Spike (Warning),
/// 7 Verdict (Warning), 8 Guard (Warning). Levels that the logger has switched off cost a call.
/// </remarks>
public sealed partial class LoggerObserver : IStepObserver
{
    private readonly ILogger _logger;
    private readonly long _every;

    /// <summary>Makes an observer.</summary>
    /// <param name="logger">Where the entries go.</param>
    /// <param name="every">Steps between entries about steps; steps skipped for gradients that are not finite are always told.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="every"/> is below 1.</exception>
    public LoggerObserver(ILogger logger, long every = 1)
    {
        ArgumentNullException.ThrowIfNull(logger);
        if (every < 1)
            throw new ArgumentOutOfRangeException(nameof(every), every, $"every is {every}; expected 1 or more steps between entries.");
        _logger = logger;
        _every = every;
    }

    /// <inheritdoc/>
    public void OnStep(in StepRecord record)
    {
        if (record.Clip.SkipReason == SkipReason.NonFiniteGradients)
            SkippedStep(_logger, record.Step, record.Clip.NonFiniteCount, record.Clip.FirstBadTensor, record.Clip.FirstBadIndex);
        else if (record.Step % _every == 0)
            Step(_logger, record.Step, record.TotalSteps, record.Loss, record.Clip.NormBefore, record.Clip.Coefficient, record.LearningRate,
                record.TokensPerSecond);
    }

    /// <inheritdoc/>
    public void OnSpike(in SpikeRecord record) => Spike(_logger, record.Step, record.Quantity, record.Value, record.ZScore, record.Median);

    /// <inheritdoc/>
    public void OnGuard(in GuardRecord record) => Guard(_logger, record.Step, record.Action, record.Reason, record.Sentence);

    /// <inheritdoc/>
    public void OnVerdict(Verdict verdict)
    {
        ArgumentNullException.ThrowIfNull(verdict);
        Verdict(_logger, verdict.Step, verdict.Kind, verdict.Since, verdict.Summary, verdict.Remedy);
    }

    /// <inheritdoc/>
    public void OnEvaluation(EvaluationRecord record) => Evaluation(_logger, record.Step, record.Loss, record.Best);

    /// <inheritdoc/>
    public void OnSample(SampleRecord record) => Sample(_logger, record.Step, record.Text);

    /// <inheritdoc/>
    public void OnCheckpoint(CheckpointRecord record) => Checkpoint(_logger, record.Step, record.Path);

    [LoggerMessage(1, LogLevel.Debug,
        "Step {Step}/{TotalSteps}: loss {Loss}, norm {Norm}, coefficient {Coefficient}, lr {LearningRate}, {TokensPerSecond} tokens/s", EventName = "Step")]
    private static partial void Step(
        ILogger logger, long step, long totalSteps, double loss, double norm, double coefficient, double learningRate, double tokensPerSecond);

    [LoggerMessage(2, LogLevel.Warning,
        "Step {Step} was skipped: {NonFinite} gradients are not finite, the first in {Tensor}[{Index}]", EventName = "SkippedStep")]
    private static partial void SkippedStep(ILogger logger, long step, long nonFinite, string? tensor, long index);

    [LoggerMessage(3, LogLevel.Information, "Step {Step}: validation loss {ValidationLoss}, best {Best}", EventName = "Evaluation")]
    private static partial void Evaluation(ILogger logger, long step, double validationLoss, bool best);

    [LoggerMessage(4, LogLevel.Debug, "Step {Step}: sample {Text}", EventName = "Sample")]
    private static partial void Sample(ILogger logger, long step, string text);

    [LoggerMessage(5, LogLevel.Information, "Step {Step}: checkpoint {Path}", EventName = "Checkpoint")]
    private static partial void Checkpoint(ILogger logger, long step, string path);

    [LoggerMessage(6, LogLevel.Warning, "Step {Step}: {Quantity} {Value} stands {ZScore} deviations above its median {Median}", EventName = "Spike")]
    private static partial void Spike(ILogger logger, long step, SpikeQuantity quantity, double value, double zScore, double median);

    [LoggerMessage(8, LogLevel.Warning, "Step {Step}: {Action} for {Reason}: {Sentence}", EventName = "Guard")]
    private static partial void Guard(ILogger logger, long step, GuardAction action, SkipReason reason, string sentence);

    [LoggerMessage(7, LogLevel.Warning, "Step {Step}: {Kind} since step {Since}. {Summary} {Remedy}", EventName = "Verdict")]
    private static partial void Verdict(ILogger logger, long step, VerdictKind kind, long since, string summary, string remedy);
}
