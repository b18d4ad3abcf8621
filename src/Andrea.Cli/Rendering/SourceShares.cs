using Andrea.Monitoring;

namespace Andrea.Cli.Rendering;

/// <summary>Counts how many steps drew from each of several sources.</summary>
internal sealed class SourceShares : IStepObserver
{
    private readonly Dictionary<string, long> _steps = [];

    /// <summary>Each source with its share of the steps, the largest first; empty where there is only one.</summary>
    public string Text
    {
        get
        {
            long total = _steps.Values.Sum();
            return string.Join(", ", _steps.OrderByDescending(item => item.Value).ThenBy(item => item.Key, StringComparer.Ordinal)
                .Select(item => $"{item.Key} {Units.Percent((double)item.Value / total)}"));
        }
    }

    public void OnStep(in StepRecord record)
    {
        if (record.Source is { } source)
            _steps[source] = _steps.GetValueOrDefault(source) + 1;
    }
}
