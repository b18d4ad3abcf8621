using System.Globalization;
using System.Text.RegularExpressions;
using Andrea.Cli.Lab.Collapse;
using Andrea.Cli.Lab.Runs;
using Andrea.Curriculum;
using Andrea.Monitoring;
using Andrea.Optim;
using Andrea.Tests.Support;
using Andrea.Training;
using Andrea.Training.Faults;

namespace Andrea.Tests.Cli.Lab;

public class CollapseExperimentTests
{
    private static readonly CollapseShock Hard = new(ShockText.Foreign, 100, 3);

    private static readonly CollapseExperiment Tiny = new()
    {
        Widths = [8, 16], Steps = 240, Seeds = 1, Batch = 4, Context = 16, Layers = 1, Characters = 40_000, SampleTokens = 40, Segments = 64, LearningRate = 1e-2,
        Ladder = [new(ShockText.Own, 1), Hard],
    };

    [Fact]
    public void Experiment_MadeTwice_GivesTheSameTableOfAllArmsAndWidths()
    {
        using var folder = new TemporaryFolder();
        var session = new LabSession(CliRun.Nowhere());
        CollapseResult first = Tiny.Run(session, folder["runs"]), second = Tiny.Run(session, null);
        string table = CollapseTable.Of(first);
        Assert.Equal(table, CollapseTable.Of(second));
        Assert.Equal(2 * CollapseArm.All.Count, first.Cells.Count);
        Assert.Equal(Hard, first.Shock);
        foreach (CollapseArm arm in CollapseArm.All)
            foreach (int width in Tiny.Widths)
                Assert.Contains(table.Split('\n'), line => line.Replace(" ", "", StringComparison.Ordinal).StartsWith($"|{width}|{arm.Name}|", StringComparison.Ordinal));
        // The clip cures what the shocks did to v1; the same samples were written by all.
        double v1 = Loss(first, CollapseArm.Unguarded), clipped = Loss(first, "clip");
        Assert.True(v1 > clipped + 0.1, $"v1 {v1}, clip {clipped}");
        Assert.All(first.Cells.Where(cell => cell.Result.HaltedAt is null), cell => Assert.Equal(24, cell.Result.Samples.Count));
        Assert.Equal(0, first.Cells.First(cell => cell.Arm.Name == CollapseArm.Unguarded).Result.ClippedShare);
        Assert.True(first.Cells.First(cell => cell.Arm.Name == "clip").Result.ClippedShare > 0);

        Assert.True(LabFiles.WritePage(folder.Path, "page", [.. first.Cells.Select(cell => cell.Result)]));
        string page = File.ReadAllText(folder["page.html"]);
        Assert.All(CollapseArm.All, arm => Assert.Contains($"\"id\":\"{arm.Name}\"", page, StringComparison.Ordinal));
        Assert.Contains("\"coherence\":[{\"step\":10,\"score\":", page, StringComparison.Ordinal);
        double[] repetition = [.. Regex.Matches(page, "\"score\":[^,]+,\"repetition\":([0-9.e-]+)").Select(match => double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture))];
        Assert.Equal(CollapseArm.All.Count * 24, repetition.Length);
        double[] scored = [.. first.Cells.Where(cell => cell.Width == Tiny.Widths[^1]).SelectMany(cell => cell.Result.Samples).Select(sample => sample.Score.Repetition)];
        Assert.Equal(scored.Max(), repetition.Max(), 0.001);
        Assert.True(scored.Max() > 0.1);
    }

    [Fact]
    public void Options_OfEachArm_HaveItsGuardsAndNoOthers()
    {
        const double None = double.PositiveInfinity;
        var expected = new Dictionary<string, (long Rate, double Decay, long Sources, double Clip, int Gate)>
        {
            ["v1"] = (0, 0, 0, None, int.MaxValue),
            ["clip"] = (0, 0, 0, 1, int.MaxValue),
            ["lr-warmup"] = (24, 0, 0, None, int.MaxValue),
            ["decay"] = (0, 0.1, 0, None, int.MaxValue),
            ["curriculum-warmup"] = (0, 0, 24, None, int.MaxValue),
            ["gate"] = (0, 0, 0, None, 5),
            ["v2"] = (24, 0.1, 24, 1, 5),
        };
        Assert.Equal(expected.Keys, CollapseArm.All.Select(arm => arm.Name));
        foreach (CollapseArm arm in CollapseArm.All)
        {
            TrainerOptions options = Tiny.OptionsOf(arm, Hard, seed: 3);
            CurriculumOptions curriculum = options.Curriculum!;
            double decay = Assert.IsType<AdamWOptions>(options.Optimizer).WeightDecay;
            Assert.Equal(expected[arm.Name], (options.WarmupSteps, decay, curriculum.WarmupSteps, options.Clip.MaxNorm, options.Coherence!.InARow));
            Assert.Equal((CurriculumReward.LossDrop, ScheduleKind.Constant, 0.03, 3ul), (curriculum.Reward, options.Schedule, options.LearningRate, options.Seed));
            Assert.Equal(["stories", "questions"], curriculum.Sources.Where(source => source.Warmup).Select(source => source.Name));
            Assert.NotNull(options.Diagnosis);
        }
    }

    [Fact]
    public void Plan_OfAShock_TakesTheFirstTwoStepsOfTheArmsOwnPhases()
    {
        // A warmup moves all phases after it.
        Assert.NotEqual(Starts(0), Starts(24));
        foreach ((ShockText text, FaultKind? kind) in new[] { (ShockText.Own, (FaultKind?)null), (ShockText.Foreign, FaultKind.SourceSwitch), (ShockText.Repeated, FaultKind.RepeatedToken) })
        {
            foreach (int warmup in (int[])[0, 24])
            {
                var expected = new List<Fault>();
                foreach (long start in Starts(warmup).Where(start => start > 60))
                {
                    if (kind is { } own)
                        expected.Add(new Fault(own, start, start + 1));
                    expected.Add(new Fault(FaultKind.GradientScale, start, start + 1, 30));
                }
                Assert.Contains(Starts(warmup), start => start <= 60);
                Assert.Equal(expected, new CollapseShock(text, 30).PlanOf(Curriculum(warmup), CollapseData.Names, after: 60, steps: 240, seed: 2)!.Faults);
            }
        }
        Assert.Null(new CollapseShock(ShockText.Own, 1).PlanOf(Curriculum(0), CollapseData.Names, 60, 240, 2));

        static CurriculumOptions Curriculum(int warmup) => new() { WarmupSteps = warmup, Sources = CollapseData.Limits };
        static List<long> Starts(int warmup) => CollapseShock.PhaseStarts(Curriculum(warmup), CollapseData.Names, 240, seed: 2);
    }

    [Fact]
    public void Plan_OfAllRuns_HasEachArmsOwnWidthSeedAndShocks()
    {
        CollapseExperiment experiment = Tiny with { Seeds = 2, Characters = 20_000 };
        PlannedCell[] planned = [.. experiment.Plan(Hard, CollapseData.Create(experiment.Characters, experiment.Segments), "runs")];
        IEnumerable<(ulong, int, CollapseArm)> expected =
            from seed in (ulong[])[1, 2] from width in (int[])[8, 16] from arm in CollapseArm.All select (seed, width, arm);
        Assert.Equal(expected, planned.Select(cell => (cell.Seed, cell.Width, cell.Arm)));
        foreach (PlannedCell cell in planned)
        {
            Assert.Equal((cell.Width, cell.Seed, $"{cell.Arm.Name} | width {cell.Width} | seed {cell.Seed}"), (cell.Run.Config.ChannelCount, cell.Run.Options.Seed, cell.Run.Name));
            Assert.Equal(cell is { Seed: 1, Width: 16 } ? Path.Combine("runs", cell.Arm.Name) : null, cell.Run.Folder);
            long[] shocked = [.. cell.Run.Faults!.Faults.Where(fault => fault.Kind == FaultKind.GradientScale).Select(fault => fault.First)];
            Assert.Equal(Shocked(cell.Arm.Has(CollapseGuards.CurriculumWarmup) ? 24 : 0, cell.Seed), shocked);
        }
        // So that each of them is told from the others.
        Assert.Equal(4, new[] { Shocked(0, 1), Shocked(24, 1), Shocked(0, 2), Shocked(24, 2) }.DistinctBy(steps => string.Join(' ', steps)).Count());
        Assert.Contains(Starts(0, 1), start => start <= 60);

        static long[] Shocked(int warmup, ulong seed) => [.. Starts(warmup, seed).Where(start => start > 60)];
        static List<long> Starts(int warmup, ulong seed) =>
            CollapseShock.PhaseStarts(new CurriculumOptions { WarmupSteps = warmup, Sources = CollapseData.Limits }, CollapseData.Names, 240, seed);
    }

    [Fact]
    public void PhaseStarts_OfARun_AreThoseThatItsObserversAreTold()
    {
        var curriculum = new CurriculumOptions { Reward = CurriculumReward.LossDrop, WarmupSteps = 30, Sources = CollapseData.Limits };
        using Device device = Device.Cpu(1);
        using var trainer = new Trainer(device, new() { VocabularySize = 1, ContextLength = 4, ChannelCount = 4, HeadCount = 1, LayerCount = 1 }, CollapseData.Create(20_000, 32), new TrainerOptions
        {
            Steps = 200, BatchSize = 1, Curriculum = curriculum, Seed = 5, EvaluationBatches = 0, CheckpointEvery = 0, Monitor = GradientMonitorOptions.Off, Diagnosis = null,
        });
        var phases = new Phases();
        trainer.Observe(phases);
        for (int step = 0; step < 200; step++)
            trainer.TrainStep();
        Assert.Equal(phases.Starts, CollapseShock.PhaseStarts(curriculum, CollapseData.Names, 200, seed: 5));
        Assert.True(phases.Starts.Count > 5);
        Assert.Contains(31, phases.Starts);
    }

    [Fact]
    public void Collapse_IsARiseThatLastsToTheEnd()
    {
        Assert.Null(In(3, 2, 2.4));
        Assert.Null(In(3, 2, 2.6, 2.1));
        Assert.Null(In(3, 2, 2.6, 2.6));
        Assert.Equal(30, In(3, 2, 2.6, 2.5, 2.9));
        Assert.Equal(40, In(3, 2, 2.4, double.NaN, 5, double.PositiveInfinity));
        Assert.Equal(50, In(3, 2, 2.6, 2.1, 3, 3, 3));
        Assert.Null(In());

        static long? In(params double[] losses) =>
            CollapseScore.CollapsedIn([.. losses.Select((loss, i) => new EvaluationRecord(10 * (i + 1), loss, Best: false))]);
    }

    [Fact]
    public void Gate_WhereScoresAreLow_HaltsItsArmsAlone()
    {
        CollapseExperiment experiment = Tiny with { Widths = [8], Ladder = [Hard], Gate = new CoherenceGateOptions { Threshold = 100, InARow = 3 } };
        CollapseResult result = experiment.Run(new LabSession(CliRun.Nowhere()), null);
        foreach (CollapseCell cell in result.Cells)
        {
            Assert.Equal(cell.Arm.Has(CollapseGuards.Gate), cell.Result.HaltedAt is not null);
            Assert.Equal(cell.Result.HaltedAt ?? experiment.Steps, cell.Result.Losses.Count);
        }
        // Up to there, both are the same run.
        LabResult v1 = Of(CollapseArm.Unguarded), gate = Of("gate");
        Assert.Equal(v1.Samples.First(sample => sample.LowInARow == 3).Step, gate.HaltedAt);
        Assert.Equal(v1.Losses.Take(gate.Losses.Count), gate.Losses);

        LabResult Of(string arm) => result.Cells.Single(cell => cell.Arm.Name == arm).Result;
    }

    private static double Loss(CollapseResult result, string arm) => result.Cells.Where(cell => cell.Arm.Name == arm).Max(cell => cell.Score.FinalLoss);

    private sealed class Phases : IStepObserver
    {
        public List<long> Starts { get; } = [];

        public void OnPhase(PhaseRecord record) => Starts.Add(record.Step);
    }
}
