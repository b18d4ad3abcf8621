using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Andrea.Cpu;

/// <summary>Work that can be cut into ranges of indices, done by whichever thread has time.</summary>
/// <remarks>What is written for an index must depend on the index alone: neither on the range's bounds nor on the worker.
/// That is what makes results the same for any number of threads. Run must not throw and must not allocate.</remarks>
internal interface IRangeWork
{
    /// <summary>Does the indices <paramref name="start"/> up to but excluding <paramref name="end"/>.</summary>
    /// <param name="start">First index.</param>
    /// <param name="end">One past the last index.</param>
    /// <param name="worker">0 up to the team's thread count - 1; two concurrent calls never share it. For scratch memory.</param>
    void Run(long start, long end, int worker);
}

/// <summary>The threads of a CPU backend. They live as long as it does, spin briefly for the next operation, then sleep.</summary>
/// <remarks>One caller at a time. The caller works too, and waits only for threads that have taken some of the work: one that the system
/// has put aside costs nothing but its help. Starting an operation allocates nothing and costs about a microsecond.
/// Each thread begins with a segment of the indices that is the same in every operation of as many, and then helps with the others' segments
/// (affinity scheduling, Markatos and LeBlanc 1994). So what a thread wrote for a token in one operation mostly lies in its own caches in the next.</remarks>
internal sealed unsafe class ThreadTeam : IDisposable
{
    // About 50 microseconds: longer than the gaps between operations of a step, shorter than anyone would notice in a core's idle time.
    private const int SpinsBeforeSleep = 1500;

    // The state: number of the operation in the upper half; below it whether it is closed, and how many workers are inside.
    private const long OneOperation = 1L << 32;
    private const long Closed = 1L << 31;
    private const long WorkersInside = Closed - 1;

    // Two cache lines, since processors fetch them in pairs.
    private const int NextStride = 16;

    private readonly Thread[] _workers;
    private readonly long[] _next;
    private readonly object _gate = new();
    private readonly bool _oversubscribed;

    private delegate*<void*, long, long, int, void> _invoke;
    private void* _work;
    private long _count;
    private long _grain;
    private long _grains;
    private Exception? _failure;
    private bool _stopping;
    private int _busy;
    private Shared _shared;

    /// <summary>What all threads write, each on a cache line of its own.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 384)]
    private struct Shared
    {
        [FieldOffset(128)] public long State;
        [FieldOffset(256)] public int Sleeping;
    }

    public ThreadTeam(int threadCount)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threadCount, 1);
        ThreadCount = threadCount;
        _oversubscribed = threadCount > Environment.ProcessorCount;
        _shared.State = Closed;
        _next = new long[(threadCount + 1) * NextStride];
        _workers = new Thread[threadCount - 1];
        for (int i = 0; i < _workers.Length; i++)
        {
            int worker = i + 1;
            _workers[i] = new Thread(() => Work(worker)) { IsBackground = true, Name = $"Andrea worker {worker}" };
            _workers[i].Start();
        }
    }

    /// <summary>Number of threads, the caller's included.</summary>
    public int ThreadCount { get; }

    /// <summary>Whether the threads have ended.</summary>
    public bool IsDisposed => _stopping;

    /// <summary>Does all indices from 0 to <paramref name="count"/> - 1 and returns when all are done.</summary>
    /// <param name="work">The work; lives on the caller's stack.</param>
    /// <param name="count">Number of indices.</param>
    /// <param name="grain">How many neighbouring indices a thread takes at once.</param>
    /// <exception cref="ObjectDisposedException">The device has been disposed.</exception>
    /// <exception cref="InvalidOperationException">Another thread is computing on this device, or the work threw.</exception>
    public void Run<TWork>(ref TWork work, long count, long grain = 1)
        where TWork : struct, IRangeWork
    {
        Debug.Assert(grain > 0, "a grain of 0 would never end");
        ObjectDisposedException.ThrowIf(_stopping, typeof(Device));
        if (count <= 0)
            return;
        // Before all else: operations of one thread share scratch memory as well.
        if (Interlocked.Exchange(ref _busy, 1) != 0)
            throw new InvalidOperationException("Two threads compute on one device at once. Give each its own device, or let one wait for the other.");
        // Nobody is inside a closed operation, so nobody reads these while they change.
        _invoke = &Invoke<TWork>;
        _work = Unsafe.AsPointer(ref work);
        _count = count;
        bool together = _workers.Length > 0 && count > grain;
        _grain = together ? grain : count;
        _grains = (count + _grain - 1) / _grain;
        for (int segment = 0; segment < ThreadCount; segment++)
            Next(segment) = SegmentStart(segment);
        if (together)
            Open();
        TakeRanges(0);
        if (together)
            Close();
        Volatile.Write(ref _busy, 0);
        if (_failure is { } failure)
        {
            _failure = null;
            throw new InvalidOperationException("A worker thread failed; this is a defect in Andrea.", failure);
        }
    }

    /// <summary>Ends the threads. Must not be called while work is running.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _stopping = true;
            Monitor.PulseAll(_gate);
        }
        foreach (Thread worker in _workers)
            worker.Join();
    }

    private static void Invoke<TWork>(void* work, long start, long end, int worker)
        where TWork : struct, IRangeWork =>
        Unsafe.AsRef<TWork>(work).Run(start, end, worker);

    private void Open()
    {
        // Full fence: what the operation is about is visible before it is open, and Sleeping is read after it.
        Interlocked.Exchange(ref _shared.State, (_shared.State & ~(OneOperation - 1)) + OneOperation);
        if (Volatile.Read(ref _shared.Sleeping) > 0)
            lock (_gate)
                Monitor.PulseAll(_gate);
    }

    /// <summary>Lets no further worker in, and waits for those inside.</summary>
    private void Close()
    {
        Interlocked.Or(ref _shared.State, Closed);
        var spinner = new SpinWait();
        while ((Volatile.Read(ref _shared.State) & WorkersInside) > 0)
        {
            if (_oversubscribed)
                Thread.Yield();
            else
                spinner.SpinOnce(sleep1Threshold: -1);
        }
    }

    private void TakeRanges(int worker)
    {
        try
        {
            for (int i = 0; i < ThreadCount; i++)
                TakeRanges((worker + i) % ThreadCount, worker);
        }
        catch (Exception exception)
        {
            _failure = exception;
        }
    }

    private void TakeRanges(int segment, int worker)
    {
        ref long next = ref Next(segment);
        long segmentEnd = SegmentStart(segment + 1);
        while (Volatile.Read(ref next) < segmentEnd)
        {
            long grain = Interlocked.Increment(ref next) - 1;
            if (grain < segmentEnd)
                _invoke(_work, grain * _grain, Math.Min((grain + 1) * _grain, _count), worker);
        }
    }

    /// <summary>The grain that comes next in a segment. The first place of the array stays unused: its lines are those of the array's header.</summary>
    private ref long Next(int segment) => ref _next[(segment + 1) * NextStride];

    /// <summary>The first grain of a segment.</summary>
    private long SegmentStart(int segment) => _grains * segment / ThreadCount;

    private void Work(int worker)
    {
        long seen = 0;
        while (WaitForNewOperation(ref seen))
        {
            if (!TryEnter())
                continue;
            TakeRanges(worker);
            Interlocked.Decrement(ref _shared.State);
        }
    }

    /// <summary>Counts this worker in, unless the operation has been closed meanwhile.</summary>
    private bool TryEnter()
    {
        long state = Volatile.Read(ref _shared.State);
        while ((state & Closed) == 0)
        {
            long found = Interlocked.CompareExchange(ref _shared.State, state + 1, state);
            if (found == state)
                return true;
            state = found;
        }
        return false;
    }

    private bool WaitForNewOperation(ref long seen)
    {
        int spins = _oversubscribed ? 1 : SpinsBeforeSleep;
        for (int i = 0; i < spins && CurrentOperation == seen; i++)
            Thread.SpinWait(8);
        if (CurrentOperation == seen)
        {
            lock (_gate)
            {
                // Full fence: either the caller sees a sleeper after opening, or the sleeper sees the new operation here.
                Interlocked.Increment(ref _shared.Sleeping);
                while (CurrentOperation == seen && !_stopping)
                    Monitor.Wait(_gate);
                Interlocked.Decrement(ref _shared.Sleeping);
            }
        }
        if (CurrentOperation == seen)
            return false;
        seen = CurrentOperation;
        return true;
    }

    private long CurrentOperation => Volatile.Read(ref _shared.State) >> 32;
}
