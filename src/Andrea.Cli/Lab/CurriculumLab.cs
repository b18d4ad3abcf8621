using System.Text;
using Andrea.Curriculum;
using Andrea.Data;
using Andrea.Gpt;
using Andrea.Monitoring;
using Andrea.Numerics;
using Andrea.Training;

namespace Andrea.Cli.Lab;

/// <summary>A way to choose between sources.</summary>
internal sealed record CurriculumArm(string Name, CurriculumOptions? Curriculum);

/// <summary>What a run drew and learned; by source: what teaches, noise, what repeats.</summary>
/// <param name="Shares">Share of the steps that drew from each.</param>
/// <param name="Losses">Held-out loss of each at the end, in nats per character.</param>
internal sealed record CurriculumResult(double[] Shares, double[] Losses);

/// <summary>Trains a small model on three sources of equal length: the built-in stories, from which there is much to learn; random characters, of
/// which nothing can be learned once their frequencies are known, but whose losses scatter widely; and one sentence again and again,
/// which is soon known by heart.</summary>
internal sealed record CurriculumLab
{
    private const int Batch = 16, EvaluationBatches = 20, Context = 32;

    private static readonly string[] Names = ["teaches", "noise", "repeats"];

    public int Steps { get; init; } = 2000;

    public int Seeds { get; init; } = 3;

    /// <summary>Of each source.</summary>
    public int Characters { get; init; } = 400_000;

    public int Width { get; init; } = 64;

    public int Layers { get; init; } = 2;

    /// <summary>A smaller model, fewer steps, one seed: whether all is well, and no more.</summary>
    public static CurriculumLab Quick { get; } = new() { Steps = 100, Seeds = 1, Characters = 40_000, Width = 32, Layers = 1 };

    /// <summary>By share, and by the bandit with each reward.</summary>
    public static IReadOnlyList<CurriculumArm> Arms { get; } =
    [
        new("by share", null),
        new("bandit, loss drop", new CurriculumOptions { Reward = CurriculumReward.LossDrop }),
        new("bandit, progress", new CurriculumOptions { Reward = CurriculumReward.LearningProgress }),
    ];

    /// <summary>Makes one run.</summary>
    public CurriculumResult Run(Device device, CurriculumArm arm, ulong seed)
    {
        TokenDataset data = CreateData(seed);
        var options = new TrainerOptions
        {
            Steps = Steps,
            BatchSize = Batch,
            LearningRate = 3e-3,
            FinalLearningRate = 3e-4,
            WarmupSteps = Math.Min(50, Steps / 10),
            Seed = seed,
            EvaluationBatches = 0,
            CheckpointEvery = 0,
            Curriculum = arm.Curriculum,
            Monitor = GradientMonitorOptions.Off,
            Diagnosis = null,
        };
        var config = new GptConfig
        {
            VocabularySize = 1, ContextLength = Context, ChannelCount = Width, HeadCount = Math.Max(1, Width / 32), LayerCount = Layers, TiedHead = true,
        };
        using var trainer = new Trainer(device, config, data, options);
        var counts = new Counts();
        trainer.Observe(counts);
        for (int step = 0; step < Steps; step++)
            trainer.TrainStep();
        return new CurriculumResult(
            [.. Names.Select(name => (double)counts.Of.GetValueOrDefault(name) / counts.Of.Values.Sum())],
            [.. data.Sources.Select(source => Measure(trainer.Model, source))]);
    }

    private TokenDataset CreateData(ulong seed)
    {
        string stories = BuiltInCorpus.Generate(CorpusKind.Stories, seed, Characters);
        string repeats = string.Concat(Enumerable.Repeat("the sun is up and the day is new. ", Characters / 34 + 1))[..Characters];
        NamedText[] sources =
        [
            new(Names[0], TextSource.FromText(stories)),
            new(Names[1], TextSource.FromText(Noise(seed))),
            new(Names[2], TextSource.FromText(repeats)),
        ];
        return TokenDataset.Create(sources, Tokenizer.Create("char", TextSource.Join(sources.Select(source => source.Text))));
    }

    /// <summary>Stretches of random letters, in each of which only some letters occur, so that a batch is now easier, now harder, by chance alone.</summary>
    private string Noise(ulong seed)
    {
        const int Letters = 26;
        var random = new Philox(seed, 0x6E6F6973);
        var text = new StringBuilder(Characters);
        while (text.Length < Characters)
        {
            int letters = 1 + random.NextInt32(Letters), first = random.NextInt32(Letters);
            int length = Math.Min(64 + random.NextInt32(1024), Characters - text.Length);
            for (int i = 0; i < length; i++)
                text.Append((char)('a' + (first + random.NextInt32(letters)) % Letters));
        }
        return text.ToString();
    }

    private static double Measure(GptModel model, DataSource source)
    {
        var batches = new EvaluationBatches(source.Validation, Batch, Context, EvaluationBatches);
        using var pass = new GptPass(model, Batch, Context);
        int[] inputs = new int[Batch * Context], targets = new int[inputs.Length];
        pass.ResetLoss();
        for (int i = 0; i < batches.Count; i++)
        {
            batches.Fill(i, inputs, targets);
            pass.Evaluate(inputs, targets, 1.0 / batches.Count);
        }
        return pass.ReadLoss();
    }

    private sealed class Counts : IStepObserver
    {
        public Dictionary<string, int> Of { get; } = [];

        public void OnStep(in StepRecord record) => Of[record.Source!] = Of.GetValueOrDefault(record.Source!) + 1;
    }
}
