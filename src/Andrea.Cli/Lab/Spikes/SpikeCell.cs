using Andrea.Cli.Lab.Runs;
using Andrea.Training.Faults;

namespace Andrea.Cli.Lab.Spikes;

/// <summary>One run of a method under a fault.</summary>
internal sealed record SpikeCell(SpikeMethod Method, SpikeFault Fault, ulong Seed, LabResult Result)
{
    /// <summary>What the fault cost.</summary>
    /// <exception cref="InvalidOperationException">There was none.</exception>
    public SpikeScore Score => field ??= SpikeScore.Of(Result, Faults.Min(fault => fault.First), Faults.Max(fault => fault.Last));

    private IReadOnlyList<Fault> Faults => Result.Arm.Faults?.Faults ?? [];
}
