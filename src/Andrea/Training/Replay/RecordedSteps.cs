using Andrea.Monitoring.Diagnosis;
using Andrea.Reporting;

namespace Andrea.Training.Replay;

/// <summary>What a run's files say of its steps: the bits of each, and what was usual before one.</summary>
internal sealed class RecordedSteps
{
    private readonly Dictionary<long, StepBits> _steps = [];

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
                recorded._steps[step] = new StepBits(loss, norm, coefficient);
        });
        return recorded;
    }

    /// <summary>The last step there is; 0 for none.</summary>
    public long Last => _steps.Count == 0 ? 0 : _steps.Keys.Max();

    /// <summary>A step's bits; null when they were not recorded.</summary>
    public StepBits? this[long step] => _steps.TryGetValue(step, out StepBits bits) ? bits : null;

    /// <summary>The finite values before a step that a spike is judged by, the oldest first.</summary>
    public double[] Before(long step, Func<StepBits, double> value)
    {
        var values = new List<double>();
        for (long earlier = Math.Max(1, step - new SpikeGuardOptions().Window); earlier < step; earlier++)
            if (this[earlier] is { } bits && double.IsFinite(value(bits)))
                values.Add(value(bits));
        return [.. values];
    }

    /// <summary>Each tensor's norms before a step, from gradients.jsonl.</summary>
    public static Dictionary<string, RobustWindow> NormsBefore(string runFolder, long step)
    {
        var norms = new Dictionary<string, RobustWindow>();
        string[] names = [];
        JsonLines.Read(RunFolder.GradientsOf(runFolder), (at, record) =>
        {
            if (record.TryGetProperty("tensors", out _))
                names = [.. record.Items("tensors").Select(name => name.ToString())];
            if (at >= step)
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
