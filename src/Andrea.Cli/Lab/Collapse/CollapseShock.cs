using Andrea.Curriculum;
using Andrea.Training.Faults;
using static System.FormattableString;

namespace Andrea.Cli.Lab.Collapse;

/// <summary>How hard the data's distribution shifts where a phase of the curriculum begins.</summary>
/// <param name="Scale">Factor on the gradients of the phase's first steps; 1 leaves phases as they are.</param>
/// <param name="RateFactor">Factor on the learning rate of the whole run, of all arms.</param>
/// <param name="IsForeign">Whether those steps' text is in other characters, too: a source that nothing has been learned of.</param>
internal sealed record CollapseShock(double Scale, double RateFactor, bool IsForeign)
{
    /// <summary>Steps of a phase that are shocked.</summary>
    public const int Steps = 2;

    /// <summary>From none to more than a lesson describes: the first at which v1 collapses is taken.</summary>
    public static IReadOnlyList<CollapseShock> Ladder { get; } =
    [
        new(1, 1, false), new(10, 1, false), new(30, 1, false), new(100, 1, false),
        new(10, 1, true), new(30, 1, true), new(100, 1, true),
        new(30, 3, true), new(100, 3, true), new(100, 10, true),
    ];

    /// <summary>What it is, for people.</summary>
    public string Description => (Scale == 1 && !IsForeign
        ? "no shock"
        : Invariant($"gradients times {Scale} in the first {Steps} steps of each phase{(IsForeign ? ", whose text is in other characters" : "")}"))
        + (RateFactor == 1 ? "" : Invariant($"; learning rate times {RateFactor}"));

    /// <summary>The faults of a run.</summary>
    /// <param name="curriculum">The run's own: where phases begin depends on its seed and warmup, not on losses.</param>
    /// <param name="sources">Names of its sources.</param>
    /// <param name="steps">Its steps.</param>
    /// <param name="seed">Its seed.</param>
    public FaultPlan? PlanOf(CurriculumOptions curriculum, IReadOnlyList<string> sources, int steps, ulong seed)
    {
        if (Scale == 1 && !IsForeign)
            return null;
        var faults = new List<Fault>();
        foreach (long step in PhaseStarts(curriculum, sources, steps, seed).Skip(1))
        {
            if (IsForeign)
                faults.Add(new Fault(FaultKind.SourceSwitch, step, step + Steps - 1));
            faults.Add(new Fault(FaultKind.GradientScale, step, step + Steps - 1, Scale));
        }
        return new FaultPlan(seed, faults);
    }

    /// <summary>First steps of all phases, from 1.</summary>
    internal static List<long> PhaseStarts(CurriculumOptions curriculum, IReadOnlyList<string> sources, int steps, ulong seed)
    {
        var bandit = new BanditCurriculum(curriculum, sources, seed);
        double[] epochs = new double[sources.Count];
        var starts = new List<long>();
        for (long step = 1, phase = 0; step <= steps; step++)
        {
            bandit.Next(epochs);
            if (bandit.Phase != phase)
                starts.Add(step);
            phase = bandit.Phase;
        }
        return starts;
    }
}
