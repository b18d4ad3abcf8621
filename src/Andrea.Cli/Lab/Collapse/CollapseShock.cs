using Andrea.Curriculum;
using Andrea.Training.Faults;
using static System.FormattableString;

namespace Andrea.Cli.Lab.Collapse;

/// <summary>What the first steps of a phase are trained on.</summary>
internal enum ShockText
{
    /// <summary>The source's own text.</summary>
    Own,

    /// <summary>The same in other tokens: a source that nothing has been learned of.</summary>
    Foreign,

    /// <summary>One token of it again and again: a source of mere repetition.</summary>
    Repeated,
}

/// <summary>How hard the data's distribution shifts where a phase of the curriculum begins.</summary>
/// <param name="Text">What the phase's first steps are trained on.</param>
/// <param name="Scale">Factor on their gradients; 1 leaves them as they are.</param>
/// <param name="RateFactor">Factor on the learning rate of the whole run, of all arms.</param>
internal sealed record CollapseShock(ShockText Text, double Scale, double RateFactor = 1)
{
    /// <summary>Steps of a phase that are shocked.</summary>
    public const int Steps = 2;

    /// <summary>From none to more than a lesson describes: the first at which v1 collapses is taken.</summary>
    public static IReadOnlyList<CollapseShock> Ladder { get; } =
    [
        new(ShockText.Own, 1),
        new(ShockText.Own, 10), new(ShockText.Own, 30), new(ShockText.Own, 100),
        new(ShockText.Foreign, 10), new(ShockText.Foreign, 30), new(ShockText.Foreign, 100),
        new(ShockText.Repeated, 1), new(ShockText.Repeated, 3), new(ShockText.Repeated, 10), new(ShockText.Repeated, 30), new(ShockText.Repeated, 100),
        new(ShockText.Repeated, 10, 3), new(ShockText.Repeated, 30, 3), new(ShockText.Repeated, 100, 3), new(ShockText.Repeated, 100, 10),
    ];

    private bool IsNone => Text == ShockText.Own && Scale == 1;

    /// <summary>What it is, in a few words.</summary>
    public string Description => (IsNone ? "none" : Invariant($"{TextName}, gradients x {Scale}")) + (RateFactor == 1 ? "" : Invariant($", rate x {RateFactor}"));

    private string TextName => Text switch
    {
        ShockText.Foreign => "other tokens",
        ShockText.Repeated => "one token",
        _ => "own text",
    };

    /// <summary>The faults of a run.</summary>
    /// <param name="curriculum">The run's own: where phases begin depends on its seed and warmup, not on losses.</param>
    /// <param name="sources">Names of its sources.</param>
    /// <param name="steps">Its steps.</param>
    /// <param name="seed">Its seed.</param>
    public FaultPlan? PlanOf(CurriculumOptions curriculum, IReadOnlyList<string> sources, int steps, ulong seed)
    {
        if (IsNone)
            return null;
        var faults = new List<Fault>();
        foreach (long step in PhaseStarts(curriculum, sources, steps, seed).Skip(1))
        {
            if (Text != ShockText.Own)
                faults.Add(new Fault(Text == ShockText.Foreign ? FaultKind.SourceSwitch : FaultKind.RepeatedToken, step, step + Steps - 1));
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
