using System.Text.Json;
using System.Text.Json.Nodes;
using Andrea.Monitoring;
using Andrea.Tests.Cpu;
using Andrea.Tests.Support;
using Andrea.Training;
using Andrea.Training.Checkpoints;

namespace Andrea.Tests.Training;

/// <summary>A trainer's observers hear of gradients, step by step.</summary>
public class TrainerMonitorTests
{
    public static TheoryData<string> Devices => ["cpu-2", TestDevice.Emulator, TestDevice.Gpu];

    [Theory, MemberData(nameof(Devices))]
    public async Task Run_Monitored_TellsGradientsRightAfterTheirStep(string name)
    {
        using TestDevice device = TestDevice.Open(name);
        TrainerOptions options = SmallRun.Options with { Monitor = new GradientMonitorOptions { Every = 2, UpdatesEvery = 5, FirstUpdates = 0 }, EvaluateEvery = 4, EvaluationBatches = 1 };
        using Trainer trainer = SmallRun.Create(device.Device, options);
        var log = new Log();
        trainer.Observe(log);
        await trainer.RunAsync(TestContext.Current.CancellationToken);
        long[] monitored = [1, 2, 4, 5, 6, 8, 10, 12];
        IEnumerable<string> expected = Enumerable.Range(1, 12).SelectMany(step => monitored.Contains(step)
            ? (string[])[$"step {step}", $"gradients {step}{(step == 1 || step % 5 == 0 ? " with updates" : "")}"]
            : [$"step {step}"]);
        Assert.Equal(expected, log.Lines);
        Assert.All(log.Differences, difference => Assert.InRange(difference, -1e-12, 1e-12));
    }

    [Fact]
    public async Task Run_Off_TellsNothingOfGradients()
    {
        using Device device = Device.Cpu(1);
        using Trainer trainer = SmallRun.Create(device, SmallRun.Options with { Monitor = GradientMonitorOptions.Off });
        var log = new Log();
        trainer.Observe(log);
        await trainer.RunAsync(TestContext.Current.CancellationToken);
        Assert.Equal(12, log.Lines.Count);
        Assert.All(log.Lines, line => Assert.StartsWith("step", line, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("cpu-1")]
    [InlineData(TestDevice.Emulator)]
    public void TrainStep_AfterResume_GoesOnCounting(string name)
    {
        using var folder = new TemporaryFolder();
        using TestDevice device = TestDevice.Open(name);
        TrainerOptions options = SmallRun.Options with { RunFolder = folder["run"], Monitor = new GradientMonitorOptions { UpdatesEvery = 4, FirstUpdates = 0 } };
        using (Trainer first = SmallRun.Create(device.Device, options))
        {
            for (int i = 0; i < 3; i++)
                first.TrainStep();
            first.WriteCheckpoint();
        }
        using Trainer resumed = SmallRun.Resume(device.Device, folder["run"]);
        Assert.Equal(4, resumed.Options.Monitor.UpdatesEvery);
        var log = new Log();
        resumed.Observe(log);
        for (int i = 0; i < 2; i++)
            resumed.TrainStep();
        resumed.WriteCheckpoint();
        Assert.Equal(["step 4", "gradients 4 with updates", "step 5", "gradients 5"], log.Lines);
    }

    [Fact]
    public void Options_OfACheckpointWithoutMonitor_HaveTheDefault()
    {
        JsonObject json = JsonSerializer.SerializeToNode(
            SmallRun.Options with { Monitor = new GradientMonitorOptions { Every = 7, FirstUpdates = 0, Include = ["h.*"], Grouping = GradientGrouping.Block } },
            CheckpointJson.Default.TrainerOptions)!.AsObject();
        TrainerOptions read = json.Deserialize(CheckpointJson.Default.TrainerOptions)!;
        Assert.Equal((7, "h.*", GradientGrouping.Block, 10), (read.Monitor.Every, read.Monitor.Include.Single(), read.Monitor.Grouping, read.Monitor.UpdatesEvery));
        Assert.True(json.Remove("monitor"));
        read = json.Deserialize(CheckpointJson.Default.TrainerOptions)!.Complete();
        Assert.Equal((1, 10, 0), (read.Monitor.Every, read.Monitor.UpdatesEvery, read.Monitor.Include.Count));
        read.Validate();
    }

    [Fact]
    public void TrainStep_TenMonitoredWithAnObserver_AllocateNothing()
    {
        using Device device = Device.Cpu(2);
        using Trainer trainer = SmallRun.Create(device, SmallRun.Options with { Steps = 1000 });
        var counter = new Counter();
        trainer.Observe(counter);
        Allocations.AssertNone(() =>
        {
            for (int step = 0; step < 10; step++)
                trainer.TrainStep();
        });
        Assert.Equal((trainer.Step, trainer.Step / 10 + 15), (counter.Records, counter.Updates));
    }

    private sealed class Counter : IStepObserver
    {
        public long Records { get; private set; }

        public long Updates { get; private set; }

        public void OnGradients(GradientRecord record)
        {
            Records++;
            Updates += record.HasUpdates ? 1 : 0;
        }
    }

    private sealed class Log : IStepObserver
    {
        private double _norm;

        public List<string> Lines { get; } = [];

        /// <summary>The clip's norm beside that of all tensors' norms, relatively.</summary>
        public List<double> Differences { get; } = [];

        public void OnStep(in StepRecord record)
        {
            Lines.Add($"step {record.Step}");
            _norm = record.Clip.NormBefore;
        }

        public void OnGradients(GradientRecord record)
        {
            Lines.Add($"gradients {record.Step}{(record.HasUpdates ? " with updates" : "")}");
            double sum = 0;
            foreach (TensorReading reading in record.Readings)
                sum += reading.Norm * reading.Norm;
            Differences.Add(Math.Sqrt(sum) / _norm - 1);
        }
    }
}
