using Andrea.Monitoring;
using Andrea.Tests.Support;
using Andrea.Training;
using Andrea.Training.Faults;

namespace Andrea.Tests.Training.Guard;

/// <summary>What follows a rollback: the next snapshot, and the end of a run that still spikes.</summary>
public sealed class GuardEndTests
{
    private static readonly SpikeGuardOptions Guard = new()
    {
        Window = 32, Minimum = 16, RetryAfter = 30, WideCount = 6, WideWindow = 8, SnapshotEvery = 20, SnapshotMargin = 4, SkipBatches = 2, RateSteps = 10,
    };

    private static readonly TrainerOptions Options = SmallRun.Options with { Steps = 160, LearningRate = 3e-2, WarmupSteps = 10, Clip = new() { MaxNorm = double.PositiveInfinity } };

    [Fact]
    public void SnapshotAfterARollback_IsDueSoManyStepsAfterIt()
    {
        // Snapshots after steps 80 and 100 but for the rollback before step 97: from that on, none before step 117.
        List<GuardRecord> records = Run(Guard, new Fault(FaultKind.ParameterScale, 90, 90, 10), new Fault(FaultKind.ParameterScale, 110, 110, 10));
        Assert.Equal([(97, 80), (117, 60)], records.Where(record => record.Action == GuardAction.RolledBack).Select(record => (record.Step, record.SnapshotStep)));
    }

    [Fact]
    public void GivingUp_TellsOfTheBatchesThatAreNotTriedAgain()
    {
        List<GuardRecord> records = Run(Guard with { MaxRollbacks = 0 }, new Fault(FaultKind.ParameterScale, 90, 90, 10));
        GuardRecord end = Assert.Single(records, record => record.Action == GuardAction.GaveUp);
        Assert.Equal((97L, 80L), (end.Step, end.SnapshotStep));
        long[] abandoned = [.. records.Where(record => record.Action == GuardAction.Abandoned && record.Step == end.Step).Select(record => record.BatchStep)];
        Assert.Equal([90L, 91, 92, 93, 94, 95], abandoned.Where(step => step < end.Step - 1));
    }

    /// <summary>As far as the guard lets it.</summary>
    private static List<GuardRecord> Run(SpikeGuardOptions guard, params Fault[] faults)
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(1);
        using Trainer trainer = SmallRun.Create(device, Options with { SpikeGuard = guard, RunFolder = folder["run"], Steps = 125, Diagnosis = null });
        var log = new GuardLog();
        trainer.Observe(log);
        trainer.Faults = new FaultPlan(1, faults);
        try
        {
            trainer.RunAsync(TestContext.Current.CancellationToken).GetAwaiter().GetResult();
        }
        catch (SpikeGuardException) when (guard.MaxRollbacks == 0)
        {
            // What it told before is what the test is about.
        }
        return log.Records;
    }

    private sealed class GuardLog : IStepObserver
    {
        public List<GuardRecord> Records { get; } = [];

        public void OnGuard(in GuardRecord record) => Records.Add(record);
    }
}
