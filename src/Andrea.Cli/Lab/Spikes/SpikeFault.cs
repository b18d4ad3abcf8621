using Andrea.Training.Faults;

namespace Andrea.Cli.Lab.Spikes;

/// <summary>Something that goes wrong in a run.</summary>
/// <param name="Name">Its name in tables.</param>
/// <param name="Description">What happens, for people.</param>
/// <param name="From">What happens, step by step, when it begins at a step; nothing in a healthy run.</param>
internal sealed record SpikeFault(string Name, string Description, Func<long, IReadOnlyList<Fault>> From)
{
    public const string HealthyName = "healthy";

    /// <summary>The healthy run, then all faults.</summary>
    /// <param name="steps">Steps of a run; short runs get short faults.</param>
    public static IReadOnlyList<SpikeFault> All(int steps)
    {
        long few = Length(3), several = Length(10), many = Length(30), stretch = Math.Max(1, steps / 6);
        return
        [
            new(HealthyName, "nothing goes wrong", _ => []),
            new("outlier batch", "one step with all tokens random and gradients 30 times as large",
                first => [new Fault(FaultKind.OutlierBatch, first, first), new Fault(FaultKind.GradientScale, first, first, 30)]),
            new("label noise", $"{several} steps with all targets random", first => [new Fault(FaultKind.LabelNoise, first, first + several - 1)]),
            new("source switch", $"{many} steps of the same text in other characters, then back",
                first => [new Fault(FaultKind.SourceSwitch, first, first + many - 1)]),
            new("NaN gradient", $"one NaN in {few} steps in a row", first => [new Fault(FaultKind.NaNGradient, first, first + few - 1)]),
            new("10x rate", $"{many} steps at 10 times the method's own learning rate", first => [new Fault(FaultKind.LearningRate, first, first + many - 1, 10)]),
            new("stale v", $"{stretch} steps without gradients, then {few} with gradients 30 times as large",
                first => FaultPlan.StaleSecondMoment(first, stretch, few, 30)),
            new("spoiled weights", "all parameters are 3 times as large from one step on, as after an update gone wrong",
                first => [new Fault(FaultKind.ParameterScale, first, first, 3)]),
        ];

        long Length(int full) => Math.Max(1, Math.Min(full, steps / 12));
    }

    /// <summary>Where a fault begins in the runs of a seed: at another place after the middle for each of four seeds.</summary>
    /// <remarks>Methods with a clock of their own, such as SPAM's resets and the low rates after them, would otherwise be judged by where in it one
    /// step happens to fall.</remarks>
    public static long FirstOf(int steps, ulong seed) => (steps * (57 + (7 * (long)((seed - 1) % 4))) / 100) + 1;

    /// <summary>What happens in the runs of a seed; null in a healthy run.</summary>
    public FaultPlan? PlanOf(int steps, ulong seed) => From(FirstOf(steps, seed)) is { Count: > 0 } faults ? new FaultPlan(seed, faults) : null;
}
