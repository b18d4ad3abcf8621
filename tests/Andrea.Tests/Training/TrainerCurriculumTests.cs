using System.Text.Json;
using Andrea.Curriculum;
using Andrea.Data;
using Andrea.Monitoring;
using Andrea.Tests.Cpu;
using Andrea.Tests.Support;
using Andrea.Training;
using Andrea.Training.Checkpoints;

namespace Andrea.Tests.Training;

/// <summary>Training on several sources: what is drawn, and that a resumed run draws the same.</summary>
public sealed class TrainerCurriculumTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CurriculumOptions Bandit { get; } = new() { PhaseSteps = [3, 5], ProgressWindow = 8, Reward = CurriculumReward.LossDrop };

    private static TokenDataset Data { get; } = Create("fox", "lines", "digits");

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, int> Stops()
    {
        var stops = new TheoryData<string, int>();
        foreach (string kind in (string[])["share", "drop", "progress"])
            foreach (int stop in (int[])[1, 2, 7, 12, 20])
                stops.Add(kind, stop);
        return stops;
    }

    [Theory, MemberData(nameof(Stops))]
    public async Task Resume_AtAnyPlaceOfAPhase_GivesTheBitsOfAStraightRun(string kind, int stop)
    {
        using Device device = Device.Cpu(1);
        TrainerOptions options = OptionsOf(kind);
        RecordLog straightLog = new(), log = new();
        using Trainer straight = new(device, SmallRun.Config, Data, options);
        straight.Observe(straightLog);
        await straight.RunAsync();
        using (Trainer stopped = new(device, SmallRun.Config, Data, options with { RunFolder = _folder["run"] }))
        {
            stopped.Observe(log);
            for (int step = 0; step < stop; step++)
                stopped.TrainStep();
            stopped.WriteCheckpoint();
        }
        using Trainer resumed = Trainer.Resume(device, _folder["run"], _ => Data);
        resumed.Observe(log);
        await resumed.RunAsync();
        Assert.Equal(straightLog.Steps.Select(Drawn), log.Steps.Select(Drawn));
        Assert.Equal(straight.Bits(), resumed.Bits());
        Assert.Equal(3, log.Steps.Select(step => step.Source).Distinct().Count());
    }

    [Theory, InlineData("drop"), InlineData("progress")]
    public void Restore_AtAnyTurn_KnowsAllThatWasKnown(string kind)
    {
        // Long enough that arms have rewards, averages and full windows, and that the penalty is at work.
        List<BatchStream> streams = [Stream(kind)];
        for (int turn = 1; turn <= 200; turn++)
        {
            BatchDraw[] draws = [.. streams.Select(stream => stream.Next())];
            Assert.Single(draws.Distinct());
            foreach (BatchStream stream in streams)
                stream.Report(turn % 50 == 3 ? double.NaN : 3 - 0.01 * turn + 0.3 * Math.Sin(turn) + draws[0].Source);
            string saved = Json(streams[0]);
            Assert.All(streams, stream => Assert.Equal(saved, Json(stream)));
            if (turn % 17 != 1)
                continue;
            BatchStream resumed = Stream(kind);
            resumed.Restore(JsonSerializer.Deserialize(saved, CheckpointJson.Default.DataProgress)!);
            Assert.Equal(saved, Json(resumed));
            streams.Add(resumed);
        }
        ArmState[] arms = streams[0].Save().Sources!.Curriculum.Arms;
        Assert.Contains(arms, arm => arm.LastReward > 0);
        Assert.All(arms, arm => Assert.Equal((8, kind == "progress" ? 8 : 0), (arm.Losses.Length, arm.Records.Length)));

        static string Json(BatchStream stream) => JsonSerializer.Serialize(stream.Save(), CheckpointJson.Default.DataProgress);
    }

    [Fact]
    public void Weights_SourceReadManyTimes_FallWithItsEpochs()
    {
        // Floors of 1, so that all weights are 1 but for the penalty.
        CurriculumOptions options = new() { PhaseSteps = [1], EpochLimit = 4, Sources = [new("small", Floor: 1), new("large", Floor: 1)] };
        TokenDataset data = Create(("small", new string('a', 1000)), ("large", new string('b', 100_000)));
        var stream = new BatchStream(data, SmallRun.Options with { Curriculum = options }, 16, capacity: 2);
        double least = 1;
        for (int turn = 1; turn <= 300; turn++)
        {
            double epochs = (stream.Save().Sources!.Drawn[0] * 16.0) / data.Sources[0].Training.Length;
            stream.Next();
            stream.Report(1);
            double[] weights = stream.Save().Sources!.Curriculum.Weights;
            Assert.Equal([epochs > 4 ? 4 / epochs : 1, 1], weights);
            least = Math.Min(least, weights[0]);
        }
        Assert.InRange(least, 0.1, 0.8);
    }

    [Fact]
    public void Choices_DoNotKnowTheLossOfTheStepBefore()
    {
        // Two streams that differ in the loss of turn 4 alone: turn 5 must be the same, the state after turn 6 must not.
        BatchStream one = Stream(), other = Stream();
        for (int turn = 1; turn <= 6; turn++)
        {
            Assert.Equal(one.Next(), other.Next());
            one.Report(2);
            other.Report(turn == 4 ? 1 : 2);
            double?[] averages = [.. Averages(one)], others = [.. Averages(other)];
            if (turn < 6)
                Assert.Equal(averages, others);
            else
                Assert.NotEqual(averages, others);
        }
    }

    [Fact]
    public void Choices_LossesThatComeAStepLate_AreTheSame()
    {
        BatchStream prompt = Stream(), late = Stream();
        for (int turn = 1; turn <= 100; turn++)
        {
            Assert.Equal(prompt.Next(), late.Next());
            prompt.Report(Loss(turn));
            if (turn > 1)
                late.Report(Loss(turn - 1));
        }

        static double Loss(int turn) => 2 + Math.Sin(turn);
    }

    [Fact]
    public void Next_LossNotYetReported_IsAMistakeNotAGuess()
    {
        BatchStream stream = new(Data, OptionsOf("drop"), 16, capacity: 3);
        stream.Next();
        stream.Next();
        Assert.Throws<InvalidOperationException>(() => stream.Next());
    }

    [Fact]
    public async Task Share_DrawsEachSourceByItsLengthAndFromItsOwnText()
    {
        using Device device = Device.Cpu(1);
        TokenDataset data = Create(("small", new string('a', 1000)), ("large", new string('b', 3000)));
        using Trainer trainer = new(device, SmallRun.Config, data, SmallRun.Options with { Steps = 400, BatchSize = 1 });
        var log = new RecordLog();
        trainer.Observe(log);
        await trainer.RunAsync();
        Assert.InRange(log.Steps.Count(step => step.Source == "large"), 270, 330);
        BatchStream stream = new(data, SmallRun.Options, 16, capacity: 2);
        int[] inputs = new int[64], targets = new int[64];
        for (int turn = 0; turn < 20; turn++)
        {
            BatchDraw draw = stream.Next();
            stream.Report(1);
            stream.Fill(draw, 0, inputs, targets);
            Assert.All(inputs.Concat(targets), token => Assert.Equal(data.Tokenizer.Encode(draw.Source == 0 ? "a" : "b")[0], token));
        }
    }

    [Fact]
    public void TrainStep_WithABandit_AllocatesNothing()
    {
        using Device device = Device.Cpu(1);
        TrainerOptions options = OptionsOf("progress") with { Steps = 10_000, Curriculum = Bandit with { PhaseSteps = [5000], Reward = CurriculumReward.LearningProgress } };
        using Trainer trainer = new(device, SmallRun.Config, Data, options);
        for (int step = 0; step < 60; step++)
            trainer.TrainStep();
        Allocations.AssertNone(() =>
        {
            for (int step = 0; step < 5; step++)
                trainer.TrainStep();
        });
    }

    [Fact]
    public async Task Metrics_TellTheSourceOfEachStepAndThePhases()
    {
        using Device device = Device.Cpu(1);
        using (Trainer trainer = new(device, SmallRun.Config, Data, OptionsOf("drop") with { RunFolder = _folder["run"] }))
            await trainer.RunAsync();
        JsonElement[] lines = [.. File.ReadLines(_folder["run/metrics.jsonl"]).Select(line => JsonElement.Parse(line))];
        Assert.Equal(24, lines.Count(line => line.TryGetProperty("source", out _)));
        JsonElement[] phases = [.. lines.Where(line => line.TryGetProperty("phase", out _))];
        Assert.Equal(1, phases[0].GetProperty("step").GetInt32());
        for (int i = 1; i < phases.Length; i++)
            Assert.Equal(phases[i - 1].GetProperty("step").GetInt32() + phases[i - 1].GetProperty("phase").GetInt32(), phases[i].GetProperty("step").GetInt32());
        Assert.Equal(1, phases[0].GetProperty("shares").EnumerateObject().Sum(share => share.Value.GetDouble()), 1e-12);
        Assert.Equal(24, Andrea.Reporting.RunData.Read(_folder["run"]).Steps.Step.Count);
        Assert.Equal(Bandit.Exploration, RunDescription.TryRead(_folder["run"])!.Options.Curriculum!.Exploration);
    }

    private static TrainerOptions OptionsOf(string kind) => SmallRun.Options with
    {
        Steps = 24,
        Curriculum = kind switch
        {
            "drop" => Bandit,
            "progress" => Bandit with { Reward = CurriculumReward.LearningProgress },
            _ => null,
        },
    };

    private static TokenDataset Create(params string[] names) => Create([.. names.Select((name, i) => (name, TextOf(i)))]);

    private static TokenDataset Create(params (string Name, string Text)[] texts)
    {
        NamedText[] sources = [.. texts.Select(text => new NamedText(text.Name, TextSource.FromText(text.Text)))];
        return TokenDataset.Create(sources, Tokenizer.Create("char", TextSource.Join(sources.Select(source => source.Text))));
    }

    private static string TextOf(int number) => string.Concat(Enumerable.Repeat(number switch
    {
        0 => "the quick brown fox jumps over the lazy dog. ",
        1 => "- one\n- two\n- three\n",
        _ => "3141592653589793",
    }, 30));

    private static (long, string?, double) Drawn(StepRecord step) => (step.Step, step.Source, step.Loss);

    private static BatchStream Stream(string kind = "drop") => new(Data, OptionsOf(kind), 16, capacity: 2);

    private static IEnumerable<double?> Averages(BatchStream stream) => stream.Save().Sources!.Curriculum.Arms.Select(arm => arm.Average);
}
