using Andrea.Clipping;
using Andrea.Monitoring;
using Andrea.Tests.Support;
using Andrea.Tests.Training;
using Andrea.Training;
using Andrea.Training.Faults;

namespace Andrea.Tests.Cuda.Training;

/// <summary>The spike guard on the CUDA backend, in AdamW's graph and with results that come late, does what it does on the CPU.</summary>
public class GuardOnCudaTests
{
    private static readonly TrainerOptions Options = SmallRun.Options with
    {
        Steps = 37,
        LearningRate = 3e-2,
        Clip = new() { MaxNorm = double.PositiveInfinity },
        SpikeGuard = new SpikeGuardOptions
        {
            Window = 16, Minimum = 6, LossSpike = 6, RetryAfter = 4, WideCount = 3, WideWindow = 4, SnapshotEvery = 6, SnapshotMargin = 1, SkipBatches = 1, RateSteps = 2,
        },
    };

    private static readonly Fault[] Faults =
        [new(FaultKind.NaNGradient, 8, 8), new(FaultKind.OutlierBatch, 24, 24), new(FaultKind.ParameterScale, 31, 31, 10)];

    [Theory]
    [InlineData(TestDevice.Emulator)]
    [InlineData(TestDevice.Gpu)]
    public void Guard_OnCuda_ActsAsOnTheCpu(string name)
    {
        List<GuardRecord> expected = Train("cpu-2"), actual = Train(name);
        Assert.Equal(
            [GuardAction.Skipped, GuardAction.Retried, GuardAction.Skipped, GuardAction.Retried, GuardAction.Dropped],
            expected[..5].Select(record => record.Action));
        Assert.Contains(expected, record => record.Action == GuardAction.RolledBack);
        Assert.Equal(expected.Select(Decision), actual.Select(Decision));
    }

    private static (long, GuardAction, SkipReason, long, int, long) Decision(GuardRecord record) =>
        (record.Step, record.Action, record.Reason, record.BatchStep, record.Attempt, record.SnapshotStep);

    private static List<GuardRecord> Train(string name)
    {
        using TestDevice device = TestDevice.Open(name);
        using Trainer trainer = SmallRun.Create(device.Device, Options);
        trainer.Faults = new FaultPlan(1, Faults);
        var log = new GuardLog();
        trainer.Observe(log);
        trainer.RunAsync(TestContext.Current.CancellationToken).GetAwaiter().GetResult();
        return log.Records;
    }

    private sealed class GuardLog : IStepObserver
    {
        public List<GuardRecord> Records { get; } = [];

        public void OnGuard(in GuardRecord record) => Records.Add(record);
    }
}
