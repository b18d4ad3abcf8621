using Andrea.Cli.Lab.Runs;

namespace Andrea.Cli.Lab.Spikes;

/// <summary>All that <see cref="SpikesExperiment"/> saw.</summary>
/// <param name="Experiment">What was done.</param>
/// <param name="Methods">The methods.</param>
/// <param name="Limits">Limits of some of them.</param>
/// <param name="Sweeps">How learning rates were chosen, by method.</param>
/// <param name="Cells">Every run of a method under a fault, and without.</param>
/// <param name="HighRate">Runs at ten times the learning rate throughout.</param>
/// <param name="Overhead">Time per step over the baseline's, by method; empty where it was not measured.</param>
internal sealed record SpikesResult(
    SpikesExperiment Experiment,
    IReadOnlyList<SpikeMethod> Methods,
    SpikeLimits Limits,
    IReadOnlyDictionary<string, RateSweep> Sweeps,
    IReadOnlyList<SpikeCell> Cells,
    IReadOnlyList<SpikeCell> HighRate,
    IReadOnlyDictionary<string, double> Overhead)
{
    /// <summary>Runs of a method under a fault, seed by seed.</summary>
    public IEnumerable<SpikeCell> Of(string method, string fault) => Cells.Where(cell => cell.Method.Name == method && cell.Fault.Name == fault);

    /// <summary>Final losses above those of the method's own healthy runs with the same seeds: what the fault cost it.</summary>
    public double[] Damage(string method, string fault) => Paired(method, fault, method);

    /// <summary>Final losses above those of the baseline's healthy runs with the same seeds: what fault and method together cost.</summary>
    public double[] Excess(string method, string fault) => Paired(method, fault, SpikeMethod.BaselineName);

    /// <summary>Median of <see cref="Excess"/>; infinite where a run diverged, NaN where none was made.</summary>
    public double MedianExcess(string method, string fault) => Spread.Median(Excess(method, fault));

    private double[] Paired(string method, string fault, string reference) =>
        [.. Of(method, fault).Join(Of(reference, SpikeFault.HealthyName), cell => cell.Seed, cell => cell.Seed,
            (cell, healthy) => Finite(cell.Result.FinalLoss) - healthy.Result.FinalLoss)];

    private static double Finite(double loss) => double.IsFinite(loss) ? loss : double.PositiveInfinity;
}
