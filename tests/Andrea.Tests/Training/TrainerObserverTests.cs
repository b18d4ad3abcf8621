using Andrea.Monitoring;
using Andrea.Training;

namespace Andrea.Tests.Training;

/// <summary>Observers that come and go while a trainer is at work.</summary>
public class TrainerObserverTests
{
    [Fact]
    public async Task RunAsync_WithProgressDuringARun_IsRefusedAndTheRunGoesOn()
    {
        using Device device = Device.Cpu(1);
        using Trainer trainer = SmallRun.Create(device, SmallRun.Options);
        var refusedOne = new ProgressLog();
        var ownOne = new ProgressLog();
        Exception? refused = null;
        trainer.OnStep(record =>
        {
            // Within the walk along the observers, which the second run's must not disturb.
            if (record.Step == 3)
                refused = Record.Exception(() => trainer.RunAsync(refusedOne).GetAwaiter().GetResult());
        });
        TrainingSummary summary = await trainer.RunAsync(ownOne, TestContext.Current.CancellationToken);
        Assert.IsType<InvalidOperationException>(refused);
        Assert.Equal((12L, 12, 0), (summary.Step, ownOne.Steps.Count, refusedOne.Steps.Count));
        // It has left with its run.
        trainer.TrainStep();
        Assert.Equal(12, ownOne.Steps.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Observe_DuringARun_AddsAnObserverFromTheNextRecordOn(bool fromAnotherThread)
    {
        using Device device = Device.Cpu(1);
        using Trainer trainer = SmallRun.Create(device, SmallRun.Options);
        var late = new RecordLog();
        trainer.OnStep(record =>
        {
            if (record.Step != 3)
                return;
            if (fromAnotherThread)
                Task.Run(() => trainer.Observe(late)).GetAwaiter().GetResult();
            else
                trainer.Observe(late);
        });
        await trainer.RunAsync(TestContext.Current.CancellationToken);
        Assert.Equal(Enumerable.Range(4, 9).Select(step => (long)step), late.Steps.Select(record => record.Step));
    }

    [Fact]
    public async Task Observe_ByManyThreadsAtOnce_LosesNobody()
    {
        using Device device = Device.Cpu(1);
        using Trainer trainer = SmallRun.Create(device, SmallRun.Options);
        RecordLog[] logs = [.. Enumerable.Range(0, 4000).Select(_ => new RecordLog())];
        await Parallel.ForEachAsync(logs, new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = TestContext.Current.CancellationToken }, (log, _) =>
        {
            trainer.Observe(log);
            return ValueTask.CompletedTask;
        });
        await trainer.RunAsync(TestContext.Current.CancellationToken);
        Assert.Equal(logs.Length, logs.Count(log => log.Steps.Count == 12));
    }

    [Fact]
    public async Task Observe_OfADisposedTrainer_IsRefused()
    {
        using Device device = Device.Cpu(1);
        Trainer trainer = SmallRun.Create(device, SmallRun.Options);
        trainer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => trainer.Observe(new RecordLog()));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => trainer.RunAsync(new ProgressLog(), TestContext.Current.CancellationToken));
    }

    private sealed class ProgressLog : IProgress<StepRecord>
    {
        public List<StepRecord> Steps { get; } = [];

        public void Report(StepRecord value) => Steps.Add(value);
    }
}
