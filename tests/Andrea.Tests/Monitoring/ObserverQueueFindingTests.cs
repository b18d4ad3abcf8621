using Andrea.Monitoring;

namespace Andrea.Tests.Monitoring;

/// <summary>What observers tell the queue from within its own calls.</summary>
public class ObserverQueueFindingTests
{
    private static readonly TimeSpan Plenty = TimeSpan.FromMinutes(1);

    [Fact]
    public void Finding_OfAnObserver_ReachesAllRightAfterTheRecord()
    {
        using var queue = new ObserverQueue();
        ToldObserver before = new(), diagnosis = new(), after = new();
        diagnosis.OnTold = what =>
        {
            if (what == "step 2")
                queue.OnVerdict(TestRecords.Verdict(2));
        };
        queue.Add(before);
        queue.Add(diagnosis);
        queue.Add(after);
        before.Hang();
        for (long step = 1; step <= 3; step++)
            queue.OnStep(TestRecords.Step(step));
        before.LetGo();
        Assert.True(queue.Flush(Plenty));
        foreach (ToldObserver observer in (ToldObserver[])[before, diagnosis, after])
            Assert.Equal(["step 1", "step 2", "verdict 2", "step 3"], observer.Told);
    }

    [Fact]
    public void Finding_OfAFlush_HasReachedAllAndIsFlushedWhenFlushReturns()
    {
        using var queue = new ObserverQueue();
        ToldObserver before = new(), diagnosis = new(), after = new();
        bool isPending = true;
        var flushedWith = new List<int>();
        before.OnFlush = () => flushedWith.Add(before.Told.Count);
        diagnosis.OnFlush = () =>
        {
            if (isPending)
                queue.OnVerdict(TestRecords.Verdict(1));
            isPending = false;
        };
        queue.Add(before);
        queue.Add(diagnosis);
        queue.Add(after);
        queue.OnStep(TestRecords.Step(1));
        Assert.True(queue.Flush(Plenty));
        foreach (ToldObserver observer in (ToldObserver[])[before, diagnosis, after])
            Assert.Equal(["step 1", "verdict 1"], observer.Told);
        Assert.Equal(2, flushedWith[^1]);
    }

    [Fact]
    public void Finding_OfEveryFlush_DoesNotKeepTheFlushGoing()
    {
        using var queue = new ObserverQueue();
        var observer = new ToldObserver();
        observer.OnFlush = () => queue.OnVerdict(TestRecords.Verdict(1));
        queue.Add(observer);
        queue.OnStep(TestRecords.Step(1));
        Assert.True(queue.Flush(Plenty));
        Assert.Contains("verdict 1", observer.Told);
    }

    [Fact]
    public void Finding_OfADispose_ReachesTheObserversNotYetDisposedOf()
    {
        var queue = new ObserverQueue();
        ToldObserver diagnosis = new(), foreign = new(), owned = new();
        var toldAtDispose = new List<string>();
        diagnosis.OnDispose = () => queue.OnVerdict(TestRecords.Verdict(1));
        owned.OnDispose = () => toldAtDispose.AddRange(owned.Told);
        queue.Add(diagnosis, owned: true);
        queue.Add(foreign);
        queue.Add(owned, owned: true);
        queue.OnStep(TestRecords.Step(1));
        Assert.True(queue.Flush(Plenty));
        int flushes = foreign.Flushes;
        queue.Dispose();
        Assert.Equal(["step 1"], diagnosis.Told);
        Assert.Equal(["step 1", "verdict 1"], foreign.Told);
        Assert.Equal(["step 1", "verdict 1"], toldAtDispose);
        Assert.True(foreign.Flushes > flushes);
        Assert.True(owned.IsDisposed);
        Assert.Equal(0, queue.Count);
    }

    [Fact]
    public void Queue_NeverEmpty_FlushesAllTheSame()
    {
        using var queue = new ObserverQueue();
        var observer = new FeedingObserver(queue);
        queue.Add(observer);
        queue.OnStep(TestRecords.Step(1));
        Assert.True(observer.Flushed.Wait(Plenty));
        Assert.True(observer.WasFedWhenFlushed, "observers were flushed only when the queue had run empty");
    }

    /// <summary>Tells the queue the next step from within each, so that one always waits: until it is flushed, or for 20 seconds.</summary>
    private sealed class FeedingObserver(ObserverQueue queue) : IStepObserver
    {
        private readonly long _end = Environment.TickCount64 + 20_000;
        private bool _feeds = true;

        public ManualResetEventSlim Flushed { get; } = new(false);

        public bool WasFedWhenFlushed { get; private set; }

        public void OnStep(in StepRecord record)
        {
            _feeds = _feeds && Environment.TickCount64 < _end;
            if (_feeds)
                queue.OnStep(record with { Step = record.Step + 1 });
            Thread.Sleep(1);
        }

        public void Flush()
        {
            if (!Flushed.IsSet)
                WasFedWhenFlushed = _feeds;
            _feeds = false;
            Flushed.Set();
        }
    }
}
