using Andrea.Backends;
using Andrea.Clipping;
using Andrea.Clipping.Policies;
using Andrea.Monitoring;
using Andrea.Optim;
using Andrea.Tests.Support;
using Andrea.Training;
using Andrea.Training.Checkpoints;
using Andrea.Training.Faults;

namespace Andrea.Tests.Training.Guard;

/// <summary>What is there after a rollback, against what was there at the snapshot.</summary>
public sealed class GuardRollbackTests : IDisposable
{
    private static readonly SpikeGuardOptions Guard = new()
    {
        Window = 32, Minimum = 16, RetryAfter = 30, WideCount = 6, WideWindow = 8, SnapshotEvery = 20, SnapshotMargin = 4, SkipBatches = 2, RateSteps = 10,
    };

    private static readonly TrainerOptions Options = SmallRun.Options with { Steps = 160, LearningRate = 3e-2, WarmupSteps = 10, Clip = new() { MaxNorm = double.PositiveInfinity } };

    private readonly TemporaryFolder _folder = new();
    private readonly Device _device = Device.Cpu(1);
    private readonly GuardLog _log = new();

    public void Dispose()
    {
        _device.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void GoingBack_BringsBackEveryBitOfTheSnapshot()
    {
        TrainerOptions options = Options with { Optimizer = new AdamWOptions { Stabilizer = new StableSpamStabilizer() }, Clip = new() { MaxNorm = 1e6, Policy = ClipPolicy.Create("zclip") } };
        // The step after the rollback is skipped: so what there is behind it is what there was before it.
        using Trainer trainer = Create(Guard, options, new Fault(FaultKind.ParameterScale, 90, 90, 10), new Fault(FaultKind.NaNGradient, 97, 97));
        string snapshot = CheckpointAt(trainer, 80), wrecked = CheckpointAt(trainer, 96), after = CheckpointAt(trainer, 97);
        Assert.Equal((97, 80), Assert.Single(_log.Rollbacks));
        CheckpointState then = CheckpointFolder.ReadState(snapshot), now = CheckpointFolder.ReadState(after), between = CheckpointFolder.ReadState(wrecked);
        foreach (string file in (string[])[CheckpointFolder.ModelFile, CheckpointFolder.OptimizerFile])
        {
            Assert.NotEqual(TensorsOf(snapshot, file), TensorsOf(wrecked, file));
            Assert.Equal(TensorsOf(snapshot, file), TensorsOf(after, file));
        }
        Assert.NotEqual(then.Optimizer, between.Optimizer);
        Assert.Equal(then.Optimizer, now.Optimizer);
        Assert.NotEqual(then.Stabilizer, between.Stabilizer);
        Assert.Equal(then.Stabilizer, now.Stabilizer);
        Assert.NotEqual(then.Clip.Policy!.Values, between.Clip.Policy!.Values);
        Assert.Equal(then.Clip.Policy!.Values, now.Clip.Policy!.Values);
        Assert.Equal(then.Guard!.Device[0], now.Guard!.Device[0]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    public void GoingBack_PassesOverSoManyBatches(int count)
    {
        using Trainer trainer = Create(Guard with { SkipBatches = count }, Options, new Fault(FaultKind.ParameterScale, 90, 90, 10));
        RunTo(trainer, 96);
        Assert.Equal(95 * Options.BatchSize, trainer.LatestDraw.FirstWindow);
        RunTo(trainer, 97);
        Assert.Equal((97, 80), Assert.Single(_log.Rollbacks));
        Assert.Equal((96 + count) * Options.BatchSize, trainer.LatestDraw.FirstWindow);
    }

    [Theory]
    [InlineData(9, 80)]
    [InlineData(10, 60)]
    public void GoingBack_KeepsItsDistanceFromTheFirstSign(int margin, long snapshot)
    {
        using Trainer trainer = Create(Guard with { SnapshotMargin = margin }, Options, new Fault(FaultKind.ParameterScale, 90, 90, 10));
        RunTo(trainer, 97);
        Assert.Equal((97, snapshot), Assert.Single(_log.Rollbacks));
    }

    [Fact]
    public void Snapshot_DueAmongSpikes_IsNotTaken()
    {
        using Trainer trainer = Create(Guard with { Snapshots = 1 }, Options, new Fault(FaultKind.ParameterScale, 78, 78, 10));
        RunTo(trainer, 85);
        Assert.Equal((85, 60), Assert.Single(_log.Rollbacks));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(99)]
    public void GoingBackTwice_TakesTheSnapshotBefore(int stopAt)
    {
        Fault[] faults = [new(FaultKind.ParameterScale, 90, 90, 10), new(FaultKind.ParameterScale, 98, 98, 10)];
        Trainer trainer = Create(Guard, Options with { RunFolder = _folder["run"] }, faults);
        if (stopAt > 0)
        {
            CheckpointAt(trainer, stopAt);
            trainer.Dispose();
            trainer = SmallRun.Resume(_device, _folder["run"]);
            trainer.Observe(_log);
            trainer.Faults = new FaultPlan(1, faults);
        }
        using (trainer)
            RunTo(trainer, 110);
        Assert.Equal([(97, 80), (105, 60)], _log.Rollbacks);
    }

    [Fact]
    public void SkippedStep_LeavesTheClipPolicyAsItWas()
    {
        using Trainer trainer = Create(Guard, Options with { Clip = new() { MaxNorm = 1e6, Policy = ClipPolicy.Create("zclip") } }, new Fault(FaultKind.OutlierBatch, 80, 80));
        string[] paths = [.. new[] { 79, 80, 81 }.Select(step => CheckpointAt(trainer, step))];
        Assert.Equal([80L], _log.Guard.Select(record => record.Step));
        ClipPolicyState[] states = [.. paths.Select(path => CheckpointFolder.ReadState(path).Clip.Policy!)];
        Assert.Equal(states[0].Values, states[1].Values);
        Assert.NotEqual(states[1].Values, states[2].Values);
    }

    [Theory]
    [InlineData(FaultKind.OutlierBatch, 1, SkipReason.LossSpike)]
    [InlineData(FaultKind.GradientScale, 1e4, SkipReason.NormSpike)]
    internal void Record_OfASkippedStep_HasTheScoreOfItsOwnSeries(FaultKind kind, double strength, SkipReason reason)
    {
        using Trainer trainer = Create(Guard, Options, new Fault(kind, 80, 80, strength));
        RunTo(trainer, 80);
        GuardRecord record = Assert.Single(_log.Guard);
        double[] series = [.. _log.Steps.Select(step => reason == SkipReason.LossSpike ? step.Loss : step.Clip.NormBefore)];
        (double share, double scale) = reason == SkipReason.LossSpike ? (Guard.LossSmallestShare, SpikeDecision.SmallestLossScale) : (Guard.NormSmallestShare, 0);
        (double score, double median) = SpikeDecision.ScoreOf(series[^33..^1], series[^1], Guard.Minimum, share, scale);
        Assert.Equal((reason, series[^1], score, median), (record.Reason, record.Value, record.ZScore, record.Median));
    }

    private Trainer Create(SpikeGuardOptions guard, TrainerOptions options, params Fault[] faults)
    {
        Trainer trainer = SmallRun.Create(_device, options with { SpikeGuard = guard, RunFolder = _folder["run"], KeepCheckpoints = 9, Diagnosis = null });
        trainer.Observe(_log);
        trainer.Faults = new FaultPlan(1, faults);
        return trainer;
    }

    private static void RunTo(Trainer trainer, int step)
    {
        while (trainer.Step < step)
            trainer.TrainStepAndWait();
    }

    private static string CheckpointAt(Trainer trainer, int step)
    {
        RunTo(trainer, step);
        return trainer.WriteCheckpoint();
    }

    /// <summary>The bytes behind the header.</summary>
    private static byte[] TensorsOf(string checkpoint, string file)
    {
        byte[] bytes = File.ReadAllBytes(Path.Combine(checkpoint, file));
        return bytes[(8 + (int)BitConverter.ToInt64(bytes))..];
    }

    private sealed class GuardLog : IStepObserver
    {
        public List<StepRecord> Steps { get; } = [];

        public List<GuardRecord> Guard { get; } = [];

        public IEnumerable<(long Step, long Snapshot)> Rollbacks =>
            Guard.Where(record => record.Action == GuardAction.RolledBack).Select(record => (record.Step, record.SnapshotStep));

        public void OnStep(in StepRecord record) => Steps.Add(record);

        public void OnGuard(in GuardRecord record) => Guard.Add(record);
    }
}
