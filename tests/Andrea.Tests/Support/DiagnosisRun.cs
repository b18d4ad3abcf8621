using Andrea.Clipping;
using Andrea.Data;
using Andrea.Gpt;
using Andrea.Monitoring.Diagnosis;
using Andrea.Optim;
using Andrea.Training;

namespace Andrea.Tests.Support;

/// <summary>A training run that is healthy, or ill on purpose, to see what diagnosis says of it.</summary>
/// <param name="Name">For people.</param>
/// <param name="Config">The model.</param>
/// <param name="Options">How it is trained.</param>
internal sealed record DiagnosisRun(string Name, GptConfig Config, TrainerOptions Options)
{
    private const int DataCharacters = 200_000;

    /// <summary>4 blocks, 32 wide: 2 ms a step.</summary>
    public static GptConfig Small { get; } = new()
    {
        VocabularySize = 1,
        ContextLength = 32,
        ChannelCount = 32,
        HeadCount = 2,
        LayerCount = 4,
        TiedHead = true,
    };

    /// <summary>Constant rate, clip at 1, and no end to skipped steps.</summary>
    public static TrainerOptions SmallOptions { get; } = new()
    {
        Steps = 600,
        BatchSize = 8,
        LearningRate = 1e-3,
        Schedule = ScheduleKind.Constant,
        Clip = new GradClipperOptions { MaxConsecutiveSkips = 0 },
    };

    /// <summary>Measures norms, and never clips.</summary>
    public static GradClipperOptions NoClip { get; } = new() { MaxNorm = double.PositiveInfinity, MaxConsecutiveSkips = 0 };

    /// <summary>Multiplies matrices before the first step; 1 leaves the initialisation as it is.</summary>
    public double WeightScale { get; init; } = 1;

    /// <summary>Changes the fresh model.</summary>
    public Action<GptModel>? Spoil { get; init; }

    /// <summary>What it trains on; null for the built-in corpus, by characters.</summary>
    public TokenDataset? Data { get; init; }

    /// <summary>The built-in corpus, by characters.</summary>
    public static TokenDataset Corpus { get; } = TokenDataset.FromText(BuiltInCorpus.Generate(1, DataCharacters), "char");

    /// <summary>The small model at a learning rate.</summary>
    public static DiagnosisRun AtRate(double rate) => new($"learning rate {rate}", Small, SmallOptions with { LearningRate = rate });

    /// <summary>The classic experiment: one model at four rates and with bad first weights.</summary>
    public static IReadOnlyList<DiagnosisRun> Classic { get; } =
    [
        AtRate(10),
        AtRate(10) with
        {
            Name = "learning rate 10, no clip, weight decay 0.3",
            Options = SmallOptions with
            {
                LearningRate = 10,
                Optimizer = new AdamWOptions { WeightDecay = 0.3 },
                Clip = NoClip with { NonFinite = NonFinitePolicy.Propagate },
            },
        },
        AtRate(0.1),
        AtRate(0.001),
        AtRate(0.00005),
        AtRate(0.001) with { Name = "weights 50 times as large", WeightScale = 50 },
        AtRate(0.001) with { Name = "weights 200 times as small", WeightScale = 0.005 },
        AtRate(0.001) with { Name = "weights of zero", WeightScale = 0 },
    ];

    /// <summary>Runs that nobody would call ill: sizes, norms, activations, heads, batches, schedules, clips, initialisations.</summary>
    public static IReadOnlyList<DiagnosisRun> Healthy { get; } =
    [
        Short("small", Small),
        Short("small, no clip", Small) with { Options = Usual with { Clip = NoClip } },
        Short("small, no warmup", Small) with { Options = Usual with { WarmupSteps = 0 } },
        Short("small, rate 3e-3", Small) with { Options = Usual with { LearningRate = 3e-3, FinalLearningRate = 3e-4 } },
        Short("small, rate 3e-4", Small) with { Options = Usual with { LearningRate = 3e-4, FinalLearningRate = 3e-5 } },
        Short("small, constant rate, no clip", Small) with { Options = Usual with { Schedule = ScheduleKind.Constant, Clip = NoClip } },
        Short("small, batch 2", Small) with { Options = Usual with { BatchSize = 2 } },
        Short("small, batch 32", Small) with { Options = Usual with { BatchSize = 32 } },
        Short("small, RMSNorm", Small with { Norm = NormKind.RmsNorm }),
        Short("small, ReLU", Small with { Activation = ActivationKind.Relu }),
        Short("small, biases", Small with { Biases = true }),
        Short("small, head of its own", Small with { TiedHead = false }),
        Short("small, RMSNorm, ReLU, own head, no clip", Small with { Norm = NormKind.RmsNorm, Activation = ActivationKind.Relu, TiedHead = false })
            with { Options = Usual with { Clip = NoClip } },
        Short("small, Andrea's initialisation, own head", Small with { TiedHead = false })
            with { Options = Usual with { Initialization = InitializationKind.Andrea } },
        Short("small, He", Small with { TiedHead = false }) with { Options = Usual with { Initialization = InitializationKind.He } },
        Short("12 blocks", Small with { LayerCount = 12 }) with { Options = Usual with { Steps = 1000 } },
        Short("12 blocks, Andrea's initialisation, own head", Small with { LayerCount = 12, TiedHead = false })
            with { Options = Usual with { Steps = 1000, Initialization = InitializationKind.Andrea } },
        new("preset tiny", Preset.Tiny.Config, Preset.Tiny.Options),
        // From here on none was looked at while thresholds were chosen.
        Short("64 wide, a text of 2,500 characters, rate 3e-3", Small with { ChannelCount = 64 })
            with { Data = Read("char", 2500), Options = Usual with { Steps = 3000, LearningRate = 3e-3, FinalLearningRate = 3e-4 } },
        Short("small, a text of 2,500 characters, constant rate 3e-3, no clip", Small)
            with { Data = Read("char", 2500), Options = Usual with { Steps = 3000, LearningRate = 3e-3, Schedule = ScheduleKind.Constant, Clip = NoClip } },
        Short("small, bytes", Small) with { Data = Read("byte", 100_000) },
        Short("small, notes", Small) with { Data = TokenDataset.FromText(BuiltInCorpus.Generate(CorpusKind.Notes, 3, 100_000), "char") },
        Short("small, shuffled epochs, decay 0.1, beta2 0.95", Small)
            with { Options = Usual with { BatchOrder = BatchOrder.ShuffledEpochs, Optimizer = new AdamWOptions { Beta2 = 0.95, WeightDecay = 0.1 } } },
        Short("small, warmup-stable-decay to 0", Small)
            with { Options = Usual with { Schedule = ScheduleKind.WarmupStableDecay, DecaySteps = 400, FinalLearningRate = 0 } },
        Short("small, linear to 0", Small) with { Options = Usual with { Schedule = ScheduleKind.Linear, FinalLearningRate = 0 } },
        Short("small, 1,000 steps of warmup", Small) with { Options = Usual with { WarmupSteps = 1000 } },
        Short("small, clip at 5, truncated normal", Small)
            with { Options = Usual with { Initialization = InitializationKind.TruncatedNormal, Clip = new GradClipperOptions { MaxNorm = 5 } } },
        Short("small, clip at 0.5", Small) with { Options = Usual with { Clip = new GradClipperOptions { MaxNorm = 0.5 } } },
        Short("1 block", Small with { LayerCount = 1 }),
        Short("16 wide", Small with { ChannelCount = 16 }),
        Short("8 blocks of 64, rate 2e-3", Small with { LayerCount = 8, ChannelCount = 64, HeadCount = 4 })
            with { Options = Usual with { Steps = 1000, LearningRate = 2e-3 } },
        Short("24 blocks, RMSNorm", Small with { LayerCount = 24, Norm = NormKind.RmsNorm }) with { Options = Usual with { Steps = 600 } },
        Short("24 blocks, Xavier, own head", Small with { LayerCount = 24, TiedHead = false })
            with { Options = Usual with { Steps = 600, Initialization = InitializationKind.Xavier } },
    ];

    /// <summary>Runs as large as one has patience for: preset chars.</summary>
    public static IReadOnlyList<DiagnosisRun> HealthyLarge { get; } = [new("preset chars", Preset.Chars.Config, Preset.Chars.Options)];

    private static TrainerOptions Usual => SmallOptions with
    {
        Steps = 2000,
        Schedule = ScheduleKind.Cosine,
        FinalLearningRate = 1e-4,
        WarmupSteps = 50,
    };

    /// <summary>Prepares the run.</summary>
    /// <param name="updatesEvery">Steps between those whose updates are measured.</param>
    public MeasuredTraining Begin(int updatesEvery = 1)
    {
        var training = new MeasuredTraining(Config, Data ?? Corpus, Options, updatesEvery);
        if (WeightScale != 1)
            Scale(training.Model, WeightScale);
        Spoil?.Invoke(training.Model);
        return training;
    }

    /// <summary>A diagnosis that knows what there is to know of the run.</summary>
    public GradientDiagnosis CreateDiagnosis() =>
        new() { VocabularySize = (Data ?? Corpus).Tokenizer.VocabularySize, MaxNorm = Options.Clip.MaxNorm };

    /// <summary>Trains, and gives what the diagnosis found.</summary>
    /// <param name="stop">Ends the run after a step when true.</param>
    public GradientDiagnosis Diagnose(Func<GradientDiagnosis, bool>? stop = null)
    {
        GradientDiagnosis diagnosis = CreateDiagnosis();
        using MeasuredTraining training = Begin();
        training.Run(diagnosis, _ => stop?.Invoke(diagnosis) != true);
        diagnosis.Dispose();
        return diagnosis;
    }

    private static TokenDataset Read(string tokenizer, int characters) => TokenDataset.FromText(BuiltInCorpus.Generate(3, characters), tokenizer);

    private static DiagnosisRun Short(string name, GptConfig config) => new(name, config, Usual);

    private static void Scale(GptModel model, double factor)
    {
        for (int i = 0; i < model.Parameters.Count; i++)
            if (model.Parameters.ShapeOf(i).Rank >= 2)
                model.Parameters[i].CopyFrom([.. model.Parameters[i].ToArray().Select(value => (float)(factor * value))]);
    }
}
