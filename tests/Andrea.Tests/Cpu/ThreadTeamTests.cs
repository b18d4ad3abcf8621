using Andrea.Cpu;

namespace Andrea.Tests.Cpu;

public class ThreadTeamTests
{
    private unsafe struct CountVisits : IRangeWork
    {
        public int* Visits;
        public int* Workers;

        public readonly void Run(long start, long end, int worker)
        {
            for (long i = start; i < end; i++)
            {
                Interlocked.Increment(ref Visits[i]);
                Workers[i] = worker;
            }
        }
    }

    private struct Fails : IRangeWork
    {
        public readonly void Run(long start, long end, int worker)
        {
            if (end > 3)
                throw new InvalidTimeZoneException("planted");
        }
    }

    /// <summary>Each thread waits in the first range it takes until all are there.</summary>
    private readonly unsafe struct Meets(Barrier allInside, int* workers, int count) : IRangeWork
    {
        public void Run(long start, long end, int worker)
        {
            bool isFirst = true;
            for (int i = 0; i < count; i++)
                isFirst &= workers[i] != worker;
            workers[start] = worker;
            if (isFirst)
                allInside.SignalAndWait();
        }
    }

    private struct Waits(ManualResetEventSlim begun, ManualResetEventSlim mayEnd) : IRangeWork
    {
        public readonly void Run(long start, long end, int worker)
        {
            begun.Set();
            mayEnd.Wait();
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    public unsafe void Run_EveryIndex_IsVisitedOnce(int threads)
    {
        using var team = new ThreadTeam(threads);
        Span<int> visits = stackalloc int[500], workers = stackalloc int[500];
        for (int round = 0; round < 400; round++)
        {
            int count = round % 500 + 1;
            visits.Clear();
            fixed (int* v = visits, w = workers)
            {
                var work = new CountVisits { Visits = v, Workers = w };
                team.Run(ref work, count, grain: 1 + round % 9);
            }
            for (int i = 0; i < 500; i++)
                Assert.Equal(i < count ? 1 : 0, visits[i]);
            for (int i = 0; i < count; i++)
                Assert.InRange(workers[i], 0, threads - 1);
        }
    }

    [Fact]
    public unsafe void Run_AfterThreadsFellAsleep_StillDoesTheWork()
    {
        using var team = new ThreadTeam(3);
        Span<int> visits = stackalloc int[8], workers = stackalloc int[8];
        for (int round = 0; round < 5; round++)
        {
            Thread.Sleep(20);
            visits.Clear();
            fixed (int* v = visits, w = workers)
            {
                var work = new CountVisits { Visits = v, Workers = w };
                team.Run(ref work, 8);
            }
            Assert.Equal([1, 1, 1, 1, 1, 1, 1, 1], visits.ToArray());
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Run_WorkThatThrows_ReportsItAndTheTeamStaysUsable(int threads)
    {
        using var team = new ThreadTeam(threads);
        var work = new Fails();
        var exception = Assert.Throws<InvalidOperationException>(() =>
        {
            var failing = new Fails();
            team.Run(ref failing, 4);
        });
        Assert.IsType<InvalidTimeZoneException>(exception.InnerException);
        team.Run(ref work, 3);
    }

    [Fact]
    public unsafe void Run_AllThreadsInside_EachBeginsWithItsOwnSegment()
    {
        const int threads = 4, grain = 3, grains = 2 * threads;
        using var team = new ThreadTeam(threads);
        using var allInside = new Barrier(threads);
        Span<int> workers = stackalloc int[grains * grain];
        for (int round = 0; round < 50; round++)
        {
            workers.Fill(-1);
            fixed (int* w = workers)
            {
                var work = new Meets(allInside, w, workers.Length);
                team.Run(ref work, grains * grain, grain);
            }
            for (int segment = 0; segment < threads; segment++)
                Assert.Equal(segment, workers[segment * 2 * grain]);
        }
    }

    [Theory]
    [InlineData(1, 5)]
    [InlineData(2, 5)]
    [InlineData(2, 1)]
    public void Run_WhileAnotherCallerRuns_IsRefusedAndTheTeamStaysUsable(int threads, int count)
    {
        using var team = new ThreadTeam(threads);
        using ManualResetEventSlim begun = new(), mayEnd = new();
        var first = new Thread(() =>
        {
            var waits = new Waits(begun, mayEnd);
            team.Run(ref waits, count);
        });
        first.Start();
        begun.Wait(TestContext.Current.CancellationToken);
        var exception = Assert.Throws<InvalidOperationException>(() =>
        {
            var second = new Fails();
            team.Run(ref second, 1);
        });
        mayEnd.Set();
        first.Join();
        Assert.StartsWith("Two threads compute on one device at once.", exception.Message, StringComparison.Ordinal);
        var work = new Fails();
        team.Run(ref work, 3);
    }

    [Fact]
    public void Run_AfterDispose_IsRefused()
    {
        var team = new ThreadTeam(2);
        team.Dispose();
        Assert.Throws<ObjectDisposedException>(() =>
        {
            var work = new Fails();
            team.Run(ref work, 3);
        });
    }

    [Fact]
    public void Run_NothingToDo_ReturnsAtOnce()
    {
        using var team = new ThreadTeam(2);
        var work = new Fails();
        team.Run(ref work, 0);
    }
}
