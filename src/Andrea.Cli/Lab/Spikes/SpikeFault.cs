using Andrea.Training.Faults;

namespace Andrea.Cli.Lab.Spikes;

/// <summary>Something that goes wrong in the middle of a run.</summary>
/// <param name="Name">Its name in tables.</param>
/// <param name="Description">What happens, for people.</param>
/// <param name="Faults">What happens, step by step; none in a healthy run.</param>
internal sealed record SpikeFault(string Name, string Description, IReadOnlyList<Fault> Faults)
{
    public const string HealthyName = "healthy";

    /// <summary>First step that something is wrong in.</summary>
    public long First => Faults.Min(fault => fault.First);

    /// <summary>Last step that something is wrong in.</summary>
    public long Last => Faults.Max(fault => fault.Last);

    /// <summary>The healthy run, then all faults.</summary>
    /// <param name="steps">Steps of a run; short runs get short faults.</param>
    public static IReadOnlyList<SpikeFault> All(int steps)
    {
        long first = FirstOf(steps);
        long few = Length(3), several = Length(10), many = Length(30), stretch = Math.Max(1, steps / 6);
        return
        [
            new(HealthyName, "nothing goes wrong", []),
            new("outlier batch", $"step {first}: all tokens random, gradients 30 times as large",
                [new Fault(FaultKind.OutlierBatch, first, first), new Fault(FaultKind.GradientScale, first, first, 30)]),
            new("label noise", $"{several} steps with all targets random", [new Fault(FaultKind.LabelNoise, first, first + several - 1)]),
            new("source switch", $"{many} steps of the same text in other characters, then back", [new Fault(FaultKind.SourceSwitch, first, first + many - 1)]),
            new("NaN gradient", $"one NaN in {few} steps in a row", [new Fault(FaultKind.NaNGradient, first, first + few - 1)]),
            new("10x rate", $"{many} steps at 10 times the learning rate", [new Fault(FaultKind.LearningRate, first, first + many - 1, 10)]),
            new("stale v", $"{stretch} steps without gradients, then {few} with gradients 30 times as large",
                FaultPlan.StaleSecondMoment(first, stretch, few, 30)),
        ];

        long Length(int full) => Math.Max(1, Math.Min(full, steps / 12));
    }

    /// <summary>Where faults begin: in the middle.</summary>
    public static long FirstOf(int steps) => steps / 2 + 1;

    public FaultPlan? PlanOf(ulong seed) => Faults.Count == 0 ? null : new FaultPlan(seed, Faults);
}
