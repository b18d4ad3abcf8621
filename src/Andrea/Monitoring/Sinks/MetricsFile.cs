using Andrea.Clipping;

namespace Andrea.Monitoring.Sinks;

/// <summary>Appends every record of a run to <c>metrics.jsonl</c>, one JSON object a line, each with its <c>step</c>.</summary>
/// <remarks>
/// A step: <c>loss, norm, normAfter, coefficient, clipRate, skipped, lr, tokens, ms</c>; a measurement: <c>validationLoss, best</c>;
/// a sample: <c>sample</c>; a checkpoint: <c>checkpoint</c>; a spike: <c>spike</c> ("loss" or "norm"), <c>value, z, median</c>; an action of
/// the spike guard: <c>guard</c> (a <see cref="GuardAction"/>), <c>reason</c> (a <see cref="SkipReason"/>), <c>value, z, median, batchStep</c> or
/// <c>snapshotStep</c>, and <c>attempt</c>; a measured
/// curvature: <c>curvature, stabilityLimit, aboveInARow</c>; measured logits: <c>absorbed, zeroSumError, headMean, headDrift</c>; a verdict:
/// <c>verdict</c> (a <see cref="VerdictKind"/>), <c>since, summary, remedy, tensors</c>. Where there are several sources, a step has its
/// <c>source</c>, too, and a phase of a curriculum is a line: <c>phase</c> (its steps), <c>focus, shares</c>; a sample of the coherence gate:
/// <c>coherence, repetition, lowInARow, sample</c>. NaN and Inf are the strings "NaN", "Infinity", "-Infinity", since JSON has no such numbers.
/// Lines are flushed every 50 steps and with every other record. Writing a step allocates nothing.
/// </remarks>
public sealed class MetricsFile : IStepObserver, IDisposable
{
    private const int StepsPerFlush = 50;

    private readonly JsonLines _lines;

    /// <summary>Appends to a file; creates it and its folder with the first record if need be.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="ArgumentException">The path is empty, or cannot be one.</exception>
    public MetricsFile(string path) => _lines = new JsonLines(this, path, StepsPerFlush);

    /// <summary>Drops the lines of later steps, which a resumed run is about to make again, and what is no record, such as a line cut off by a crash.</summary>
    /// <param name="step">The last step to keep.</param>
    /// <exception cref="IOException">The file cannot be read or replaced.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be replaced.</exception>
    public void DropAfter(long step) => _lines.DropAfter(step);

    /// <inheritdoc/>
    public void OnStep(in StepRecord record)
    {
        _lines.Begin(record.Step);
        _lines.Number("loss", record.Loss);
        _lines.Number("norm", record.Clip.NormBefore);
        _lines.Number("normAfter", record.Clip.NormAfter);
        _lines.Number("coefficient", record.Clip.Coefficient);
        _lines.Number("clipRate", record.ClipRate);
        _lines.Json.WriteBoolean("skipped", record.Clip.Skipped);
        if (record.Clip.FirstBadTensor is { } tensor)
        {
            _lines.Json.WriteString("firstBadTensor", tensor);
            _lines.Json.WriteNumber("firstBadIndex", record.Clip.FirstBadIndex);
        }
        _lines.Number("lr", record.LearningRate);
        _lines.Json.WriteNumber("tokens", record.Tokens);
        _lines.Number("ms", record.Duration.TotalMilliseconds);
        if (record.Source is { } source)
            _lines.Json.WriteString("source", source);
        _lines.End();
    }

    /// <inheritdoc/>
    public void OnSpike(in SpikeRecord record)
    {
        _lines.Begin(record.Step);
        _lines.Json.WriteString("spike", record.Quantity == SpikeQuantity.Loss ? "loss" : "norm");
        _lines.Number("value", record.Value);
        _lines.Number("z", record.ZScore);
        _lines.Number("median", record.Median);
        _lines.End(flush: true);
    }

    /// <inheritdoc/>
    public void OnCurvature(in CurvatureRecord record)
    {
        _lines.Begin(record.Step);
        _lines.Number("curvature", record.Curvature);
        _lines.Number("stabilityLimit", record.StabilityLimit);
        _lines.Json.WriteNumber("aboveInARow", record.AboveInARow);
        _lines.End(flush: true);
    }

    /// <inheritdoc/>
    public void OnAbsorption(in AbsorptionRecord record)
    {
        _lines.Begin(record.Step);
        _lines.Number("absorbed", record.AbsorbedShare);
        _lines.Number("zeroSumError", record.ZeroSumError);
        _lines.Number("headMean", record.HeadMeanNorm);
        _lines.Number("headDrift", record.HeadMeanDrift);
        _lines.End(flush: true);
    }

    /// <inheritdoc/>
    public void OnGuard(in GuardRecord record)
    {
        _lines.Begin(record.Step);
        _lines.Json.WriteString("guard", record.Action.ToString());
        _lines.Json.WriteString("reason", record.Reason.ToString());
        if (record.SnapshotStep >= 0)
        {
            _lines.Json.WriteNumber("snapshotStep", record.SnapshotStep);
        }
        else
        {
            _lines.Number("value", record.Value);
            _lines.Number("z", record.ZScore);
            _lines.Number("median", record.Median);
            _lines.Json.WriteNumber("batchStep", record.BatchStep);
        }
        _lines.Json.WriteNumber("attempt", record.Attempt);
        _lines.End(flush: true);
    }

    /// <inheritdoc/>
    public void OnVerdict(Verdict verdict)
    {
        ArgumentNullException.ThrowIfNull(verdict);
        _lines.Begin(verdict.Step);
        _lines.Json.WriteString("verdict", verdict.Kind.ToString());
        _lines.Json.WriteNumber("since", verdict.Since);
        _lines.Json.WriteString("summary", verdict.Summary);
        _lines.Json.WriteString("remedy", verdict.Remedy);
        _lines.Json.WriteStartArray("tensors");
        foreach (string tensor in verdict.Tensors)
            _lines.Json.WriteStringValue(tensor);
        _lines.Json.WriteEndArray();
        _lines.End(flush: true);
    }

    /// <inheritdoc/>
    public void OnPhase(PhaseRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        _lines.Begin(record.Step);
        _lines.Json.WriteNumber("phase", record.Steps);
        _lines.Json.WriteString("focus", record.Focus);
        _lines.Json.WriteStartObject("shares");
        foreach (SourceShare share in record.Shares)
            _lines.Number(share.Source, share.Share);
        _lines.Json.WriteEndObject();
        _lines.End();
    }

    /// <inheritdoc/>
    public void OnEvaluation(EvaluationRecord record)
    {
        _lines.Begin(record.Step);
        _lines.Number("validationLoss", record.Loss);
        _lines.Json.WriteBoolean("best", record.Best);
        _lines.End(flush: true);
    }

    /// <inheritdoc/>
    public void OnSample(SampleRecord record)
    {
        _lines.Begin(record.Step);
        _lines.Json.WriteString("sample", record.Text);
        _lines.End(flush: true);
    }

    /// <inheritdoc/>
    public void OnCoherence(CoherenceRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        _lines.Begin(record.Step);
        _lines.Number("coherence", record.Score.Total);
        _lines.Number("repetition", record.Score.Repetition);
        _lines.Json.WriteNumber("lowInARow", record.LowInARow);
        _lines.Json.WriteString("sample", record.Text);
        _lines.End(flush: true);
    }

    /// <inheritdoc/>
    public void OnCheckpoint(CheckpointRecord record)
    {
        _lines.Begin(record.Step);
        _lines.Json.WriteString("checkpoint", Path.GetFileName(record.Path));
        _lines.End(flush: true);
    }

    /// <inheritdoc/>
    public void Flush() => _lines.Flush();

    /// <summary>Flushes and closes the file.</summary>
    public void Dispose() => _lines.Dispose();

    /// <summary>The file's path.</summary>
    public override string ToString() => _lines.ToString();
}
