using Andrea.Clipping;
using Andrea.Curriculum;
using Andrea.Data;
using Andrea.Gpt;
using Andrea.Monitoring;
using Andrea.Monitoring.Diagnosis;
using Andrea.Optim;
using Andrea.Tests.Support;
using Andrea.Training;
using Andrea.Training.Checkpoints;

namespace Andrea.Tests.Training;

/// <summary>What happens when a trainer is used in unusual ways: from two threads, disposed early, resumed elsewhere, fed with ANDREA's files.</summary>
public class TrainerUseTests
{
    private static readonly GptConfig Config = new() { VocabularySize = 1, ContextLength = 16, ChannelCount = 16, HeadCount = 2, LayerCount = 1 };

    private static readonly TrainerOptions Options = new() { Steps = 8, BatchSize = 2, LearningRate = 1e-2, EvaluateEvery = 0, CheckpointEvery = 4 };

    private static TokenDataset Data => TokenDataset.FromText(string.Concat(Enumerable.Repeat("seven wise men on a stone wall sat. ", 20)), "char");

    [Fact]
    public async Task RunAsync_WhileItRuns_RefusesASecondThread()
    {
        using Device device = Device.Cpu(2);
        using var trainer = new Trainer(device, Config, Data, Options with { Steps = 100_000 });
        using var stop = new CancellationTokenSource();
        using var started = new ManualResetEventSlim();
        trainer.Observe(new CallbackObserver(_ => started.Set()));
        Task<TrainingSummary> run = trainer.RunAsync(stop.Token);
        started.Wait(TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<InvalidOperationException>(() => trainer.RunAsync(TestContext.Current.CancellationToken));
        Assert.Throws<InvalidOperationException>(() => trainer.Sample());
        await stop.CancelAsync();
        Assert.Equal(StopReason.Cancelled, (await run).Reason);
        Assert.NotEmpty(trainer.Sample());
    }

    [Fact]
    public async Task Dispose_WhileItRuns_EndsTheRunFirst()
    {
        using Device device = Device.Cpu(2);
        var trainer = new Trainer(device, Config, Data, Options with { Steps = 100_000 });
        using var started = new ManualResetEventSlim();
        trainer.Observe(new CallbackObserver(_ => started.Set()));
        Task<TrainingSummary> run = trainer.RunAsync(TestContext.Current.CancellationToken);
        started.Wait(TestContext.Current.CancellationToken);
        trainer.Dispose();
        Assert.Equal(StopReason.Cancelled, (await run).Reason);
        Assert.Throws<ObjectDisposedException>(trainer.TrainStep);
        trainer.Dispose();
    }

    [Fact]
    public async Task ObserverThatThrows_EndsTheRunAfterACheckpoint()
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(1);
        using (var trainer = new Trainer(device, Config, Data, Options with { RunFolder = folder["run"] }))
        {
            trainer.Observe(new CallbackObserver(record =>
            {
                if (record.Step == 3)
                    throw new InvalidTimeZoneException("planted");
            }));
            await Assert.ThrowsAsync<InvalidTimeZoneException>(() => trainer.RunAsync(TestContext.Current.CancellationToken));
        }
        using TrainedModel trained = TrainedModel.Load(device, folder["run"]);
        Assert.Equal(3, trained.Step);
    }

    [Fact]
    public async Task Resume_OtherBatchSize_GoesOnAtTheSameWindow()
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(1);
        using (var trainer = new Trainer(device, Config, Data, Options with { RunFolder = folder["run"] }))
            await trainer.RunAsync(TestContext.Current.CancellationToken);
        using (Trainer resumed = Trainer.Resume(device, folder["run"], _ => Data, options => options with { Steps = 10, MicroBatches = 3, BatchSize = 4 }))
            await resumed.RunAsync(TestContext.Current.CancellationToken);
        CheckpointEntry latest = new CheckpointStore(folder["run/checkpoints"]).Latest()!;
        Assert.Equal(8 * 2 + 2 * 3 * 4, latest.State!.Data.Position);
    }

    [Fact]
    public async Task Resume_FewerStepsThanMade_IsRefused()
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(1);
        using (var trainer = new Trainer(device, Config, Data, Options with { RunFolder = folder["run"] }))
            await trainer.RunAsync(TestContext.Current.CancellationToken);
        var exception = Assert.Throws<ArgumentException>(() => Trainer.Resume(device, folder["run"], _ => Data, options => options with { Steps = 5 }));
        Assert.Contains("made 8 steps", exception.Message, StringComparison.Ordinal);
        using Trainer finished = Trainer.Resume(device, folder["run"], _ => Data);
        TrainingSummary summary = await finished.RunAsync(TestContext.Current.CancellationToken);
        Assert.Equal((StopReason.Completed, 8L), (summary.Reason, summary.Step));
    }

    [Fact]
    public async Task Resume_IntoAFolderWhereCheckpointsWouldBeLost_IsRefused()
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(1);
        foreach (string name in new[] { "run", "other" })
            using (var trainer = new Trainer(device, Config, Data, Options with { RunFolder = folder[name] }))
                await trainer.RunAsync(TestContext.Current.CancellationToken);
        string metrics = await File.ReadAllTextAsync(folder["other/metrics.jsonl"], TestContext.Current.CancellationToken);
        Assert.Throws<CheckpointException>(() => Trainer.Resume(device, folder["run"], _ => Data, options => options with { RunFolder = folder["other"] }));
        Assert.Throws<CheckpointException>(() => Trainer.Resume(device, folder["run/checkpoints/step-000004"], _ => Data));
        Assert.Equal(metrics, await File.ReadAllTextAsync(folder["other/metrics.jsonl"], TestContext.Current.CancellationToken));
        using Trainer branch = Trainer.Resume(device, folder["run/checkpoints/step-000004"], _ => Data, options => options with { RunFolder = folder["branch"] });
        Assert.Equal(4, branch.Step);
    }

    [Fact]
    public void Create_SizeOrOptionOutOfRange_IsNamedBeforeAnythingIsMade()
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(1);
        (GptConfig Config, TrainerOptions Options, string Expected)[] wrong =
        [
            (Config with { ContextLength = -1 }, Options, "ContextLength is -1"),
            (Config with { HeadCount = 5 }, Options, "HeadCount 5"),
            (Config, Options with { Steps = 0 }, "Steps is 0"),
            (Config, Options with { LearningRate = -1 }, "peak learning rate is -1"),
            (Config, Options with { Clip = new GradClipperOptions { MaxNorm = -1 } }, "largest norm is -1"),
            (Config, Options with { Clip = null! }, nameof(TrainerOptions.Clip)),
            (Config, Options with { Optimizer = null! }, nameof(TrainerOptions.Optimizer)),
            (Config, Options with { Monitor = null! }, nameof(TrainerOptions.Monitor)),
            (Config, Options with { Optimizer = new AdamWOptions { Groups = [new ParameterGroup("H.*")] } }, "'H.*' matches none of the"),
            (Config, Options with { Optimizer = new AdamWOptions { Beta1 = 1 } }, "Beta1 is 1"),
            (Config, Options with { Monitor = new GradientMonitorOptions { UpdatesEvery = -1 } }, "UpdatesEvery is -1"),
            (Config, Options with { Diagnosis = new GradientDiagnosisOptions { Window = 0 } }, "Window is 0"),
            (Config, Options with { Curriculum = new CurriculumOptions { EpochLimit = -1 } }, "EpochLimit is -1"),
            (Config, Options with { Coherence = new CoherenceGateOptions { Tokens = 0 } }, "Tokens is 0"),
            (Config, Options with { Curvature = new CurvatureOptions { Every = 0 } }, "Every is 0"),
            (Config, Options with { SpikeGuard = new SpikeGuardOptions { WideWindow = 65 } }, "WideWindow is 65"),
        ];
        foreach ((GptConfig config, TrainerOptions options, string expected) in wrong)
        {
            var error = Assert.ThrowsAny<ArgumentException>(() => new Trainer(device, config, Data, options with { RunFolder = folder["run"] }));
            Assert.Contains(expected, error.Message, StringComparison.Ordinal);
            Assert.NotNull(error.ParamName);
        }
        Assert.False(Directory.Exists(folder["run"]));
    }

    [Fact]
    public void Create_FolderInUse_IsRefusedUntilTheOtherIsDisposed()
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(1);
        TrainerOptions options = Options with { RunFolder = folder["run"] };
        using (var first = new Trainer(device, Config, Data, options))
            Assert.Contains("in use", Assert.Throws<CheckpointException>(() => new Trainer(device, Config, Data, options)).Message, StringComparison.Ordinal);
        using var second = new Trainer(device, Config, Data, options);
    }

    [Fact]
    public async Task Create_FolderOfADeadRunWithoutCheckpoint_BeginsItsMetricsAfresh()
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(1);
        Directory.CreateDirectory(folder["run"]);
        await File.WriteAllTextAsync(folder["run/metrics.jsonl"], "{\"step\":1,\"loss\":9}\n[1]\n{\"st", TestContext.Current.CancellationToken);
        using (var trainer = new Trainer(device, Config, Data, Options with { RunFolder = folder["run"] }))
            await trainer.RunAsync(TestContext.Current.CancellationToken);
        string[] lines = await File.ReadAllLinesAsync(folder["run/metrics.jsonl"], TestContext.Current.CancellationToken);
        Assert.Equal(8, lines.Count(line => line.Contains("\"loss\"", StringComparison.Ordinal)));
        Assert.DoesNotContain(lines, line => line.Contains(":9}", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ImportAndrea_ExportedFile_GoesOnWithTheSameBits()
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(1);
        using var original = new Trainer(device, Config, Data, Options);
        for (int step = 0; step < 3; step++)
            original.TrainStep();
        string path = original.ExportAndrea(folder.Path);
        Assert.Equal("step_000003.bin", Path.GetFileName(path));
        using var imported = new Trainer(device, Config, Data, Options);
        imported.ImportAndrea(path);
        Assert.Equal(3, imported.Step);
        await original.RunAsync(TestContext.Current.CancellationToken);
        await imported.RunAsync(TestContext.Current.CancellationToken);
        Assert.Equal(BitDigest.Of(original.Model.Parameters.Flat), BitDigest.Of(imported.Model.Parameters.Flat));
    }

    [Fact]
    public async Task Resume_WithNothingToGoOnWith_SaysWhatIsMissing()
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(1);
        using (var trainer = new Trainer(device, Config, Data, Options with { RunFolder = folder["run"] }))
            await trainer.RunAsync(TestContext.Current.CancellationToken);
        Assert.Equal("openData", Assert.Throws<ArgumentException>(() => Trainer.Resume(device, folder["run"], _ => null!)).ParamName);
        Assert.Equal("change", Assert.Throws<ArgumentException>(() => Trainer.Resume(device, folder["run"], _ => Data, _ => null!)).ParamName);
        Assert.Throws<ArgumentNullException>(() => Trainer.Resume(device, folder["run"], _ => Data, options => options with { Optimizer = null! }));
    }

    private sealed class CallbackObserver(Action<StepRecord> onStep) : IStepObserver
    {
        public void OnStep(in StepRecord record) => onStep(record);
    }
}
