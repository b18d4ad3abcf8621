using Andrea.Clipping;
using Andrea.Monitoring;
using Andrea.Tests.Cpu;
using Andrea.Tests.Support;
using Andrea.Training;
using Andrea.Training.Checkpoints;
using Andrea.Training.Faults;

namespace Andrea.Tests.Training.Guard;

/// <summary>Whole runs of a tiny model under faults, with and without the guard.</summary>
public class GuardedRunTests
{
    private static readonly SpikeGuardOptions Guard = new()
    {
        Window = 32, Minimum = 16, RetryAfter = 10, WideCount = 6, WideWindow = 8, SnapshotEvery = 20, SnapshotMargin = 4, SkipBatches = 2, RateSteps = 10,
    };

    private static readonly TrainerOptions Options = SmallRun.Options with { Steps = 160, LearningRate = 3e-2, WarmupSteps = 10, Clip = new() { MaxNorm = double.PositiveInfinity } };

    [Fact]
    public void Healthy_Run_HasTheBitsOfAnUnguardedOne()
    {
        Outcome bare = Train(null), guarded = Train(Guard);
        Assert.Empty(guarded.Guard);
        Assert.Equal(bare.Losses, guarded.Losses);
        Assert.Equal(bare.Parameters, guarded.Parameters);
    }

    [Theory]
    [InlineData(FaultKind.OutlierBatch)]
    [InlineData(FaultKind.LabelNoise)]
    [InlineData(FaultKind.SourceSwitch)]
    internal void BadBatches_AreSkippedTriedOnceMoreAndGivenUp(FaultKind kind)
    {
        Fault fault = new(kind, 80, 82);
        Outcome bare = Train(null, fault), guarded = Train(Guard, fault), healthy = Train(null);
        Assert.Equal(
            [(80, GuardAction.Skipped), (81, GuardAction.Skipped), (82, GuardAction.Skipped)],
            guarded.Guard[..3].Select(record => (record.Step, record.Action)));
        Assert.Equal(
            [GuardAction.Retried, GuardAction.Dropped], guarded.Guard.Where(record => record.BatchStep == 80).Skip(1).Select(record => record.Action));
        Assert.All(guarded.Guard.Where(record => record.Action != GuardAction.Retried), record => Assert.Equal(SkipReason.LossSpike, record.Reason));
        Assert.Equal(healthy.Losses[..79], guarded.Losses[..79]);
        AssertGain(bare, guarded, 0.08);
    }

    [Fact]
    public void NaNGradient_IsSkippedAndItsBatchComesBack()
    {
        Outcome guarded = Train(Guard, new Fault(FaultKind.NaNGradient, 80, 80));
        Assert.Equal([(80, GuardAction.Skipped, SkipReason.NonFiniteGradients, 80, 0), (90, GuardAction.Retried, SkipReason.None, 80, 1)],
            guarded.Guard.Select(record => (record.Step, record.Action, record.Reason, (int)record.BatchStep, record.Attempt)));
        Assert.Equal(SkipReason.None, guarded.Steps[89].Clip.SkipReason);
    }

    [Fact]
    public void NormSpike_IsSkippedWhereTheLossSaysNothing()
    {
        Fault fault = new(FaultKind.GradientScale, 80, 80, 1e4);
        Outcome guarded = Train(Guard, fault);
        GuardRecord skipped = guarded.Guard[0];
        Assert.Equal((80, GuardAction.Skipped, SkipReason.NormSpike), (skipped.Step, skipped.Action, skipped.Reason));
        Assert.True(skipped.Value > 100 * skipped.Median);
        AssertGain(Train(null, fault), guarded, 1);
    }

    [Fact]
    public void CorruptedParameters_GoBackToTheSnapshotAndTheLossWithThem()
    {
        Fault fault = new(FaultKind.ParameterScale, 90, 90, 10);
        Outcome bare = Train(null, fault), guarded = Train(Guard, fault);
        GuardRecord back = Assert.Single(guarded.Guard, record => record.Action == GuardAction.RolledBack);
        Assert.Equal((97L, 80L), (back.Step, back.SnapshotStep));
        Assert.Equal(SkipReason.LossSpike, back.Reason);
        // No batch is lost without a word: each that waits is tried again, or given up when the parameters go back.
        Assert.Equal(
            guarded.Guard.Where(record => record.Action == GuardAction.Skipped).Select(record => record.BatchStep),
            guarded.Guard.Where(record => record.Action is GuardAction.Retried or GuardAction.Abandoned).Select(record => record.BatchStep));
        Assert.Equal([90L, 91, 92, 93, 94, 95, 96], guarded.Guard.Where(record => record.Action == GuardAction.Abandoned).Select(record => record.BatchStep));
        Assert.InRange(guarded.Losses[96], 0, 1);
        AssertGain(bare, guarded, 100);
        Assert.Equal(0.5 * bare.Steps[96].LearningRate, guarded.Steps[96].LearningRate, 1e-15);
        Assert.Equal(bare.Steps[^1].LearningRate, guarded.Steps[^1].LearningRate);
    }

    [Fact]
    public void FlippedBit_GoesBackToTheSnapshot()
    {
        Fault fault = new(FaultKind.FlippedBit, 90, 90, 30);
        Outcome guarded = Train(Guard, fault);
        Assert.Contains(guarded.Guard, record => record.Action == GuardAction.RolledBack);
        AssertGain(Train(null, fault), guarded, 1);
    }

    [Fact]
    public void RateBurst_GoesBackAndTrainsOn()
    {
        Fault fault = new(FaultKind.LearningRate, 81, 90, 10);
        Outcome bare = Train(null, fault), guarded = Train(Guard, fault);
        Assert.Contains(guarded.Guard, record => record.Action == GuardAction.RolledBack);
        AssertGain(bare, guarded, 0.3);
    }

    [Fact]
    public void StaleSecondMoment_IsHeldBackAtTheBurst()
    {
        Fault[] faults = FaultPlan.StaleSecondMoment(60, stretch: 20, burst: 5, factor: 1000);
        Outcome bare = Train(null, faults), guarded = Train(Guard, faults);
        // With the gradients gone, the loss rises before they come back.
        Assert.InRange(guarded.Guard[0].Step, 61, 80);
        Assert.All(guarded.Steps[79..84], step => Assert.NotEqual(SkipReason.None, step.Clip.SkipReason));
        AssertGain(bare, guarded, 1);
    }

    [Fact]
    public void WideSpike_TooOften_EndsTheRunWithTheSnapshotsParameters()
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(1);
        using Trainer trainer = SmallRun.Create(device, Options with { SpikeGuard = Guard with { MaxRollbacks = 2 }, RunFolder = folder["run"] });
        trainer.Faults = new FaultPlan(1, [new Fault(FaultKind.OutlierBatch, 80, 200)]);
        var log = new GuardLog();
        trainer.Observe(log);
        SpikeGuardException error = Assert.Throws<SpikeGuardException>(() => trainer.RunAsync(TestContext.Current.CancellationToken).GetAwaiter().GetResult());
        Assert.Equal([GuardAction.RolledBack, GuardAction.RolledBack, GuardAction.GaveUp],
            log.Guard.Where(record => record.Action >= GuardAction.RolledBack).Select(record => record.Action));
        Assert.Contains("after 2 rollbacks", error.Message, StringComparison.Ordinal);
        CheckpointEntry kept = SmallRun.StoreOf(folder["run"]).Latest()!;
        Assert.Equal(error.Step - 1, kept.State!.Step);
        Assert.True(kept.IsFinite);
    }

    [Theory]
    [InlineData(FaultKind.OutlierBatch, 83)]
    [InlineData(FaultKind.OutlierBatch, 81)]
    [InlineData(FaultKind.OutlierBatch, 93)]
    [InlineData(FaultKind.ParameterScale, 84)]
    [InlineData(FaultKind.ParameterScale, 96)]
    [InlineData(FaultKind.ParameterScale, 110)]
    internal async Task Resume_InTheMiddleOfASpike_GivesTheBitsOfAStraightRun(FaultKind kind, int stopAt)
    {
        Fault fault = new(kind, 80, kind == FaultKind.OutlierBatch ? 82 : 80, kind == FaultKind.OutlierBatch ? 1 : 10);
        Outcome straight = Train(Guard, fault);
        using var folder = new TemporaryFolder();
        var log = new GuardLog();
        using (Device device = Device.Cpu(1))
        using (Trainer first = SmallRun.Create(device, Options with { SpikeGuard = Guard, RunFolder = folder["run"] }))
            await Run(first, fault, log, stopAt);
        float[] parameters;
        using (Device device = Device.Cpu(2))
        using (Trainer second = SmallRun.Resume(device, folder["run"]))
        {
            await Run(second, fault, log, int.MaxValue);
            parameters = second.Model.Parameters.Flat.ToArray();
        }
        Assert.Equal(straight.Guard, log.Guard);
        Assert.Equal(straight.Steps.Select(Bits), log.Steps.Select(Bits));
        Assert.Equal(straight.Parameters, parameters);
    }

    [Fact]
    public async Task Actions_AreRecordedInFileAndReport()
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(1);
        using Trainer trainer = SmallRun.Create(device, Options with { SpikeGuard = Guard, RunFolder = folder["run"] });
        var log = new GuardLog();
        Fault fault = new(FaultKind.ParameterScale, 90, 90, 10);
        await Run(trainer, fault, log, 100);
        string[] lines = [.. File.ReadLines(RunFolder.MetricsOf(folder["run"])).Where(line => line.Contains("\"guard\"", StringComparison.Ordinal))];
        Assert.Equal(log.Guard.Count, lines.Length);
        Assert.Equal("""{"step":97,"guard":"RolledBack","reason":"LossSpike","snapshotStep":80,"attempt":1}""", Assert.Single(lines, line => line.Contains("RolledBack", StringComparison.Ordinal)));
        Assert.StartsWith("""{"step":98,"guard":"Abandoned","reason":"None",""", lines[^1], StringComparison.Ordinal);
        Assert.EndsWith("\"batchStep\":96,\"attempt\":1}", lines[^1], StringComparison.Ordinal);
        Assert.Contains("\"snapshotStep\":80", File.ReadAllText(Path.Combine(folder["run"], "report.html")), StringComparison.Ordinal);
    }

    [Fact]
    public void Step_UnderTheGuard_AllocatesNothing()
    {
        using Device device = Device.Cpu(1);
        using Trainer trainer = SmallRun.Create(device, Options with { Steps = 400, SpikeGuard = Guard, Diagnosis = null });
        for (int i = 0; i < 45; i++)
            trainer.TrainStep();
        // Twice as many steps as lie between two snapshots.
        Allocations.AssertNone(() =>
        {
            for (int i = 0; i < 20; i++)
                trainer.TrainStep();
        });
    }

    [Fact]
    public void Options_OutOfRange_SayWhich() =>
        Assert.Contains("WideWindow is 65", Assert.Throws<ArgumentOutOfRangeException>(() => (Options with { SpikeGuard = Guard with { WideWindow = 65 } }).Validate()).Message, StringComparison.Ordinal);

    /// <summary>The guarded run ends with a lower loss, by so much.</summary>
    private static void AssertGain(Outcome bare, Outcome guarded, double least)
    {
        double without = bare.Losses[^10..].Average(), with = guarded.Losses[^10..].Average();
        Assert.True(with <= without - least, $"The loss ends at {with} with the guard, at {without} without.");
    }

    private static Outcome Train(SpikeGuardOptions? guard, params Fault[] faults)
    {
        using Device device = Device.Cpu(1);
        using Trainer trainer = SmallRun.Create(device, Options with { SpikeGuard = guard });
        var log = new GuardLog();
        trainer.Observe(log);
        trainer.Faults = new FaultPlan(1, faults);
        while (trainer.Step < Options.Steps)
            trainer.TrainStep();
        return new Outcome(log.Steps, log.Guard, trainer.Model.Parameters.Flat.ToArray());
    }

    private static async Task Run(Trainer trainer, Fault fault, GuardLog log, int stopAt)
    {
        trainer.Faults = new FaultPlan(1, [fault]);
        trainer.Observe(log);
        using var stop = new CancellationTokenSource();
        trainer.OnStep(record =>
        {
            if (record.Step == stopAt)
                stop.Cancel();
        });
        await trainer.RunAsync(stop.Token);
    }

    private static (long, long, long, double) Bits(StepRecord step) =>
        (step.Step, BitConverter.DoubleToInt64Bits(step.Loss), BitConverter.DoubleToInt64Bits(step.Clip.NormBefore), step.LearningRate);

    private sealed record Outcome(List<StepRecord> Steps, List<GuardRecord> Guard, float[] Parameters)
    {
        public double[] Losses { get; } = [.. Steps.Select(step => step.Loss)];
    }

    private sealed class GuardLog : IStepObserver
    {
        public List<StepRecord> Steps { get; } = [];

        public List<GuardRecord> Guard { get; } = [];

        public void OnStep(in StepRecord record) => Steps.Add(record);

        public void OnGuard(in GuardRecord record) => Guard.Add(record);
    }
}
