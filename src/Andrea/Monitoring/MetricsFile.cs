using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace Andrea.Monitoring;

/// <summary>Appends every record of a run to <c>metrics.jsonl</c>, one JSON object a line, each with its <c>step</c>.</summary>
/// <remarks>
/// A step: <c>loss, norm, normAfter, coefficient, clipRate, skipped, lr, tokens, ms</c>; a measurement: <c>validationLoss, best</c>;
/// a sample: <c>sample</c>; a checkpoint: <c>checkpoint</c>. NaN and Inf are the strings "NaN", "Infinity", "-Infinity", since JSON has no
/// such numbers. Lines are flushed every 50 steps and with every other record. Writing a step allocates nothing.
/// </remarks>
public sealed class MetricsFile : IStepObserver, IDisposable
{
    private const int StepsPerFlush = 50;

    private readonly string _path;
    private readonly ArrayBufferWriter<byte> _line = new(1024);
    private readonly Utf8JsonWriter _json;
    private FileStream _file;
    private int _unflushed;

    /// <summary>Opens the file for appending; creates it and its folder if need be.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">The disk refuses.</exception>
    public MetricsFile(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        _path = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
        _json = new Utf8JsonWriter(_line);
        _file = Open();
    }

    /// <summary>Drops the lines of later steps, which a resumed run is about to make again, and what is no record, such as a line cut off by a crash.</summary>
    /// <param name="step">The last step to keep.</param>
    public void DropAfter(long step)
    {
        _file.Dispose();
        string temporary = _path + ".tmp";
        using (var output = new StreamWriter(temporary) { NewLine = "\n" })
            foreach (string line in File.ReadLines(_path))
                if (StepOf(line) is { } lineStep && lineStep <= step)
                    output.WriteLine(line);
        File.Move(temporary, _path, overwrite: true);
        _file = Open();
    }

    /// <inheritdoc/>
    public void OnStep(in StepRecord record)
    {
        Begin(record.Step);
        Number("loss", record.Loss);
        Number("norm", record.Clip.NormBefore);
        Number("normAfter", record.Clip.NormAfter);
        Number("coefficient", record.Clip.Coefficient);
        Number("clipRate", record.ClipRate);
        _json.WriteBoolean("skipped", record.Clip.Skipped != Clipping.SkipReason.None);
        if (record.Clip.FirstBadTensor is { } tensor)
        {
            _json.WriteString("firstBadTensor", tensor);
            _json.WriteNumber("firstBadIndex", record.Clip.FirstBadIndex);
        }
        Number("lr", record.LearningRate);
        _json.WriteNumber("tokens", record.Tokens);
        Number("ms", record.Duration.TotalMilliseconds);
        End(flush: ++_unflushed >= StepsPerFlush);
    }

    /// <inheritdoc/>
    public void OnEvaluation(EvaluationRecord record)
    {
        Begin(record.Step);
        Number("validationLoss", record.Loss);
        _json.WriteBoolean("best", record.Best);
        End(flush: true);
    }

    /// <inheritdoc/>
    public void OnSample(SampleRecord record)
    {
        Begin(record.Step);
        _json.WriteString("sample", record.Text);
        End(flush: true);
    }

    /// <inheritdoc/>
    public void OnCheckpoint(CheckpointRecord record)
    {
        Begin(record.Step);
        _json.WriteString("checkpoint", Path.GetFileName(record.Path));
        End(flush: true);
    }

    /// <summary>Flushes and closes the file.</summary>
    public void Dispose()
    {
        _json.Dispose();
        _file.Dispose();
    }

    private static long? StepOf(string line)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("step", out JsonElement step)
                && step.ValueKind == JsonValueKind.Number
                && step.TryGetInt64(out long value) ? value : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private FileStream Open() => new(_path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 1 << 16);

    private void Begin(long step)
    {
        _line.ResetWrittenCount();
        _json.Reset();
        _json.WriteStartObject();
        _json.WriteNumber("step", step);
    }

    private void Number(string name, double value)
    {
        if (double.IsFinite(value))
            _json.WriteNumber(name, value);
        else
            _json.WriteString(name, value.ToString(CultureInfo.InvariantCulture));
    }

    private void End(bool flush)
    {
        _json.WriteEndObject();
        _json.Flush();
        _line.Write("\n"u8);
        _file.Write(_line.WrittenSpan);
        if (!flush)
            return;
        _file.Flush();
        _unflushed = 0;
    }
}
