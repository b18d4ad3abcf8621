using Andrea.Cli.Lab.Runs;
using Andrea.Cli.Lab.Spikes;
using Andrea.Clipping;
using Andrea.Clipping.Policies;
using Andrea.Data;
using Andrea.Gpt;
using Andrea.Monitoring;
using Andrea.Optim;
using Andrea.Training;
using Andrea.Training.Faults;

namespace Andrea.Tests.Cli.Lab;

public class SpikesExperimentTests
{
    private static readonly SpikesExperiment Tiny = new()
    {
        Steps = 96, Seeds = 1, Batch = 4, Context = 12, Width = 16, Layers = 1, Characters = 20_000, Rates = [1e-2], TimedRounds = 0,
    };

    private static readonly LabArm Nobody = new(
        "nobody", new GptConfig { VocabularySize = 1, ContextLength = 1, ChannelCount = 1, HeadCount = 1, LayerCount = 1 }, TokenDataset.FromText("abcdefghij", "char"), new TrainerOptions());

    [Fact]
    public void Experiment_MadeTwice_GivesTheSameTableOfAllMethodsAndFaults()
    {
        var session = new LabSession(CliRun.Nowhere());
        SpikesResult first = Tiny.Run(session), second = Tiny.Run(session);
        string table = SpikesTable.Of(first);
        Assert.Equal(table, SpikesTable.Of(second));
        foreach ((LabResult one, LabResult other) in first.Cells.Zip(second.Cells, (one, other) => (one.Result, other.Result)))
            Assert.Equal(one.Losses.Concat(one.Norms), other.Losses.Concat(other.Norms));
        string[] rows = [.. table.Split('\n').Where(line => line.StartsWith('|')).Select(line => string.Join('|', line.Split('|').Select(cell => cell.Trim())))];
        Assert.True(first.Methods.Count >= 12);
        foreach (SpikeMethod method in first.Methods)
        {
            // Once where the rate is chosen, once in the summary.
            Assert.Equal(2, rows.Count(row => row.StartsWith($"|{method.Name}|", StringComparison.Ordinal) && row.Count(letter => letter == '|') is 4 or 15));
            foreach (SpikeFault fault in Tiny.Faults.Skip(1))
                Assert.Single(rows, row => row.StartsWith($"|{fault.Name}|{method.Name}|", StringComparison.Ordinal));
        }
        // What has no protection at all loses to what the others were made for.
        Assert.True(double.IsPositiveInfinity(first.MedianExcess(SpikeMethod.NothingName, "NaN gradient")));
        double bare = first.MedianExcess(SpikeMethod.NothingName, "outlier batch"), clipped = first.MedianExcess(SpikeMethod.BaselineName, "outlier batch");
        Assert.True(bare > clipped + 0.01, $"nothing {bare}, global clip {clipped}");
        Assert.True(new SpikesAdvice(first).Mean(SpikeMethod.NothingName) > new SpikesAdvice(first).Mean(SpikeMethod.BaselineName));
        Assert.False(new SpikesAdvice(first).Holds(SpikeMethod.NothingName, "NaN gradient"));
        // Rates are what they are called, and every arm is another run than the baseline's.
        Assert.Equal([0.1, 1.0], first.HighRate.Where(cell => cell.Method.Name == SpikeMethod.SoftSignName).Select(cell => cell.Result.Arm.Options.LearningRate));
        Assert.All(first.Cells, cell => Assert.Equal(0.01, cell.Result.Arm.Options.LearningRate));
        double[] baseline = first.Of(SpikeMethod.BaselineName, "spoiled weights").Single().Result.Losses.ToArray();
        Assert.All(first.Methods.Where(method => method.Name != SpikeMethod.BaselineName), method =>
            Assert.NotEqual(baseline, first.Of(method.Name, "spoiled weights").Single().Result.Losses));
    }

    /// <summary>A row of the table is what its name says.</summary>
    [Fact]
    public void Methods_ByName_HaveTheOptionsOfTheirName()
    {
        Dictionary<string, TrainerOptions> methods = SpikeMethod.All(1200, new SpikeLimits(0.2, 0.3)).ToDictionary(method => method.Name, method => method.Apply(new TrainerOptions()));
        Assert.Equal(14, methods.Count);
        Assert.Equal(["nothing"], methods.Where(pair => pair.Value.Clip.NonFinite != NonFinitePolicy.SkipStep).Select(pair => pair.Key));
        Assert.Equal(
            ["nothing", "NaN skipped", "SPAM", "Stable-SPAM", "StableAdamW", "S3"], methods.Where(pair => double.IsPositiveInfinity(pair.Value.Clip.MaxNorm)).Select(pair => pair.Key));
        Assert.Equal(
            [new PerTensorPolicy(), new ValuePolicy { Limit = 0.3 }, new AgcPolicy(), new ZClipPolicy(), new AdaGcPolicy()],
            new[] { "per-tensor clip", "value clip", "AGC", "ZClip", "AdaGC" }.Select(name => methods[name].Clip.Policy));
        Assert.Equal((0.2, 1.0), (methods["per-tensor clip"].Clip.MaxNorm, methods["global clip"].Clip.MaxNorm));
        Assert.All(methods.Where(pair => pair.Key is "global clip" or "global clip, guard" or "global clip, zero-sum"), pair => Assert.Equal(new GlobalNormPolicy(), pair.Value.Clip.Policy));
        Assert.Equal(
            [typeof(SpamStabilizer), typeof(StableSpamStabilizer), typeof(UpdateRmsStabilizer)],
            new[] { "SPAM", "Stable-SPAM", "StableAdamW" }.Select(name => ((AdamWOptions)methods[name].Optimizer).Stabilizer!.GetType()));
        Assert.IsType<SoftSignOptions>(methods["S3"].Optimizer);
        Assert.Equal(["global clip, guard"], methods.Where(pair => pair.Value.SpikeGuard is not null).Select(pair => pair.Key));
        Assert.Equal(["global clip, zero-sum"], methods.Where(pair => pair.Value.ZeroSumGradient).Select(pair => pair.Key));
    }

    [Fact]
    public void Faults_OfAFullRun_AreAsStrongAsTheySay_AndApartFromSpamsResets()
    {
        Fault[] Of(string name) => [.. new SpikesExperiment().Faults.Single(fault => fault.Name == name).From(101)];
        Assert.Empty(Of("healthy"));
        Assert.Equal([new Fault(FaultKind.OutlierBatch, 101, 101), new Fault(FaultKind.GradientScale, 101, 101, 30)], Of("outlier batch"));
        Assert.Equal([new Fault(FaultKind.LabelNoise, 101, 110)], Of("label noise"));
        Assert.Equal([new Fault(FaultKind.SourceSwitch, 101, 130)], Of("source switch"));
        Assert.Equal([new Fault(FaultKind.NaNGradient, 101, 103)], Of("NaN gradient"));
        Assert.Equal([new Fault(FaultKind.LearningRate, 101, 130, 10)], Of("10x rate"));
        Assert.Equal([new Fault(FaultKind.GradientScale, 101, 300, 0), new Fault(FaultKind.GradientScale, 301, 303, 30)], Of("stale v"));
        Assert.Equal([new Fault(FaultKind.ParameterScale, 101, 101, 3)], Of("spoiled weights"));
        Assert.Equal([685L, 769L, 853L, 937L, 685L], Enumerable.Range(1, 5).Select(seed => SpikeFault.FirstOf(1200, (ulong)seed)));
        var spam = (SpamStabilizer)((AdamWOptions)SpikeMethod.All(1200, default).Single(method => method.Name == "SPAM").Apply(new TrainerOptions()).Optimizer).Stabilizer!;
        // Where in its period: at the end of the warmup, in the middle, near the end.
        Assert.Equal([84L, 168L, 252L], new[] { 685L, 769L, 853L }.Select(step => (step - 1) % spam.ResetEvery));
        Assert.Equal(92, spam.WarmupSteps);
    }

    [Fact]
    public void Experiment_EndedBeforeItBegan_RecommendsNothing()
    {
        SpikesResult result = Tiny.Run(new LabSession(CliRun.Nowhere(), new CancellationToken(canceled: true)));
        Assert.Empty(result.Cells);
        Assert.Contains("nothing is recommended", SpikesTable.Of(result), StringComparison.Ordinal);
    }

    [Fact]
    public void Overhead_MeasuredByTurns_HasARatioForEachMethodAndOneForTheBaseline()
    {
        SpikesExperiment experiment = Tiny with { Rates = [1e-2], TimedRounds = 3, Steps = 48, Context = 4, Width = 8 };
        IReadOnlyDictionary<string, double> overhead = experiment.Run(new LabSession(CliRun.Nowhere())).Overhead;
        Assert.Equal(1, overhead[SpikeMethod.BaselineName]);
        Assert.All(overhead.Values, ratio => Assert.True(ratio > 0));
        Assert.Equal(SpikeMethod.All(48, default).Select(method => method.Name), overhead.Keys);
    }

    [Fact]
    public void Score_OfALossThatRisesAndComesBack_CountsSpikesAndLostSteps()
    {
        // Level 2, fault in steps 61 to 63, high until step 70, back from 71 on; step 66 is skipped.
        LabResult result = Result(100, step => step is > 60 and <= 70 ? 5 : step % 2 == 0 ? 2 : 2.01, skipped: 66);
        SpikeScore score = SpikeScore.Of(result, first: 61, last: 63);
        // The losses of 64 to 70; of 10 losses in a row, half are low from step 66 on.
        Assert.Equal(7, score.Spikes);
        Assert.True(score.IsBack);
        Assert.InRange(score.LostSteps, 1 + 2, 1 + 7);
        SpikeScore worse = SpikeScore.Of(Result(100, step => step > 60 ? double.NaN : 2, skipped: 0), first: 61, last: 63);
        Assert.Equal((37, 37L, false), (worse.Spikes, worse.LostSteps, worse.IsBack));
        Assert.Equal(1, SpikeScore.CountOf([.. Enumerable.Range(0, 100).Select(step => step == 70 ? 3 : 2.0)]));
    }

    [Fact]
    public void Advice_OfPlantedLosses_ChoosesWhatHoldsAgainstMost()
    {
        // Everything loses to every fault but ZClip, which S3 beats where nothing goes wrong.
        var advice = new SpikesAdvice(Planted((method, fault) => (method, fault) switch
        {
            ("S3", SpikeFault.HealthyName) => 1.5,
            (_, SpikeFault.HealthyName) => 2,
            ("ZClip", not "stale v") => 2.01,
            (SpikeMethod.SkipName, "NaN gradient") => 2.01,
            (SpikeMethod.NothingName, "NaN gradient") => double.NaN,
            _ => 2.5,
        }));
        Assert.Equal("ZClip", advice.FirstChoice);
        Assert.Equal((6, 0), (advice.Held("ZClip"), advice.Held("S3")));
        string text = string.Join("\n", advice.Paragraphs());
        Assert.Contains("First choice: ZClip", text, StringComparison.Ordinal);
        Assert.Contains("stale v (nothing: +0.50): global clip is not enough (+0.50); nothing holds", text, StringComparison.Ordinal);
        Assert.Contains("NaN gradient (nothing: diverged): global clip is not enough (+0.50); use NaN skipped (+0.01) or ZClip (+0.01).", text, StringComparison.Ordinal);
        Assert.Contains("It takes no clip: NaN skipped is damaged by +0.01.", text, StringComparison.Ordinal);
    }

    private static SpikesResult Planted(Func<string, string, double> loss)
    {
        IReadOnlyList<SpikeMethod> methods = SpikeMethod.All(Tiny.Steps, default);
        var cells = new List<SpikeCell>();
        foreach (SpikeMethod method in methods)
            foreach (SpikeFault fault in Tiny.Faults)
                for (ulong seed = 1; seed <= 3; seed++)
                {
                    var result = new LabResult(Nobody with { Faults = fault.PlanOf(Tiny.Steps, seed) });
                    result.OnEvaluation(new EvaluationRecord(Tiny.Steps, loss(method.Name, fault.Name) + 0.1 * seed, Best: true));
                    cells.Add(new SpikeCell(method, fault, seed, result));
                }
        return new SpikesResult(Tiny, methods, default, new Dictionary<string, RateSweep>(), cells, [], new Dictionary<string, double>());
    }

    /// <summary>What AdamW does at another rate says nothing about S3.</summary>
    [Theory]
    [InlineData(0.3, "At a rate of S3's, AdamW spikes.")]
    [InlineData(1.0, "neither borne out nor refuted")]
    public void HighRates_AreComparedWhereTheyAreTheSame(double adamWs, string expected)
    {
        SpikesResult planted = Planted((_, _) => 2);
        SpikeCell[] cells = [At(SpikeMethod.NothingName, adamWs, spike: 9), At(SpikeMethod.SoftSignName, 0.3, spike: 2)];
        string table = SpikesTable.Of(planted with
        {
            HighRate = cells,
            Sweeps = planted.Methods.ToDictionary(method => method.Name, _ => new RateSweep([0.03], [2])),
        });
        Assert.Contains(expected, table, StringComparison.Ordinal);
        Assert.Contains(FormattableString.Invariant($"| nothing | {adamWs / 0.03:0} "), System.Text.RegularExpressions.Regex.Replace(table, " +", " "), StringComparison.Ordinal);

        SpikeCell At(string name, double rate, double spike) => new(
            planted.Methods.Single(method => method.Name == name), Tiny.Faults[0], 1,
            Result(100, step => step == 70 ? spike : 2, skipped: 0, Nobody with { Options = new TrainerOptions { LearningRate = rate } }));
    }

    private static LabResult Result(int steps, Func<int, double> loss, int skipped, LabArm? arm = null)
    {
        var result = new LabResult(arm ?? Nobody);
        for (int step = 1; step <= steps; step++)
        {
            SkipReason reason = step == skipped ? SkipReason.NonFiniteGradients : SkipReason.None;
            result.OnStep(new StepRecord
            {
                Step = step, TotalSteps = steps, Loss = loss(step), LearningRate = 1, Tokens = 1, Duration = default,
                Clip = new ClipResult { Call = step, NormBefore = 1, NormAfter = 1, Coefficient = 1, MaxMagnitude = 1, ClippedCalls = 0, SkippedCalls = 0, SkipReason = reason },
            });
        }
        return result;
    }
}
