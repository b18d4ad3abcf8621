using System.Buffers;
using System.Globalization;
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
    public static byte[] Loss(string folder) => ListOf(folder, "points", WritePoint);

    /// <summary><c>{"samples": [{"step": n, "text": "..."}, ...]}</c></summary>
    public static byte[] Samples(string folder) => ListOf(folder, "samples", WriteSample);

    /// <summary>
    /// <c>{"checkpoints": [{"run": "NAME", "name": "step-000100", "step": n, "created": "...", "validationLoss": x or null, "finite": true,
    /// "best": false}, ...]}</c>, those of each run in the order of saving.
    /// </summary>
    public static byte[] Checkpoints(IEnumerable<(string Name, string Folder)> runs) => ObjectOf("checkpoints", json =>
    {
        foreach ((string name, string folder) in runs)
        {
            IReadOnlyList<CheckpointEntry> entries = new CheckpointStore(RunFolder.CheckpointsOf(folder)).List();
            CheckpointEntry? best = entries.Where(entry => entry.IsFinite && entry.State!.ValidationLoss is not null).MinBy(entry => entry.State!.ValidationLoss);
            // What has no state is damaged, or being deleted at this moment.
            foreach (CheckpointEntry entry in entries.Where(entry => entry.State is not null))
                WriteCheckpoint(json, name, entry, isBest: entry == best);
        }
    });

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

    private static byte[] ListOf(string folder, string name, Action<Utf8JsonWriter, long, JsonElement> write) => ObjectOf(name, json =>
    {
        var tail = new FileTail(MetricsOf(folder));
        while (tail.Read(out ReadOnlyMemory<byte> lines) == TailChange.Lines)
            ForEachRecord(lines, (step, record) => write(json, step, record));
    });

    /// <summary>An object with one array.</summary>
    private static byte[] ObjectOf(string name, Action<Utf8JsonWriter> writeItems)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        json.WriteStartArray(name);
        writeItems(json);
        json.WriteEndArray();
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteCheckpoint(Utf8JsonWriter json, string run, CheckpointEntry entry, bool isBest)
    {
        CheckpointState state = entry.State!;
        json.WriteStartObject();
        json.WriteString("run", run);
        json.WriteString("name", entry.Name.ToString());
        json.WriteNumber("step", state.Step);
        json.WriteString("created", state.CreatedAt);
        json.WritePropertyName("validationLoss");
        if (state.ValidationLoss is not { } loss)
            json.WriteNullValue();
        else if (double.IsFinite(loss))
            json.WriteNumberValue(loss);
        else
            json.WriteStringValue(loss.ToString(CultureInfo.InvariantCulture));
        json.WriteBoolean("finite", state.Finite);
        json.WriteBoolean("best", isBest);
        json.WriteEndObject();
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
}
