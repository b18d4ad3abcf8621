using System.Text.Json;
using Andrea.Monitoring;

namespace Andrea.Reporting;

/// <summary>What metrics.jsonl says besides steps: measurements, samples, spikes, verdicts, checkpoints. A line that stands in the file twice is kept once.</summary>
internal sealed class RunEvents
{
    private readonly HashSet<(string, long)> _seen = [];

    public List<EvaluationRecord> Evaluations { get; } = [];

    public List<SampleRecord> Samples { get; } = [];

    /// <summary>Scores of samples, where a coherence gate looked at them.</summary>
    public List<(long Step, double Score, double Repetition)> Coherence { get; } = [];

    public List<SpikeRecord> Spikes { get; } = [];

    /// <summary>Actions of the spike guard, kept as text. A step may have several.</summary>
    public List<(long Step, string Action, string Reason, long? BatchStep, long? SnapshotStep)> Guard { get; } = [];

    /// <summary>The kind is kept as text, since a newer version may know more of them.</summary>
    public List<(string Kind, long Step, long Since, string Summary, string Remedy, string[] Tensors)> Verdicts { get; } = [];

    public List<CheckpointRecord> Checkpoints { get; } = [];

    /// <summary>The first bad element of each step that has one.</summary>
    public List<(long Step, string Tensor, long Index)> NonFinite { get; } = [];

    public void Add(long step, JsonElement record)
    {
        if (record.Number("validationLoss") is { } loss)
        {
            if (_seen.Add(("validation", step)))
                Evaluations.Add(new EvaluationRecord(step, loss, record.Flag("best")));
        }
        else if (record.Text("sample") is { } sample)
        {
            if (record.Number("coherence") is { } score && _seen.Add(("coherence", step)))
                Coherence.Add((step, score, record.Number("repetition") ?? double.NaN));
            if (_seen.Add(("sample", step)))
                Samples.Add(new SampleRecord(step, sample));
        }
        else if (record.Text("spike") is { } spike)
        {
            if (_seen.Add(("spike " + spike, step)))
                Spikes.Add(new SpikeRecord(
                    step, spike == "loss" ? SpikeQuantity.Loss : SpikeQuantity.Norm, record.Number("value") ?? double.NaN,
                    record.Number("z") ?? double.NaN, record.Number("median") ?? double.NaN));
        }
        else if (record.Text("guard") is { } action)
        {
            if (_seen.Add(("guard " + action, step)))
                Guard.Add((step, action, record.Text("reason") ?? "", record.Whole("batchStep"), record.Whole("snapshotStep")));
        }
        else if (record.Text("verdict") is { } kind)
        {
            if (_seen.Add(("verdict " + kind, step)))
                Verdicts.Add((kind, step, record.Whole("since") ?? step, record.Text("summary") ?? "", record.Text("remedy") ?? "",
                    [.. record.Items("tensors").Where(name => name.ValueKind == JsonValueKind.String).Select(name => name.GetString()!)]));
        }
        else if (record.Text("checkpoint") is { } checkpoint && _seen.Add(("checkpoint", step)))
        {
            Checkpoints.Add(new CheckpointRecord(step, checkpoint));
        }
    }

    public void AddNonFinite(long step, JsonElement record)
    {
        if (record.Text("firstBadTensor") is { } tensor && _seen.Add(("bad", step)))
            NonFinite.Add((step, tensor, record.Whole("firstBadIndex") ?? -1));
    }

    public void WriteJson(Utf8JsonWriter json)
    {
        WriteAll(json, "evaluations", Evaluations, item =>
        {
            Begin(json, item.Step, "loss", item.Loss);
            json.WriteBoolean("best", item.Best);
        });
        WriteAll(json, "samples", Samples, item =>
        {
            json.WriteNumber("step", item.Step);
            json.WriteString("text", item.Text);
        });
        WriteAll(json, "coherence", Coherence, item =>
        {
            Begin(json, item.Step, "score", item.Score);
            json.WritePropertyName("repetition");
            json.WriteShort(item.Repetition);
        });
        WriteAll(json, "spikes", Spikes, item =>
        {
            Begin(json, item.Step, "value", item.Value);
            json.WriteString("spike", item.Quantity == SpikeQuantity.Loss ? "loss" : "norm");
            json.WritePropertyName("z");
            json.WriteShort(item.ZScore);
            json.WritePropertyName("median");
            json.WriteShort(item.Median);
        });
        WriteAll(json, "verdicts", Verdicts, item =>
        {
            json.WriteNumber("step", item.Step);
            json.WriteString("verdict", item.Kind);
            json.WriteNumber("since", item.Since);
            json.WriteString("summary", item.Summary);
            json.WriteString("remedy", item.Remedy);
            json.WriteStartArray("tensors");
            foreach (string tensor in item.Tensors)
                json.WriteStringValue(tensor);
            json.WriteEndArray();
        });
        WriteAll(json, "guard", Guard, item =>
        {
            json.WriteNumber("step", item.Step);
            json.WriteString("guard", item.Action);
            json.WriteString("reason", item.Reason);
            if (item.BatchStep is { } batch)
                json.WriteNumber("batchStep", batch);
            if (item.SnapshotStep is { } snapshot)
                json.WriteNumber("snapshotStep", snapshot);
        });
        WriteAll(json, "checkpoints", Checkpoints, item =>
        {
            json.WriteNumber("step", item.Step);
            json.WriteString("name", item.Path);
        });
        WriteAll(json, "nonFinite", NonFinite, item =>
        {
            json.WriteNumber("step", item.Step);
            json.WriteString("tensor", item.Tensor);
            json.WriteNumber("index", item.Index);
        });
    }

    private static void Begin(Utf8JsonWriter json, long step, string name, double value)
    {
        json.WriteNumber("step", step);
        json.WritePropertyName(name);
        json.WriteShort(value);
    }

    private static void WriteAll<T>(Utf8JsonWriter json, string name, List<T> items, Action<T> write)
    {
        json.WriteStartArray(name);
        foreach (T item in items)
        {
            json.WriteStartObject();
            write(item);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
