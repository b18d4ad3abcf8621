using System.Text.Json;
using Andrea.Clipping;
using Andrea.Tests.Support;
using Andrea.Training;
using Andrea.Training.Checkpoints;

namespace Andrea.Tests.Training;

/// <summary>A resumed run knows all that the first one knew.</summary>
public class TrainerResumeTests
{
    [Fact]
    public async Task Resume_LaterLossIsWorse_IsNotTheBest()
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(1);
        TrainerOptions options = SmallRun.Options with { EvaluateEvery = 4, EvaluationBatches = 2, RunFolder = folder["run"] };
        var first = new RecordLog();
        using (Trainer trainer = SmallRun.Create(device, options))
            await RunUntil(trainer, 5, first);
        var second = new RecordLog();
        using Trainer resumed = SmallRun.Resume(device, folder["run"]);
        resumed.Observe(second);
        resumed.OnStep(record =>
        {
            if (record.Step == 8)
                resumed.Spoil();
        });
        TrainingSummary summary = await resumed.RunAsync();

        double best = Assert.Single(first.Evaluations).Loss;
        Assert.All(second.Evaluations, evaluation => Assert.True(evaluation.Loss > best));
        Assert.Equal([false, false], second.Evaluations.Select(evaluation => evaluation.Best));
        Assert.Equal(best, summary.BestValidationLoss);
        Assert.Equal(4, SmallRun.StoreOf(folder["run"]).Best()!.State!.Step);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(6)]
    public async Task Resume_AfterASkippedStep_GivesTheBytesOfAStraightRun(int stopAt)
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(2), other = Device.Cpu(3);
        var straightLog = new RecordLog();
        var resumedLog = new RecordLog();
        using (Trainer straight = SmallRun.Create(device, SmallRun.Options with { RunFolder = folder["straight"] }))
        {
            SkipFourthStep(straight);
            await RunUntil(straight, 12, straightLog);
        }
        using (Trainer stopped = SmallRun.Create(device, SmallRun.Options with { RunFolder = folder["stopped"] }))
        {
            SkipFourthStep(stopped);
            await RunUntil(stopped, stopAt, resumedLog);
        }
        using (Trainer resumed = SmallRun.Resume(other, folder["stopped"]))
            await RunUntil(resumed, 12, resumedLog);

        Assert.Equal(SkipReason.NonFiniteGradients, straightLog.Steps[3].Clip.SkipReason);
        Assert.Equal(straightLog.Steps.Select(step => step.Clip), resumedLog.Steps.Select(step => step.Clip));
        CheckpointEntry expected = SmallRun.StoreOf(folder["straight"]).Latest()!, actual = SmallRun.StoreOf(folder["stopped"]).Latest()!;
        foreach (string file in new[] { CheckpointFolder.ModelFile, CheckpointFolder.OptimizerFile })
            Assert.Equal(await File.ReadAllBytesAsync(Path.Combine(expected.Path, file)), await File.ReadAllBytesAsync(Path.Combine(actual.Path, file)));
        Assert.Equal(expected.State!.Optimizer, actual.State!.Optimizer);
        Assert.Equal(expected.State.Clip, actual.State.Clip);
        Assert.Equal(expected.State.Data, actual.State.Data);
    }

    [Fact]
    public async Task Resume_BetweenSkippedSteps_GoesOnCountingThem()
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(1);
        TrainerOptions options = SmallRun.Options with { RunFolder = folder["run"], Clip = new GradClipperOptions { MaxConsecutiveSkips = 4 } };
        float healthy = 0;
        using (Trainer trainer = SmallRun.Create(device, options))
        {
            trainer.OnStep(record =>
            {
                if (record.Step == 2)
                {
                    healthy = trainer.Curable();
                    trainer.Poison();
                }
                // Only the checkpoint is to be healthy, so that it can be resumed.
                if (record.Step == 4)
                    trainer.Cure(healthy);
            });
            await RunUntil(trainer, 4);
        }
        using Trainer resumed = SmallRun.Resume(device, folder["run"]);
        resumed.Poison();
        var exception = await Assert.ThrowsAsync<NonFiniteGradientException>(() => resumed.RunAsync());
        Assert.Equal((4, 6L), (exception.Result.ConsecutiveSkips, resumed.Step));
    }

    [Fact]
    public async Task Resume_AfterAKill_MetricsHoldEveryStepOnce()
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(1);
        using (Trainer killed = SmallRun.Create(device, SmallRun.Options with { RunFolder = folder["run"] }))
        {
            for (int step = 1; step <= 8; step++)
            {
                killed.TrainStep();
                if (step == 5)
                    killed.WriteCheckpoint();
            }
        }
        string metrics = folder["run/metrics.jsonl"];
        await File.AppendAllTextAsync(metrics, """{"step":9,"loss":1.""");
        using (Trainer resumed = SmallRun.Resume(device, folder["run"]))
        {
            Assert.Equal(5, resumed.Step);
            await resumed.RunAsync();
        }
        JsonElement[] lines = [.. File.ReadLines(metrics).Select(line => JsonElement.Parse(line))];
        Assert.Equal(
            Enumerable.Range(1, 12), lines.Where(line => line.TryGetProperty("loss", out _)).Select(line => line.GetProperty("step").GetInt32()));
    }

    private static async Task RunUntil(Trainer trainer, int step, RecordLog? log = null)
    {
        using var stop = new CancellationTokenSource();
        if (log is not null)
            trainer.Observe(log);
        trainer.OnStep(record =>
        {
            if (record.Step == step)
                stop.Cancel();
        });
        Assert.Equal(step, (await trainer.RunAsync(stop.Token)).Step);
    }

    private static void SkipFourthStep(Trainer trainer)
    {
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
    }
}
