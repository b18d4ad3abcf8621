using Andrea.Monitoring;
using Andrea.Tests.Support;
using Andrea.Training;

namespace Andrea.Tests.Training;

/// <summary>The curvature's place in a training run.</summary>
public class TrainerCurvatureTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Curvature_Measured_LeavesEveryBitOfTheRun(int microBatches)
    {
        using TestDevice test = TestDevice.Open("cpu-1");
        TrainerOptions options = SmallRun.Options with { MicroBatches = microBatches };
        using Trainer plain = SmallRun.Create(test.Device, options);
        using Trainer probed = SmallRun.Create(test.Device, options with { Curvature = new CurvatureOptions { Every = 2 } });
        var plainLog = new RecordLog();
        var log = new CurvatureLog();
        plain.Observe(plainLog);
        probed.Observe(log);
        for (int step = 0; step < 8; step++)
        {
            plain.TrainStep();
            probed.TrainStep();
            Assert.Equal(plain.Bits(), probed.Bits());
        }
        Assert.Equal([2, 4, 6, 8], log.Curvatures.Select(record => record.Step));
        Assert.Equal(plainLog.Steps.Select(record => record.Loss), log.Steps.Select(record => record.Loss));
        Assert.All(log.Curvatures, record => Assert.True(double.IsFinite(record.Curvature) && record.Curvature != 0));
        Assert.Equal(["step 1", "step 2", "curvature 2", "step 3"], log.Order.Take(4));
    }

    [Theory]
    [InlineData("cpu-1")]
    [InlineData(TestDevice.Emulator)]
    public void Curvature_UnderTheSpikeGuard_LeavesItTheLossOfTheStep(string name)
    {
        using TestDevice test = TestDevice.Open(name);
        TrainerOptions options = SmallRun.Options with { SpikeGuard = new SpikeGuardOptions { Window = 16, Minimum = 4, RetryAfter = 2 } };
        using Trainer plain = SmallRun.Create(test.Device, options);
        using Trainer probed = SmallRun.Create(test.Device, options with { Curvature = new CurvatureOptions { Every = 4 } });
        var log = new CurvatureLog();
        probed.Observe(log);
        for (int step = 0; step < 9; step++)
        {
            plain.TrainStepAndWait();
            probed.TrainStepAndWait();
        }
        Assert.Equal([4, 8], log.Curvatures.Select(record => record.Step));
        Assert.Empty(log.Guard);
        Assert.Equal(plain.Bits(), probed.Bits());
    }

    [Fact]
    public void Curvature_OfManySmallBatches_IsThatOfOneBatchOfTheirSize()
    {
        using TestDevice test = TestDevice.Open("cpu-1");
        var curvature = new CurvatureOptions { Every = 1 };
        double[] measured = [.. new[] { (4, 1), (1, 4) }.Select(split =>
        {
            using Trainer trainer = SmallRun.Create(test.Device, SmallRun.Options with { BatchSize = split.Item1, MicroBatches = split.Item2, Curvature = curvature });
            var log = new CurvatureLog();
            trainer.Observe(log);
            trainer.TrainStep();
            return log.Curvatures[0].Curvature;
        })];
        // The same windows in the same order; float32 sums differ.
        Assert.InRange(measured[1] / measured[0], 0.99, 1.01);
    }

    [Fact]
    public async Task Curvature_OfARunThatResumes_IsAnOptionLikeOthers()
    {
        using TestDevice test = TestDevice.Open("cpu-1");
        using var folder = new TemporaryFolder();
        using (Trainer trainer = SmallRun.Create(test.Device, SmallRun.Options with { Steps = 4, RunFolder = folder.Path, Curvature = new CurvatureOptions { Every = 2, Sustained = 5 } }))
            await trainer.RunAsync(TestContext.Current.CancellationToken);
        Assert.Contains(File.ReadLines(RunFolder.MetricsOf(folder.Path)), line => line.Contains("\"curvature\":", StringComparison.Ordinal) && line.Contains("\"stabilityLimit\":", StringComparison.Ordinal));
        using Trainer resumed = SmallRun.Resume(test.Device, folder.Path);
        Assert.Equal(new CurvatureOptions { Every = 2, Sustained = 5 }, resumed.Options.Curvature);
    }

    private sealed class CurvatureLog : IStepObserver
    {
        public List<StepRecord> Steps { get; } = [];

        public List<CurvatureRecord> Curvatures { get; } = [];

        public List<GuardRecord> Guard { get; } = [];

        public List<string> Order { get; } = [];

        public void OnStep(in StepRecord record)
        {
            Steps.Add(record);
            Order.Add($"step {record.Step}");
        }

        public void OnGuard(in GuardRecord record) => Guard.Add(record);

        public void OnCurvature(in CurvatureRecord record)
        {
            Curvatures.Add(record);
            Order.Add($"curvature {record.Step}");
        }
    }
}
