using Andrea.Cli.Lab.Runs;
using Andrea.Training.Faults;

namespace Andrea.Cli.Lab.Spikes;

/// <summary>One run of a method under a fault.</summary>
internal sealed record SpikeCell(SpikeMethod Method, SpikeFault Fault, ulong Seed, LabResult Result)
{
    /// <summary>What the fault cost.</summary>
    /// <exception cref="InvalidOperationException">There was none.</exception>
    public SpikeScore Score
    {
        get
        {
            if (field is not null)
                return field;
            IReadOnlyList<Fault> faults = Fault.From(SpikeFault.FirstOf((int)Result.Arm.Options.Steps, Seed));
            return field = SpikeScore.Of(Result, faults.Min(fault => fault.First), faults.Max(fault => fault.Last));
        }
    }
}
