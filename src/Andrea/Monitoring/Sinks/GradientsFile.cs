namespace Andrea.Monitoring.Sinks;

/// <summary>Appends the gradients of a run, tensor by tensor, to <c>gradients.jsonl</c>, one JSON object a line, each with its <c>step</c>.</summary>
/// <remarks>
/// A header says what the arrays after it are about: <c>tensors, lengths, depths</c> (null for what lies in no block). It stands at the beginning of a
/// run and again after each resume; its step is the one before the first record that follows. A record: <c>coefficient, skipped, norm, max</c>; where the clip
/// policy treats tensors differently, also <c>coefficients</c>, one a tensor; where any tensor has NaN or Inf, also <c>nonFinite</c> (how many) and
/// <c>firstNonFinite</c> (index, or -1); in steps whose update was measured, also <c>weight, update, rms, vRatio</c>: see <see cref="TensorReading"/>; and
/// <c>vGrowth</c>: see <see cref="GradientRecord.SecondMomentGrowth"/>. Elements have 5 significant digits; NaN and Inf are strings. The file
/// is created with the first record. Lines are flushed every 50 records. Writing a record allocates nothing where all is finite.
/// </remarks>
public sealed class GradientsFile : IStepObserver, IDisposable
{
    private const int RecordsPerFlush = 50;

    private readonly JsonLines _lines;
    private IReadOnlyList<MonitoredTensor>? _described;

    /// <summary>Appends to a file; creates it and its folder with the first record if need be.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="ArgumentException">The path is empty, or cannot be one.</exception>
    public GradientsFile(string path) => _lines = new JsonLines(this, path, RecordsPerFlush);

    /// <summary>Drops the lines of later steps, which a resumed run is about to make again, and what is no record, such as a line cut off by a crash.</summary>
    /// <param name="step">The last step to keep.</param>
    /// <exception cref="IOException">The file cannot be read or replaced.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be replaced.</exception>
    public void DropAfter(long step)
    {
        _lines.DropAfter(step);
        _described = null;
    }

    /// <inheritdoc/>
    public void OnGradients(GradientRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        if (!ReferenceEquals(_described, record.Tensors))
            Describe(record);
        _lines.Begin(record.Step);
        _lines.Number("coefficient", record.Coefficient);
        _lines.Json.WriteBoolean("skipped", record.Skipped);
        ReadOnlySpan<TensorReading> readings = record.Readings;
        Array("norm", readings, static reading => reading.Norm);
        Array("max", readings, static reading => reading.MaxMagnitude);
        if (AnyDiffers(readings))
            Array("coefficients", readings, static reading => reading.Coefficient);
        if (AnyNonFinite(readings))
        {
            Array("nonFinite", readings, static reading => reading.NonFiniteCount);
            Array("firstNonFinite", readings, static reading => reading.FirstNonFinite);
        }
        if (record.HasUpdates)
        {
            Array("weight", readings, static reading => reading.WeightNorm);
            Array("update", readings, static reading => reading.UpdateNorm);
            Array("rms", readings, static reading => reading.GradientRms);
            Array("vRatio", readings, static reading => reading.SecondMomentRatio);
            _lines.Json.WriteStartArray("vGrowth");
            for (int i = 0; i < readings.Length; i++)
                _lines.ShortNumber(record.SecondMomentGrowth(i));
            _lines.Json.WriteEndArray();
        }
        _lines.End();
    }

    /// <inheritdoc/>
    public void Flush() => _lines.Flush();

    /// <summary>Flushes and closes the file.</summary>
    public void Dispose() => _lines.Dispose();

    /// <summary>The file's path.</summary>
    public override string ToString() => _lines.ToString();

    private static bool AnyDiffers(ReadOnlySpan<TensorReading> readings)
    {
        foreach (ref readonly TensorReading reading in readings)
            if (!reading.Coefficient.Equals(readings[0].Coefficient))
                return true;
        return false;
    }

    private static bool AnyNonFinite(ReadOnlySpan<TensorReading> readings)
    {
        foreach (ref readonly TensorReading reading in readings)
            if (reading.NonFiniteCount > 0)
                return true;
        return false;
    }

    private void Describe(GradientRecord record)
    {
        _lines.Begin(record.Step - 1);
        _lines.Json.WriteStartArray("tensors");
        foreach (MonitoredTensor tensor in record.Tensors)
            _lines.Json.WriteStringValue(tensor.Name);
        _lines.Json.WriteEndArray();
        _lines.Json.WriteStartArray("lengths");
        foreach (MonitoredTensor tensor in record.Tensors)
            _lines.Json.WriteNumberValue(tensor.Length);
        _lines.Json.WriteEndArray();
        _lines.Json.WriteStartArray("depths");
        foreach (MonitoredTensor tensor in record.Tensors)
        {
            if (tensor.Depth is { } depth)
                _lines.Json.WriteNumberValue(depth);
            else
                _lines.Json.WriteNullValue();
        }
        _lines.Json.WriteEndArray();
        _lines.End(flush: true);
        _described = record.Tensors;
    }

    private void Array(string name, ReadOnlySpan<TensorReading> readings, Func<TensorReading, double> value)
    {
        _lines.Json.WriteStartArray(name);
        foreach (ref readonly TensorReading reading in readings)
            _lines.ShortNumber(value(reading));
        _lines.Json.WriteEndArray();
    }

    private void Array(string name, ReadOnlySpan<TensorReading> readings, Func<TensorReading, long> value)
    {
        _lines.Json.WriteStartArray(name);
        foreach (ref readonly TensorReading reading in readings)
            _lines.Json.WriteNumberValue(value(reading));
        _lines.Json.WriteEndArray();
    }
}
