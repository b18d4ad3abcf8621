using System.IO.Pipelines;
using System.Text.Json;
using Andrea.Training;
using Andrea.Training.Checkpoints;

namespace Andrea.Cli.Live;

/// <summary>Reads out of a run's folder what tools ask for, and writes it as JSON. Never writes into the folder.</summary>
internal static class RunFiles
{
    private const int NearEnd = 1 << 16;

    public static string MetricsOf(string folder) => RunFolder.MetricsOf(folder);

    public static string GradientsOf(string folder) => Path.Combine(folder, "gradients.jsonl");

    /// <summary><c>{"points": [[step, loss], ...]}</c>; a loss that is not finite is "NaN", "Infinity" or "-Infinity".</summary>
    public static Task WriteLossAsync(string folder, PipeWriter output, CancellationToken cancellation) =>
        WriteListAsync(folder, "points", output, WritePoint, cancellation);

    /// <summary><c>{"samples": [{"step": n, "text": "..."}, ...]}</c></summary>
    public static Task WriteSamplesAsync(string folder, PipeWriter output, CancellationToken cancellation) =>
        WriteListAsync(folder, "samples", output, WriteSample, cancellation);

    /// <summary>
    /// <c>{"checkpoints": [{"run": "NAME", "name": "step-000100", "step": n, "created": "...", "validationLoss": x or null, "finite": true,
    /// "best": false}, ...]}</c>, those of each run in the order of saving.
    /// </summary>
    public static async Task WriteCheckpointsAsync(IEnumerable<(string Name, string Folder)> runs, PipeWriter output, CancellationToken cancellation)
    {
        using var json = new Utf8JsonWriter(output);
        json.WriteStartObject();
        json.WriteStartArray("checkpoints");
        foreach ((string name, string folder) in runs)
        {
            IReadOnlyList<CheckpointEntry> entries = new CheckpointStore(RunFolder.CheckpointsOf(folder)).List();
            CheckpointEntry? best = entries.Where(entry => entry.IsFinite && entry.State!.ValidationLoss is not null).MinBy(entry => entry.State!.ValidationLoss);
            foreach (CheckpointEntry entry in entries)
            {
                // Damaged, or deleted at this moment.
                if (entry.State is not { } state)
                    continue;
                json.WriteStartObject();
                json.WriteString("run", name);
                json.WriteString("name", entry.Name.ToString());
                json.WriteNumber("step", state.Step);
                json.WriteString("created", state.CreatedAt);
                json.WritePropertyName("validationLoss");
                WriteNumber(json, state.ValidationLoss);
                json.WriteBoolean("finite", state.Finite);
                json.WriteBoolean("best", entry == best);
                json.WriteEndObject();
            }
        }
        json.WriteEndArray();
        json.WriteEndObject();
        await json.FlushAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>The last record of a step in a run; null when there is none near the file's end.</summary>
    public static (long Step, double Loss)? LastStep(string folder)
    {
        (long, double)? last = null;
        var tail = new FileTail(MetricsOf(folder));
        tail.SkipToEnd();
        tail.GoToLineBefore(Math.Max(0, tail.Position - NearEnd));
        while (tail.Read(out ReadOnlyMemory<byte> lines) == TailChange.Lines)
            ForEachRecord(lines, (step, record) =>
            {
                if (record.TryGetProperty("loss", out JsonElement loss) && NumberOf(loss) is { } value)
                    last = (step, value);
            });
        return last;
    }

    private static async Task WriteListAsync(
        string folder, string name, PipeWriter output, Action<Utf8JsonWriter, long, JsonElement> write, CancellationToken cancellation)
    {
        using var json = new Utf8JsonWriter(output);
        json.WriteStartObject();
        json.WriteStartArray(name);
        var tail = new FileTail(MetricsOf(folder));
        while (tail.Read(out ReadOnlyMemory<byte> lines) == TailChange.Lines)
        {
            ForEachRecord(lines, (step, record) => write(json, step, record));
            await json.FlushAsync(cancellation).ConfigureAwait(false);
        }
        json.WriteEndArray();
        json.WriteEndObject();
        await json.FlushAsync(cancellation).ConfigureAwait(false);
    }

    private static void WritePoint(Utf8JsonWriter json, long step, JsonElement record)
    {
        if (!record.TryGetProperty("loss", out JsonElement loss))
            return;
        json.WriteStartArray();
        json.WriteNumberValue(step);
        loss.WriteTo(json);
        json.WriteEndArray();
    }

    private static void WriteSample(Utf8JsonWriter json, long step, JsonElement record)
    {
        if (!record.TryGetProperty("sample", out JsonElement sample))
            return;
        json.WriteStartObject();
        json.WriteNumber("step", step);
        json.WritePropertyName("text");
        sample.WriteTo(json);
        json.WriteEndObject();
    }

    /// <summary>Passes over what is no record, such as a line that a crash cut off.</summary>
    private static void ForEachRecord(ReadOnlyMemory<byte> lines, Action<long, JsonElement> take)
    {
        for (int begin = 0, end; begin < lines.Length; begin = end)
        {
            end = begin + lines.Span[begin..].IndexOf((byte)'\n') + 1;
            try
            {
                using JsonDocument document = JsonDocument.Parse(lines[begin..end]);
                if (document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("step", out JsonElement step)
                    && step.ValueKind == JsonValueKind.Number && step.TryGetInt64(out long number))
                    take(number, document.RootElement);
            }
            catch (JsonException)
            {
            }
        }
    }

    private static double? NumberOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => value.GetDouble(),
        JsonValueKind.String => value.GetString() switch
        {
            "NaN" => double.NaN,
            "Infinity" => double.PositiveInfinity,
            "-Infinity" => double.NegativeInfinity,
            _ => null,
        },
        _ => null,
    };

    private static void WriteNumber(Utf8JsonWriter json, double? value)
    {
        if (value is not { } number)
            json.WriteNullValue();
        else if (double.IsFinite(number))
            json.WriteNumberValue(number);
        else
            json.WriteStringValue(number.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }
}
