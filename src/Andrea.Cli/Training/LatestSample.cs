using Andrea.Monitoring;

namespace Andrea.Cli.Training;

/// <summary>Keeps the coherence gate's latest sample, for what is said of a run in the end.</summary>
internal sealed class LatestSample : IStepObserver
{
    /// <summary>Null while there was none.</summary>
    public CoherenceRecord? Record { get; private set; }

    public void OnCoherence(CoherenceRecord record) => Record = record;
}
