using Andrea.Monitoring;
using Andrea.Tests.Cpu;

namespace Andrea.Tests.Monitoring;

public class ObserverQueueTests
{
    private static readonly TimeSpan Plenty = TimeSpan.FromMinutes(1);

    [Fact]
    public void Records_OfEveryKind_ReachEveryObserverInOrder()
    {
        using var queue = new ObserverQueue();
        ToldObserver first = new(), second = new();
        queue.Add(first);
        queue.Add(second);
        TellEverything(queue, 1);
        TellEverything(queue, 2);
        Assert.True(queue.Flush(Plenty));
        string[] expected =
        [
            "step 1", "gradients 1 10", "spike 1", "verdict 1", "evaluation 1", "sample 1", "checkpoint 1",
            "step 2", "gradients 2 20", "spike 2", "verdict 2", "evaluation 2", "sample 2", "checkpoint 2",
        ];
        Assert.Equal(expected, first.Told);
        Assert.Equal(expected, second.Told);
        Assert.True(first.Flushes > 0);
        Assert.Equal(0, queue.Dropped);
        Assert.Empty(queue.Warnings);
    }

    [Fact]
    public void Gradients_RecordUsedAgain_ArriveAsTheyWere()
    {
        using var queue = new ObserverQueue();
        var observer = new ToldObserver();
        queue.Add(observer);
        observer.Hang();
        GradientRecord record = TestRecords.Gradients(1);
        for (long step = 1; step <= 3; step++)
        {
            TestRecords.Fill(record, step);
            queue.OnGradients(record);
        }
        TestRecords.Fill(record, 99);
        observer.LetGo();
        Assert.True(queue.Flush(Plenty));
        Assert.Equal(["gradients 1 10", "gradients 2 20", "gradients 3 30"], observer.Told);
    }

    [Fact]
    public void Observer_ThatHangs_HoldsUpNobodyAndLosesTheOldestSteps()
    {
        var warnings = new List<string>();
        using var queue = new ObserverQueue(new ObserverQueueOptions { Capacity = 4 });
        queue.Warned += warnings.Add;
        var observer = new ToldObserver();
        queue.Add(observer);
        observer.Hang();
        queue.OnStep(TestRecords.Step(1));
        observer.WaitUntilItHangs();
        queue.OnEvaluation(new EvaluationRecord(1, 2, Best: true));
        queue.OnVerdict(TestRecords.Verdict(1));
        for (long step = 2; step <= 100; step++)
            queue.OnStep(TestRecords.Step(step));
        Assert.Equal(97, queue.Dropped);
        observer.LetGo();
        queue.FlushAtEnd();
        Assert.Equal(["step 1", "evaluation 1", "verdict 1", "step 99", "step 100"], observer.Told);
        Assert.Contains("97 records were dropped", Assert.Single(warnings), StringComparison.Ordinal);
        queue.FlushAtEnd();
        Assert.Single(warnings);
    }

    [Fact]
    public void Overflow_OfStepsWithGradients_DropsBothOfAStep()
    {
        using var queue = new ObserverQueue(new ObserverQueueOptions { Capacity = 4 });
        var observer = new ToldObserver();
        queue.Add(observer);
        observer.Hang();
        queue.OnSample(new SampleRecord(0, "x"));
        observer.WaitUntilItHangs();
        for (long step = 1; step <= 3; step++)
        {
            queue.OnStep(TestRecords.Step(step));
            queue.OnGradients(TestRecords.Gradients(step));
        }
        Assert.Equal(2, queue.Dropped);
        observer.LetGo();
        Assert.True(queue.Flush(Plenty));
        Assert.Equal(["sample 0", "step 2", "gradients 2 20", "step 3", "gradients 3 30"], observer.Told);
    }

    [Fact]
    public void Overflow_OfNothingButEvents_DropsTheOldest()
    {
        using var queue = new ObserverQueue(new ObserverQueueOptions { Capacity = 2 });
        var observer = new ToldObserver();
        queue.Add(observer);
        observer.Hang();
        queue.OnStep(TestRecords.Step(1));
        observer.WaitUntilItHangs();
        for (long step = 1; step <= 4; step++)
            queue.OnCheckpoint(new CheckpointRecord(step, "x"));
        Assert.Equal(2, queue.Dropped);
        observer.LetGo();
        Assert.True(queue.Flush(Plenty));
        Assert.Equal(["step 1", "checkpoint 3", "checkpoint 4"], observer.Told);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Step_QueueKeepsUpOrOverflows_AllocatesNothing(bool hangs)
    {
        using var queue = new ObserverQueue(new ObserverQueueOptions { Capacity = 16 });
        var observer = new HangingObserver();
        queue.Add(observer);
        if (!hangs)
            observer.LetGo.Set();
        GradientRecord gradients = TestRecords.Gradients(1);
        StepRecord step = TestRecords.Step(1);
        // The first round makes as many copies of gradients as may wait.
        Allocations.AssertNone(() =>
        {
            for (int i = 0; i < 40; i++)
            {
                queue.OnStep(step);
                queue.OnGradients(gradients);
            }
        });
        if (hangs)
            Assert.True(queue.Dropped > 0 && observer.Steps <= 1);
        observer.LetGo.Set();
    }

    [Fact]
    public void Observer_ThatThrows_IsTakenOffAndTheOthersGoOn()
    {
        var warnings = new List<string>();
        using var queue = new ObserverQueue();
        queue.Warned += warnings.Add;
        ToldObserver bad = new(), good = new();
        bad.OnTold = _ => throw new IOException("No space left on device.");
        queue.Add(bad, owned: true);
        queue.Add(good);
        queue.OnStep(TestRecords.Step(1));
        queue.OnStep(TestRecords.Step(2));
        Assert.True(queue.Flush(Plenty));
        Assert.Equal(["step 1"], bad.Told);
        Assert.True(bad.IsDisposed);
        Assert.Equal(["step 1", "step 2"], good.Told);
        Assert.Equal(1, queue.Count);
        string warning = Assert.Single(warnings);
        Assert.Contains("No space left on device. The training goes on.", warning, StringComparison.Ordinal);
        Assert.Equal([warning], queue.Warnings);
    }

    [Fact]
    public void Warned_HandlerThrows_EndsNothingAndTheNextIsTold()
    {
        using var queue = new ObserverQueue();
        var told = new List<string>();
        queue.Warned += _ => throw new InvalidOperationException();
        queue.Warned += told.Add;
        queue.Add(new ToldObserver { OnTold = _ => throw new IOException("x") });
        queue.OnStep(TestRecords.Step(1));
        Assert.True(queue.Flush(Plenty));
        Assert.Equal(queue.Warnings, told);
        Assert.Single(told);
    }

    [Fact]
    public void Overflow_ByOneRecord_DropsTheGradientsWithTheirStep()
    {
        using var queue = new ObserverQueue(new ObserverQueueOptions { Capacity = 4 });
        var observer = new ToldObserver();
        queue.Add(observer);
        observer.Hang();
        queue.OnSample(new SampleRecord(0, "x"));
        observer.WaitUntilItHangs();
        for (long step = 1; step <= 2; step++)
        {
            queue.OnStep(TestRecords.Step(step));
            queue.OnGradients(TestRecords.Gradients(step));
        }
        queue.OnStep(TestRecords.Step(3));
        Assert.Equal(2, queue.Dropped);
        observer.LetGo();
        Assert.True(queue.Flush(Plenty));
        Assert.Equal(["sample 0", "step 2", "gradients 2 20", "step 3"], observer.Told);
    }

    [Fact]
    public void Flush_ObserverHangs_ReturnsFalse()
    {
        using var queue = new ObserverQueue();
        var observer = new ToldObserver();
        queue.Add(observer);
        observer.Hang();
        queue.OnStep(TestRecords.Step(1));
        Assert.False(queue.Flush(TimeSpan.FromMilliseconds(30)));
        observer.LetGo();
        Assert.True(queue.Flush(Plenty));
    }

    [Fact]
    public void Flush_FromWithinAnObserver_ReturnsFalseAtOnce()
    {
        using var queue = new ObserverQueue();
        bool? result = null;
        queue.Add(new ToldObserver { OnTold = _ => result = queue.Flush(Plenty) });
        queue.OnStep(TestRecords.Step(1));
        Assert.True(queue.Flush(Plenty));
        Assert.False(result);
    }

    [Fact]
    public void QueueRunEmpty_NobodyAsks_FlushesObservers()
    {
        using var queue = new ObserverQueue();
        using var flushed = new ManualResetEventSlim();
        queue.Add(new FlushObserver(flushed));
        queue.OnStep(TestRecords.Step(1));
        Assert.True(flushed.Wait(Plenty));
    }

    [Fact]
    public void Dispose_RecordsWait_HandsThemOnAndDisposesOfWhatItOwns()
    {
        var queue = new ObserverQueue();
        ToldObserver owned = new(), foreign = new();
        queue.Add(owned, owned: true);
        queue.Add(foreign);
        owned.Hang();
        for (long step = 1; step <= 50; step++)
            queue.OnStep(TestRecords.Step(step));
        owned.LetGo();
        queue.Dispose();
        Assert.Equal(50, owned.Told.Count);
        Assert.Equal(50, foreign.Told.Count);
        Assert.True(owned.IsDisposed);
        Assert.False(foreign.IsDisposed);
        Assert.True(foreign.Flushes > 0);
        queue.OnStep(TestRecords.Step(51));
        queue.Dispose();
        Assert.Throws<ObjectDisposedException>(() => queue.Add(foreign));
        Assert.Equal(50, foreign.Told.Count);
    }

    [Fact]
    public void Dispose_ObserverHangs_ReturnsAfterItsLimitAndSaysWho()
    {
        var queue = new ObserverQueue(new ObserverQueueOptions { DrainLimit = TimeSpan.FromMilliseconds(50) });
        var observer = new ToldObserver();
        queue.Add(observer);
        observer.Hang();
        for (long step = 1; step <= 3; step++)
            queue.OnStep(TestRecords.Step(step));
        observer.WaitUntilItHangs();
        queue.Dispose();
        Assert.Equal(2, queue.Dropped);
        Assert.Contains(queue.Warnings, text => text.Contains(nameof(ToldObserver), StringComparison.Ordinal) && text.Contains("0.1 seconds", StringComparison.Ordinal));
        observer.LetGo();
    }

    [Fact]
    public void Observer_GivenUpAtTheEndOfARun_ThatReturns_IsToldOfTheNextRun()
    {
        using var queue = new ObserverQueue(new ObserverQueueOptions { DrainLimit = TimeSpan.FromMilliseconds(20) });
        var observer = new ToldObserver();
        using var done = new ManualResetEventSlim();
        queue.Add(observer);
        observer.Hang();
        queue.OnStep(TestRecords.Step(1));
        queue.OnStep(TestRecords.Step(2));
        observer.WaitUntilItHangs();
        queue.FlushAtEnd();
        queue.OnStep(TestRecords.Step(3));
        Assert.Equal(2, queue.Dropped);
        observer.LetGo();
        // From here on steps arrive again, as soon as the thread is back.
        Assert.True(SpinWait.SpinUntil(
            () =>
            {
                queue.OnStep(TestRecords.Step(4));
                return observer.Told.Contains("step 4");
            },
            Plenty));
        Assert.True(queue.Flush(Plenty));
    }

    [Fact]
    public void Queue_WithoutObservers_ForgetsRecords()
    {
        using var queue = new ObserverQueue(new ObserverQueueOptions { Capacity = 2 });
        for (long step = 1; step <= 5; step++)
            TellEverything(queue, step);
        Assert.True(queue.Flush(TimeSpan.Zero));
        Assert.Equal(0, queue.Dropped);
    }

    [Theory]
    [InlineData(1, 1, 1, nameof(ObserverQueueOptions.Capacity))]
    [InlineData(2, -1, 1, nameof(ObserverQueueOptions.DrainLimit))]
    [InlineData(2, 1, -1, nameof(ObserverQueueOptions.ExitLimit))]
    public void Options_OutOfRange_AreNamed(int capacity, int drain, int exit, string name) => Assert.Equal(
        name,
        Assert.Throws<ArgumentOutOfRangeException>(() => new ObserverQueue(new ObserverQueueOptions
        {
            Capacity = capacity,
            DrainLimit = TimeSpan.FromSeconds(drain),
            ExitLimit = TimeSpan.FromSeconds(exit),
        })).ParamName);

    private static void TellEverything(ObserverQueue queue, long step)
    {
        queue.OnStep(TestRecords.Step(step));
        queue.OnGradients(TestRecords.Gradients(step));
        queue.OnSpike(new SpikeRecord(step, SpikeQuantity.Loss, 9, 8, 2));
        queue.OnVerdict(TestRecords.Verdict(step));
        queue.OnEvaluation(new EvaluationRecord(step, 2, Best: true));
        queue.OnSample(new SampleRecord(step, "text"));
        queue.OnCheckpoint(new CheckpointRecord(step, "path"));
    }

    /// <summary>Hangs in the first call without allocating, so that only the queue's own memory is measured.</summary>
    private sealed class HangingObserver : IStepObserver
    {
        public ManualResetEventSlim LetGo { get; } = new(false);

        public int Steps { get; private set; }

        public void OnStep(in StepRecord record)
        {
            LetGo.Wait();
            Steps++;
        }
    }

    private sealed class FlushObserver(ManualResetEventSlim flushed) : IStepObserver
    {
        public void Flush() => flushed.Set();
    }
}
