using Andrea.Monitoring.Diagnosis;
using Andrea.Reporting;

namespace Andrea.Training.Replay;

/// <summary>What a run's files say of its steps: the bits of each, and what was usual before one.</summary>
internal sealed class RecordedSteps
{
    private readonly Dictionary<long, StepBits> _steps = [];
    private readonly Dictionary<long, string> _sources = [];

    private RecordedSteps()
    {
    }

    /// <summary>Reads metrics.jsonl. Numbers stand there in the shortest text that reads back the same, so their bits are the run's own.</summary>
    public static RecordedSteps Read(string runFolder)
    {
        var recorded = new RecordedSteps();
        JsonLines.Read(RunFolder.MetricsOf(runFolder), (step, record) =>
        {
            if (record.Number("loss") is { } loss && record.Number("norm") is { } norm && record.Number("coefficient") is { } coefficient)
            {
                recorded._steps[step] = new StepBits(loss, norm, coefficient);
                if (record.Text("source") is { } source)
                    recorded._sources[step] = source;
            }
        });
        return recorded;
    }

    /// <summary>The last step there is; 0 for none.</summary>
    public long Last => _steps.Count == 0 ? 0 : _steps.Keys.Max();

    /// <summary>A step's bits; null when they were not recorded.</summary>
    public StepBits? this[long step] => _steps.TryGetValue(step, out StepBits bits) ? bits : null;

    /// <summary>Name of the source that a step's batch is of; null where there is only one.</summary>
    public string? SourceOf(long step) => _sources.GetValueOrDefault(step);

    /// <summary>The finite values of the steps of the same source before a step that a spike is judged by, the oldest first.</summary>
    public double[] Before(long step, Func<StepBits, double> value)
    {
        int most = new SpikeGuardOptions().Window;
        string? source = SourceOf(step);
        var values = new List<double>();
        for (long earlier = step - 1; earlier >= 1 && values.Count < most; earlier--)
            if (this[earlier] is { } bits && SourceOf(earlier) == source && double.IsFinite(value(bits)))
                values.Add(value(bits));
        values.Reverse();
        return [.. values];
    }

    /// <summary>Each tensor's norms in the steps of the same source before a step, from gradients.jsonl.</summary>
    public Dictionary<string, RobustWindow> NormsBefore(string runFolder, long step)
    {
        var norms = new Dictionary<string, RobustWindow>();
        string[] names = [];
        JsonLines.Read(RunFolder.GradientsOf(runFolder), (at, record) =>
        {
            if (record.TryGetProperty("tensors", out _))
                names = [.. record.Items("tensors").Select(name => name.ToString())];
            if (at >= step || SourceOf(at) != SourceOf(step))
                return;
            int place = 0;
            foreach (double? norm in record.Items("norm").Select(JsonValues.Number))
            {
                if (place == names.Length)
                    break;
                string name = names[place++];
                if (!norms.TryGetValue(name, out RobustWindow? window))
                    norms[name] = window = new RobustWindow(new GradientDiagnosisOptions().SpikeWindow);
                window.Add(norm ?? double.NaN);
            }
        });
        return norms;
    }
}
