using System.Text.Json;
using Andrea.Monitoring;

namespace Andrea.Reporting;

/// <summary>What a run's folder says about the run: description, steps, measurements, samples, spikes, verdicts, gradients of every tensor.</summary>
/// <remarks>
/// Reads <c>run.json</c>, <c>metrics.jsonl</c> and <c>gradients.jsonl</c>. Any of them may be missing, as in runs of older versions; a line that is no record,
/// such as one that a crash cut off, is passed over and counted. What is no regular file, such as a pipe or a device, counts
/// as missing. The files may be read while a run is writing them. Gradients are binned while they are read, so
/// memory grows with steps by about 150 bytes each, not with steps times tensors.
/// <code>
/// RunData run = RunData.Read("runs/book");
/// Console.WriteLine($"{run.Steps.Step.Count} steps, best validation loss {run.BestValidationLoss}");
/// </code>
/// </remarks>
public sealed class RunData
{
    private readonly RunEvents _events = new();
    private readonly GradientSeries _gradients = new();
    private (long Bytes, int ForeignLines) _metricsFile, _gradientsFile;
    private DateTime? _written;

    private RunData(string folder)
    {
        Folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        Name = Path.GetFileName(Folder) is { Length: > 0 } name ? name : Folder;
    }

    /// <summary>The folder's full path.</summary>
    public string Folder { get; }

    /// <summary>Name of the run: that of its folder.</summary>
    public string Name { get; }

    /// <summary>What run.json holds; null when there is none, or no JSON object in it.</summary>
    public JsonElement? Description { get; private set; }

    /// <summary>The steps.</summary>
    public StepColumns Steps { get; } = new();

    /// <summary>Measurements of the validation loss, in order.</summary>
    public IReadOnlyList<EvaluationRecord> Evaluations => _events.Evaluations;

    /// <summary>Samples, in order.</summary>
    public IReadOnlyList<SampleRecord> Samples => _events.Samples;

    /// <summary>Spikes of loss and norm, in order.</summary>
    public IReadOnlyList<SpikeRecord> Spikes => _events.Spikes;

    /// <summary>Number of verdicts.</summary>
    public int VerdictCount => _events.Verdicts.Count;

    /// <summary>The tensors, or groups of them, whose gradients were recorded; empty without a monitor.</summary>
    public IReadOnlyList<MonitoredTensor> Tensors => _gradients.Tensors;

    /// <summary>Number of steps whose gradients were recorded tensor by tensor.</summary>
    public long GradientRecordCount => _gradients.Count;

    /// <summary>Lowest validation loss in nats per token; null when there is no finite one.</summary>
    public double? BestValidationLoss =>
        _events.Evaluations.Where(item => double.IsFinite(item.Loss)).Select(item => (double?)item.Loss).Min();

    /// <summary>Lines that are no records, and were passed over.</summary>
    public int ForeignLines => _metricsFile.ForeignLines + _gradientsFile.ForeignLines;

    /// <summary>Whether nothing about any step was found.</summary>
    public bool IsEmpty => Steps.Step.Count == 0 && _events.Evaluations.Count == 0 && _gradients.Count == 0;

    /// <summary>Reads a run's folder.</summary>
    /// <param name="folder">The folder; what it does not hold stays empty.</param>
    /// <returns>What the folder says at this moment.</returns>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="IOException">A file exists but cannot be read.</exception>
    public static RunData Read(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException($"There is no folder '{folder}'. Pass the folder of a run, such as runs/NAME.");
        var run = new RunData(folder);
        run.Description = ReadDescription(Path.Combine(folder, "run.json"));
        var metrics = new FileInfo(Path.Combine(folder, "metrics.jsonl"));
        run._written = metrics.Exists && metrics.Length > 0 ? metrics.LastWriteTimeUtc : null;
        run._metricsFile = ReadLines(Path.Combine(folder, "metrics.jsonl"), run.AddMetrics);
        run._gradientsFile = ReadLines(Path.Combine(folder, "gradients.jsonl"), run._gradients.Add);
        return run;
    }

    /// <summary>Whether there is a file that can be read to its end: a pipe would be waited for, and a device such as /dev/full has no end. Both have a
    /// length of 0, as has an empty file, from which there is nothing to learn either.</summary>
    internal static bool HasContent(string path)
    {
        if (!File.Exists(path))
            return false;
        // The length of a link is that of the path in it.
        FileSystemInfo real = File.ResolveLinkTarget(path, returnFinalTarget: true) ?? new FileInfo(path);
        return real is FileInfo { Exists: true, Length: > 0 };
    }

    /// <summary>Writes everything that a page shows, as one JSON object.</summary>
    /// <param name="json">Receives the object.</param>
    /// <param name="id">The name, or another id where two folders have the same name.</param>
    /// <param name="live">Whether to say, as <c>idle</c>, for how many seconds metrics.jsonl has been as it is.</param>
    /// <remarks>
    /// <c>position</c> says how many bytes of each file are in it, all of whole lines, so that whoever follows the files can go on from there.
    /// Runs of more than 4,000 steps are thinned to at most 4,000 of them, which hold the extremes and the values that are not finite of each of 400 parts of the run;
    /// gradients of tensors are in at most 512 columns, each with the largest value of its steps.
    /// </remarks>
    internal void WriteJson(Utf8JsonWriter json, string id, bool live = false)
    {
        json.WriteStartObject();
        json.WriteString("id", id);
        json.WriteStartObject("position");
        json.WriteNumber("metrics", _metricsFile.Bytes);
        json.WriteNumber("gradients", _gradientsFile.Bytes);
        json.WriteEndObject();
        json.WriteNumber("foreignLines", ForeignLines);
        if (live && _written is { } written)
            json.WriteNumber("idle", Math.Max(0, Math.Round((TimeProvider.System.GetUtcNow().UtcDateTime - written).TotalSeconds, 1)));
        json.WritePropertyName("run");
        if (Description is { } description)
            description.WriteTo(json);
        else
            json.WriteNullValue();
        json.WriteStartObject("totals");
        json.WriteNumber("steps", Steps.Step.Count);
        json.WriteNumber("skipped", Steps.SkippedCount);
        json.WriteNumber("tokens", Steps.Tokens);
        json.WriteNumber("seconds", Math.Round(Steps.Duration.TotalSeconds, 3));
        json.WriteEndObject();
        json.WriteStartObject("steps");
        Steps.WriteJson(json);
        json.WriteEndObject();
        _events.WriteJson(json);
        _gradients.WriteJson(json);
        json.WriteEndObject();
        json.Flush();
    }

    private void AddMetrics(long step, JsonElement record)
    {
        if (!record.TryGetProperty("loss", out _))
        {
            _events.Add(step, record);
            return;
        }
        Steps.Add(step, record);
        _events.AddNonFinite(step, record);
    }

    private static (long Bytes, int ForeignLines) ReadLines(string path, Action<long, JsonElement> take) =>
        HasContent(path) ? JsonLines.Read(path, take) : (0, 0);

    private static JsonElement? ReadDescription(string path)
    {
        if (!HasContent(path))
            return null;
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
            return document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.Clone() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
