using Andrea.Clipping;
using Andrea.Tensors;
using Andrea.Tests.Support;
using Andrea.Training;
using Andrea.Training.Checkpoints;

namespace Andrea.Tests.Training;

/// <summary>When a run writes checkpoints, which of them stay, and what they say.</summary>
public class TrainerCheckpointTests
{
    [Fact]
    public async Task Run_BestIsNotTheLast_KeepsBothAndTheBestGivesItsLoss()
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(2);
        var log = new RecordLog();
        TrainerOptions options = SmallRun.Options with
        {
            EvaluateEvery = 4,
            EvaluationBatches = 2,
            CheckpointEvery = 1,
            KeepCheckpoints = 1,
            RunFolder = folder["run"],
        };
        using (Trainer trainer = SmallRun.Create(device, options))
        {
            trainer.Observe(log);
            trainer.OnStep(record =>
            {
                if (record.Step == 9)
                    trainer.Spoil();
            });
            await trainer.RunAsync();
        }
        Assert.Equal([true, true, false], log.Evaluations.Select(evaluation => evaluation.Best));
        CheckpointStore store = SmallRun.StoreOf(folder["run"]);
        Assert.Equal([8L, 12L], store.List().Select(entry => entry.State!.Step));
        CheckpointEntry best = store.Best()!;
        Assert.Equal((8L, log.Evaluations[1].Loss), (best.State!.Step, best.State.ValidationLoss));
        CheckpointState last = store.Latest()!.State!;
        Assert.Equal((log.Evaluations[2].Loss, log.Evaluations[1].Loss), (last.ValidationLoss, last.BestValidationLoss));

        using Trainer resumed = Trainer.Resume(device, best.Path, tokenizer => SmallRun.Data, change => change with { RunFolder = null });
        Assert.Equal(8, resumed.Step);
        Assert.Equal(log.Evaluations[1].Loss, resumed.Evaluate());
    }

    [Fact]
    public async Task Run_NewBest_WritesACheckpointThatWasNotDue()
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(1);
        using Trainer trainer = SmallRun.Create(
            device, SmallRun.Options with { EvaluateEvery = 4, EvaluationBatches = 2, KeepCheckpoints = 9, RunFolder = folder["run"] });
        var log = new RecordLog();
        trainer.Observe(log);
        trainer.OnStep(record =>
        {
            if (record.Step == 7)
                trainer.Spoil();
        });
        TrainingSummary summary = await trainer.RunAsync();
        Assert.Equal([true, false], log.Evaluations.Take(2).Select(evaluation => evaluation.Best));
        Assert.Equal([4L, 12L], log.Checkpoints.Select(checkpoint => checkpoint.Step));
        Assert.Equal(summary.CheckpointPath, log.Checkpoints[^1].Path);
    }

    [Fact]
    public async Task Checkpoint_BetweenMeasurements_ClaimsNoLossOfItsOwn()
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(1);
        using Trainer trainer = SmallRun.Create(
            device, SmallRun.Options with { EvaluateEvery = 4, EvaluationBatches = 2, CheckpointEvery = 5, KeepCheckpoints = 9, RunFolder = folder["run"] });
        var log = new RecordLog();
        trainer.Observe(log);
        await trainer.RunAsync();
        CheckpointState five = SmallRun.StoreOf(folder["run"]).List().Select(entry => entry.State!).Single(state => state.Step == 5);
        Assert.Null(five.ValidationLoss);
        Assert.Equal(log.Evaluations[0].Loss, five.BestValidationLoss);
    }

    [Fact]
    public async Task Run_ThrowPolicy_WritesTheParametersOfTheLastGoodStep()
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(1);
        using Trainer trainer = SmallRun.Create(
            device, SmallRun.Options with { RunFolder = folder["run"], Clip = new GradClipperOptions { NonFinite = NonFinitePolicy.Throw } });
        uint[] good = [];
        float healthy = 0;
        trainer.OnStep(record =>
        {
            if (record.Step == 3)
            {
                good = trainer.Bits();
                healthy = trainer.Curable();
                trainer.Poison();
            }
            if (record.Step == 4)
                trainer.Cure(healthy);
        });
        await Assert.ThrowsAsync<NonFiniteGradientException>(() => trainer.RunAsync());

        CheckpointEntry saved = Assert.Single(SmallRun.StoreOf(folder["run"]).List());
        Assert.Equal((4L, 3L, 1L), (saved.State!.Step, saved.State.Optimizer.AppliedSteps, saved.State.Clip.SkippedCalls));
        using TrainedModel model = TrainedModel.Load(device, folder["run"]);
        Assert.Equal(good, model.Model.Parameters.Flat.ToArray().Select(BitConverter.SingleToUInt32Bits));
    }

    [Fact]
    public async Task Checkpoint_AfterASkippedStep_CountsItAsAStepButNotAsApplied()
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(1);
        using Trainer trainer = SmallRun.Create(device, SmallRun.Options with { MicroBatches = 2, RunFolder = folder["run"] });
        float healthy = 0;
        trainer.OnStep(record =>
        {
            if (record.Step == 3)
            {
                healthy = trainer.Curable();
                trainer.Poison();
            }
            if (record.Step == 4)
                trainer.Cure(healthy);
        });
        TrainingSummary summary = await trainer.RunAsync();
        Assert.Equal((12L, 1L), (summary.Step, summary.SkippedSteps));
        CheckpointState state = CheckpointFolder.ReadState(summary.CheckpointPath!);
        Assert.Equal((12L, 11L), (state.Step, state.Optimizer.AppliedSteps));
        Assert.Equal(Math.Pow(0.9, 11), state.Optimizer.Beta1Power, 1e-12);
        Assert.Equal(Math.Pow(0.999, 11), state.Optimizer.Beta2Power, 1e-12);
        Assert.Equal((12L, 1L, 0), (state.Clip.Calls, state.Clip.SkippedCalls, state.Clip.ConsecutiveSkips));
        // A skipped step has drawn its batches all the same: 12 steps of 2 x 4 windows.
        Assert.Equal((SmallRun.Options.Seed, 96L), (state.Data.Seed, state.Data.Position));
    }

    [Fact]
    public async Task Checkpoint_Moments_StandUnderTheirOwnNames()
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(1);
        using Trainer trainer = SmallRun.Create(device, SmallRun.Options with { RunFolder = folder["run"] });
        TrainingSummary summary = await trainer.RunAsync();
        ParameterLayout layout = trainer.Model.Parameters.Layout;
        using ParameterArena parameters = new(device, layout), first = new(device, layout), second = new(device, layout);
        CheckpointFolder.Load(summary.CheckpointPath!, new CheckpointTensors(parameters, first, second));
        Assert.Equal(trainer.Bits(), parameters.Flat.ToArray().Select(BitConverter.SingleToUInt32Bits));
        // Means of gradients have both signs, means of their squares have not.
        Assert.Contains(first.Flat.ToArray(), value => value < 0);
        Assert.DoesNotContain(second.Flat.ToArray(), value => value < 0);
    }

    [Fact]
    public void WriteCheckpoint_NoRunFolder_SaysWhichOptionToSet()
    {
        using Device device = Device.Cpu(1);
        using Trainer trainer = SmallRun.Create(device, SmallRun.Options);
        var exception = Assert.Throws<InvalidOperationException>(trainer.WriteCheckpoint);
        Assert.Contains("RunFolder", exception.Message, StringComparison.Ordinal);
    }
}
