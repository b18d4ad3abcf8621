using Andrea.Cli.Lab.Runs;
using Andrea.Clipping;
using Andrea.Curriculum;
using Andrea.Data;
using Andrea.Gpt;
using Andrea.Monitoring;
using Andrea.Monitoring.Diagnosis;
using Andrea.Optim;
using Andrea.Training;
using static System.FormattableString;

namespace Andrea.Cli.Lab.Collapse;

/// <summary>A run of the experiment.</summary>
internal sealed record CollapseCell(int Width, CollapseArm Arm, ulong Seed, LabResult Result)
{
    public CollapseScore Score => field ??= CollapseScore.Of(Result);
}

/// <summary>A run that is to be made.</summary>
internal sealed record PlannedCell(int Width, CollapseArm Arm, ulong Seed, LabArm Run);

/// <summary>v1's fate under one shock.</summary>
internal sealed record CollapseRung(CollapseShock Shock, LabResult Result)
{
    public CollapseScore Score => field ??= CollapseScore.Of(Result);
}

/// <summary>All that <see cref="CollapseExperiment"/> saw.</summary>
/// <param name="Experiment">What was done.</param>
/// <param name="Rungs">v1 under harder and harder shocks, one seed, the widest model.</param>
/// <param name="Shock">The shock that all arms were trained under; null where nothing was.</param>
/// <param name="Cells">Every run under it.</param>
internal sealed record CollapseResult(
    CollapseExperiment Experiment, IReadOnlyList<CollapseRung> Rungs, CollapseShock? Shock, IReadOnlyList<CollapseCell> Cells);

/// <summary>The story of ANDREA's v1 and v2 at laptop size: the same model, data, bandit, seed and kind of shock, with and without each guard.</summary>
/// <remarks>The shock is the first of <see cref="CollapseShock.Ladder"/> under which v1 collapses with repeating samples; else the first under
/// which its loss rises and stays; else the last. Every arm is shocked where its own phases begin.</remarks>
internal sealed record CollapseExperiment
{
    private const int Samples = 24;

    public IReadOnlyList<int> Widths { get; init; } = [64, 128];

    public int Steps { get; init; } = 2000;

    public int Seeds { get; init; } = 5;

    public int Batch { get; init; } = 8;

    public int Context { get; init; } = 48;

    public int Layers { get; init; } = 2;

    public int Characters { get; init; } = 1_000_000;

    public int Segments { get; init; } = 512;

    public int SampleTokens { get; init; } = 200;

    public double LearningRate { get; init; } = 1e-3;

    public double Decay { get; init; } = 0.1;

    /// <summary>What halts the arms with a gate.</summary>
    public CoherenceGateOptions Gate { get; init; } = new();

    public IReadOnlyList<CollapseShock> Ladder { get; init; } = CollapseShock.Ladder;

    /// <summary>Smaller models, fewer steps, one seed: whether all is well, and no more.</summary>
    public static CollapseExperiment Quick { get; } = new()
    {
        Widths = [16, 32], Steps = 360, Seeds = 1, Context = 32, Layers = 1, Characters = 120_000, SampleTokens = 100, Segments = 128, LearningRate = 3e-3,
    };

    /// <summary>Steps between samples, and between measurements of the validation loss.</summary>
    public int SampleEvery => Math.Max(1, Steps / Samples);

    /// <summary>Steps of either warmup.</summary>
    public int WarmupSteps => Math.Max(1, Steps / 10);

    /// <summary>Steps before the first shock: there shall be something to lose.</summary>
    public int CalmSteps => Steps / 4;

    /// <summary>Makes all runs.</summary>
    /// <param name="session">Shows progress, and ends it.</param>
    /// <param name="runsFolder">Folder for the runs that a page is made of: all arms of the widest model, first seed; null writes none.</param>
    public CollapseResult Run(LabSession session, string? runsFolder)
    {
        TokenDataset data = CollapseData.Create(Characters, Segments);
        CollapseArm unguarded = CollapseArm.All[0];
        LabArm[] ladder = [.. Ladder.Select(shock => ArmOf(unguarded, Widths[^1], shock, 1, data, null) with { Name = $"v1 | {shock.Description}" })];
        CollapseRung[] rungs = [.. Ladder.Zip(session.Run("Shocks until v1 collapses", ladder))
            .Where(pair => pair.Second is not null).Select(pair => new CollapseRung(pair.First, pair.Second!))];
        if (session.IsCancelled || rungs.Length == 0)
            return new CollapseResult(this, rungs, null, []);
        CollapseShock chosen = Choose(rungs).Shock;
        PlannedCell[] planned = [.. Plan(chosen, data, runsFolder)];
        LabResult?[] results = session.Run($"{planned.Length} runs of {Steps} steps", [.. planned.Select(plan => plan.Run)]);
        CollapseCell[] cells = [.. planned.Zip(results).Where(pair => pair.Second is not null)
            .Select(pair => new CollapseCell(pair.First.Width, pair.First.Arm, pair.First.Seed, pair.Second!))];
        return new CollapseResult(this, rungs, chosen, cells);
    }

    /// <summary>All runs under the chosen shock, seed by seed, so that one that is ended early has as many seeds of each as it can.</summary>
    internal IEnumerable<PlannedCell> Plan(CollapseShock shock, TokenDataset data, string? runsFolder) =>
        from seed in Enumerable.Range(1, Seeds).Select(seed => (ulong)seed)
        from width in Widths
        from arm in CollapseArm.All
        select new PlannedCell(width, arm, seed, ArmOf(arm, width, shock, seed, data, FolderOf(arm, width, seed, runsFolder)));

    /// <summary>The rung that the arms are trained under.</summary>
    internal static CollapseRung Choose(IReadOnlyList<CollapseRung> rungs) =>
        rungs.FirstOrDefault(rung => rung.Score is { CollapsedAt: not null, Repeats: true })
        ?? rungs.FirstOrDefault(rung => rung.Score.CollapsedAt is not null)
        ?? rungs[^1];

    private string? FolderOf(CollapseArm arm, int width, ulong seed, string? runsFolder) =>
        runsFolder is not null && seed == 1 && width == Widths[^1] ? Path.Combine(runsFolder, arm.Name) : null;

    private LabArm ArmOf(CollapseArm arm, int width, CollapseShock shock, ulong seed, TokenDataset data, string? folder)
    {
        TrainerOptions options = OptionsOf(arm, shock, seed);
        var config = new GptConfig
        {
            VocabularySize = 1, ContextLength = Context, ChannelCount = width, HeadCount = Math.Max(1, width / 32), LayerCount = Layers, TiedHead = false,
        };
        return new LabArm(Invariant($"{arm.Name} | width {width} | seed {seed}"), config, data, options)
        {
            Faults = shock.PlanOf(options.Curriculum!, CollapseData.Names, CalmSteps, Steps, seed),
            Folder = folder,
        };
    }

    /// <summary>How an arm is trained: all alike but for its guards.</summary>
    internal TrainerOptions OptionsOf(CollapseArm arm, CollapseShock shock, ulong seed) => new()
    {
        Steps = Steps,
        BatchSize = Batch,
        LearningRate = LearningRate * shock.RateFactor,
        // Constant, so that nothing but its guards keeps an arm from harm.
        Schedule = ScheduleKind.Constant,
        WarmupSteps = arm.Has(CollapseGuards.RateWarmup) ? WarmupSteps : 0,
        Clip = new GradClipperOptions { MaxNorm = arm.Has(CollapseGuards.Clip) ? 1 : double.PositiveInfinity, MaxConsecutiveSkips = 0 },
        Optimizer = new AdamWOptions { WeightDecay = arm.Has(CollapseGuards.Decay) ? Decay : 0 },
        Curriculum = new CurriculumOptions
        {
            // ANDREA's own reward, in all arms.
            Reward = CurriculumReward.LossDrop,
            WarmupSteps = arm.Has(CollapseGuards.CurriculumWarmup) ? WarmupSteps : 0,
            Sources = CollapseData.Limits,
        },
        // All arms write the same samples; only the gate halts.
        Coherence = Gate with { Every = SampleEvery, Tokens = SampleTokens, InARow = arm.Has(CollapseGuards.Gate) ? Gate.InARow : int.MaxValue },
        SamplePrompt = CollapseData.Prompt,
        EvaluateEvery = SampleEvery,
        EvaluationBatches = 8,
        CheckpointEvery = 0,
        Seed = seed,
        Monitor = GradientMonitorOptions.Off,
        Diagnosis = new GradientDiagnosisOptions(),
    };
}
