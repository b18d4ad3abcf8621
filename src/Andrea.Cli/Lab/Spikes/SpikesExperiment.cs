using Andrea.Cli.Lab.Runs;
using Andrea.Data;
using Andrea.Gpt;
using Andrea.Monitoring;
using Andrea.Training;

namespace Andrea.Cli.Lab.Spikes;

/// <summary>Every protection against loss spikes under every fault: a small model on characters of the built-in text, trained for a few
/// hundred steps, after the middle of which something goes wrong.</summary>
/// <remarks>All methods see the same batches, initial values and faults for a seed. Each method trains at the rate that did best
/// for it in a sweep without faults.</remarks>
internal sealed record SpikesExperiment
{
    public int Steps { get; init; } = 1200;

    public int Seeds { get; init; } = 3;

    public int Batch { get; init; } = 16;

    public int Context { get; init; } = 32;

    public int Width { get; init; } = 64;

    public int Layers { get; init; } = 2;

    public int Characters { get; init; } = 400_000;

    public IReadOnlyList<double> Rates { get; init; } = [3e-4, 1e-3, 3e-3, 1e-2, 3e-2];

    /// <summary>Factors on each method's own rate, for whole runs without a fault.</summary>
    public IReadOnlyList<int> HighRates { get; init; } = [10, 100];

    /// <summary>Rounds in which the steps of all methods are timed by turns; 0 for none.</summary>
    public int TimedRounds { get; init; } = 100;

    /// <summary>A smaller model, fewer steps, one seed: whether all is well, and no more.</summary>
    public static SpikesExperiment Quick { get; } = new()
    {
        Steps = 240, Seeds = 1, Batch = 8, Context = 16, Width = 32, Layers = 1, Characters = 60_000, TimedRounds = 30,
    };

    public IReadOnlyList<SpikeFault> Faults => SpikeFault.All(Steps);

    private GptConfig Config => new()
    {
        VocabularySize = 1, ContextLength = Context, ChannelCount = Width, HeadCount = 2, LayerCount = Layers, TiedHead = true,
    };

    /// <summary>Makes all runs.</summary>
    public SpikesResult Run(LabSession session)
    {
        TokenDataset data = TokenDataset.FromText(BuiltInCorpus.Generate(seed: 1, Characters), "char");
        SpikeLimits limits = FindLimits(session, data);
        IReadOnlyList<SpikeMethod> methods = SpikeMethod.All(Steps, limits);
        var sweeps = new Dictionary<string, RateSweep>();
        var cells = new List<SpikeCell>();
        var high = new List<SpikeCell>();
        IReadOnlyDictionary<string, double> overhead = new Dictionary<string, double>();
        if (!session.IsCancelled)
            sweeps = Sweep(session, data, methods);
        if (!session.IsCancelled)
            cells.AddRange(Cells(session, $"Under faults, {Steps} steps each", [.. Plan(data, methods, sweeps)]));
        if (!session.IsCancelled)
            high.AddRange(Cells(session, "Rates too high throughout", [.. PlanHighRate(data, methods, sweeps)]));
        if (!session.IsCancelled && TimedRounds > 0)
            overhead = StepOverhead.Measure(session, Config, data, [.. methods.Select(method => (method.Name, OptionsOf(method, sweeps[method.Name].Best, 1)))], TimedRounds);
        return new SpikesResult(this, methods, limits, sweeps, cells, high, overhead);
    }

    /// <summary>From a healthy run of the baseline at the middle one of the rates.</summary>
    private SpikeLimits FindLimits(LabSession session, TokenDataset data)
    {
        double tensors = 1 / Math.Sqrt(GptParameters.CreateLayout(Config with { VocabularySize = data.Tokenizer.VocabularySize }).Count);
        SpikeMethod baseline = SpikeMethod.All(Steps, new SpikeLimits(1, 1)).First(method => method.Name == SpikeMethod.BaselineName);
        LabResult? healthy = session.Run("A healthy run", [ArmOf(baseline, "limits", Rates[Rates.Count / 2], 1, data)])[0];
        return healthy is null
            ? new SpikeLimits(tensors, 1)
            : new SpikeLimits(tensors, Spread.Median(healthy.Magnitudes.Zip(healthy.Norms, (largest, norm) => largest / norm)));
    }

    private TrainerOptions OptionsOf(SpikeMethod method, double rate, ulong seed) => method.Apply(new TrainerOptions
    {
        Steps = Steps,
        BatchSize = Batch,
        LearningRate = rate,
        FinalLearningRate = 0.1 * rate,
        WarmupSteps = Math.Max(1, Steps / 12),
        Seed = seed,
        EvaluateEvery = 0,
        EvaluationBatches = 8,
        CheckpointEvery = 0,
        Monitor = GradientMonitorOptions.Off,
        Diagnosis = null,
    });

    private LabArm ArmOf(SpikeMethod method, string what, double rate, ulong seed, TokenDataset data) =>
        new(FormattableString.Invariant($"{method.Name} | {what} | seed {seed}"), Config, data, OptionsOf(method, rate, seed));

    private Dictionary<string, RateSweep> Sweep(LabSession session, TokenDataset data, IReadOnlyList<SpikeMethod> methods)
    {
        LabArm[] arms = [.. methods.SelectMany(method => Rates.Select(rate => ArmOf(method, FormattableString.Invariant($"rate {rate}"), rate, 1, data)))];
        LabResult?[] results = session.Run("Learning rates", arms);
        // Of an experiment that was ended early, the methods that were through.
        return methods.Zip(results.Chunk(Rates.Count)).Where(pair => pair.Second.All(result => result is not null))
            .ToDictionary(pair => pair.First.Name, pair => new RateSweep(Rates, [.. pair.Second.Select(result => result!.FinalLoss)]));
    }

    private IEnumerable<SpikePlan> Plan(TokenDataset data, IReadOnlyList<SpikeMethod> methods, Dictionary<string, RateSweep> sweeps)
    {
        // Seed by seed, so that an experiment that was ended early can compare what it has.
        for (ulong seed = 1; seed <= (ulong)Seeds; seed++)
            foreach (SpikeFault fault in Faults)
                foreach (SpikeMethod method in methods)
                    yield return new(method, fault, seed, ArmOf(method, fault.Name, sweeps[method.Name].Best, seed, data) with { Faults = fault.PlanOf(Steps, seed) });
    }

    /// <summary>S3's claim: no spikes at ten times the learning rate, throughout the run. And at a hundred times, where ten make nobody spike.</summary>
    private IEnumerable<SpikePlan> PlanHighRate(TokenDataset data, IReadOnlyList<SpikeMethod> methods, Dictionary<string, RateSweep> sweeps)
    {
        foreach (SpikeMethod method in methods.Where(method => method.Name is SpikeMethod.NothingName or SpikeMethod.BaselineName or SpikeMethod.SoftSignName))
            foreach (int times in HighRates)
                for (ulong seed = 1; seed <= (ulong)Seeds; seed++)
                {
                    double rate = times * sweeps[method.Name].Best;
                    yield return new(method, Faults[0], seed, ArmOf(method, FormattableString.Invariant($"rate {rate} throughout"), rate, seed, data));
                }
    }

    private static IEnumerable<SpikeCell> Cells(LabSession session, string what, SpikePlan[] plans) =>
        plans.Zip(session.Run(what, [.. plans.Select(plan => plan.Arm)])).Where(pair => pair.Second is not null)
            .Select(pair => new SpikeCell(pair.First.Method, pair.First.Fault, pair.First.Seed, pair.Second!));

    private sealed record SpikePlan(SpikeMethod Method, SpikeFault Fault, ulong Seed, LabArm Arm);
}
