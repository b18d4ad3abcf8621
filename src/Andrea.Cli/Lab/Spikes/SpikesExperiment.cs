using Andrea.Cli.Lab.Runs;
using Andrea.Clipping;
using Andrea.Data;
using Andrea.Gpt;
using Andrea.Monitoring;
using Andrea.Optim;
using Andrea.Training;

namespace Andrea.Cli.Lab.Spikes;

/// <summary>Every protection against loss spikes under every fault: a small model on characters of the built-in text, trained for a few
/// hundred steps, in the middle of which something goes wrong.</summary>
/// <remarks>All methods see the same batches, initial values and faults for a seed. Each family of optimizers trains at the rate that did best
/// in a sweep without faults.</remarks>
internal sealed record SpikesExperiment
{
    public int Steps { get; init; } = 600;

    public int Seeds { get; init; } = 3;

    public int Batch { get; init; } = 16;

    public int Context { get; init; } = 32;

    public int Width { get; init; } = 64;

    public int Layers { get; init; } = 2;

    public int Characters { get; init; } = 400_000;

    public IReadOnlyList<double> Rates { get; init; } = [3e-4, 1e-3, 3e-3, 1e-2];

    /// <summary>Rounds in which the steps of all methods are timed by turns; 0 for none.</summary>
    public int TimedRounds { get; init; } = 100;

    /// <summary>A smaller model, fewer steps, one seed: whether all is well, and no more.</summary>
    public static SpikesExperiment Quick { get; } = new()
    {
        Steps = 240, Seeds = 1, Batch = 8, Context = 16, Width = 32, Layers = 1, Characters = 60_000, TimedRounds = 30,
    };

    public IReadOnlyList<SpikeMethod> Methods => SpikeMethod.All(Steps);

    public IReadOnlyList<SpikeFault> Faults => SpikeFault.All(Steps);

    private GptConfig Config => new()
    {
        VocabularySize = 1, ContextLength = Context, ChannelCount = Width, HeadCount = 2, LayerCount = Layers, TiedHead = true,
    };

    /// <summary>Makes all runs.</summary>
    public SpikesResult Run(LabSession session)
    {
        TokenDataset data = TokenDataset.FromText(BuiltInCorpus.Generate(seed: 1, Characters), "char");
        SpikeMethod[] methods = [.. Methods];
        Dictionary<RateFamily, RateSweep> sweeps = Sweep(session, data, methods);
        var cells = new List<SpikeCell>();
        var high = new List<SpikeCell>();
        if (!session.IsCancelled)
        {
            List<(SpikeMethod Method, SpikeFault Fault, ulong Seed, LabArm Arm)> planned = [.. Plan(data, methods, sweeps)];
            LabResult?[] results = session.Run($"{planned.Count} runs of {Steps} steps", [.. planned.Select(plan => plan.Arm)]);
            cells.AddRange(Cells(planned, results));
            List<(SpikeMethod Method, SpikeFault Fault, ulong Seed, LabArm Arm)> highPlanned = [.. PlanHighRate(data, methods, sweeps)];
            high.AddRange(Cells(highPlanned, session.Run("10 times the rate throughout", [.. highPlanned.Select(plan => plan.Arm)])));
        }
        IReadOnlyDictionary<string, double> overhead = TimedRounds > 0 && !session.IsCancelled
            ? StepOverhead.Measure(session, Config, data, [.. methods.Select(method => (method.Name, OptionsOf(method, sweeps[method.Family].Best, 1)))], TimedRounds)
            : new Dictionary<string, double>();
        return new SpikesResult(this, sweeps, cells, high, overhead);
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

    private Dictionary<RateFamily, RateSweep> Sweep(LabSession session, TokenDataset data, SpikeMethod[] methods)
    {
        RateFamily[] families = Enum.GetValues<RateFamily>();
        // The clip policies share AdamW's rate, which is the baseline's.
        SpikeMethod Of(RateFamily family) => methods.First(method => method.Family == family && method.Name != SpikeMethod.NothingName);
        LabArm[] arms = [.. families.SelectMany(family => Rates.Select(rate => ArmOf(Of(family), FormattableString.Invariant($"rate {rate}"), rate, 1, data)))];
        LabResult?[] results = session.Run("Learning rates", arms);
        return families.Select((family, i) => new RateSweep(family, Rates, [.. Rates.Select((_, j) => results[i * Rates.Count + j]?.FinalLoss ?? double.NaN)]))
            .ToDictionary(sweep => sweep.Family);
    }

    private IEnumerable<(SpikeMethod Method, SpikeFault Fault, ulong Seed, LabArm Arm)> Plan(
        TokenDataset data, SpikeMethod[] methods, Dictionary<RateFamily, RateSweep> sweeps)
    {
        // Seed by seed, so that an experiment that was ended early can compare what it has.
        for (ulong seed = 1; seed <= (ulong)Seeds; seed++)
            foreach (SpikeFault fault in Faults)
                foreach (SpikeMethod method in methods)
                    yield return (method, fault, seed, ArmOf(method, fault.Name, sweeps[method.Family].Best, seed, data) with { Faults = fault.PlanOf(seed) });
    }

    /// <summary>S3's claim: no spikes at ten times the learning rate, throughout the run.</summary>
    private IEnumerable<(SpikeMethod Method, SpikeFault Fault, ulong Seed, LabArm Arm)> PlanHighRate(
        TokenDataset data, SpikeMethod[] methods, Dictionary<RateFamily, RateSweep> sweeps)
    {
        var fault = new SpikeFault("10x rate throughout", "", []);
        foreach (SpikeMethod method in methods.Where(method => method.Name is SpikeMethod.NothingName or SpikeMethod.BaselineName or SpikeMethod.SoftSignName))
            for (ulong seed = 1; seed <= (ulong)Seeds; seed++)
                yield return (method, fault, seed, ArmOf(method, fault.Name, 10 * sweeps[method.Family].Best, seed, data));
    }

    private static IEnumerable<SpikeCell> Cells(
        IEnumerable<(SpikeMethod Method, SpikeFault Fault, ulong Seed, LabArm Arm)> planned, LabResult?[] results) =>
        planned.Zip(results).Where(pair => pair.Second is not null)
            .Select(pair => new SpikeCell(pair.First.Method, pair.First.Fault, pair.First.Seed, pair.Second!));
}
