using System.Globalization;

namespace Andrea.Monitoring;

/// <summary>Hands records on to observers on a thread of its own, so that a slow disk, a hanging pipe or a failing observer never holds up training.</summary>
/// <remarks>
/// Every observer sees the records in the order in which they were told, in the order in which observers were added. Telling a record copies it and
/// returns: it never waits for an observer and allocates nothing for steps and gradients. When <see cref="ObserverQueueOptions.Capacity"/> records
/// wait, the oldest steps and gradients are dropped and counted; evaluations, samples, checkpoints, spikes and verdicts only once no step is left to
/// drop. An observer that throws is taken off for the rest of the run, and <see cref="Warned"/> says so: a full disk must not end a training.
/// <para>Observers are flushed when the queue has run empty, within 20 ms of the last flush, and once a second while it never does; so a process that is
/// killed leaves everything up to then. At an unhandled exception and at the end of the process the queue writes what it holds, for at most
/// <see cref="ObserverQueueOptions.ExitLimit"/>. What an observer reports from within a call, such as a diagnosis its verdicts, goes to all
/// observers right after the record that is being delivered; from within <see cref="IStepObserver.Flush"/>, before the flush is over; while it is
/// disposed of, to those that were added after it. All members may be called from any thread.</para>
/// </remarks>
public sealed partial class ObserverQueue : IStepObserver, IDisposable
{
    private const int MaxPauseMs = 1000;
    private const int LeastFlushIntervalMs = 20;
    private const int MostFlushRounds = 4;

    private readonly object _gate = new();
    private readonly ObserverQueueOptions _options;
    private readonly RecordRing _steps;

    // Rare records, and so made for each; merged with the steps by their sequence numbers.
    private readonly Queue<(long Sequence, Action<IStepObserver> Tell)> _events = new();

    // What observers report while they are told something.
    private readonly Queue<Action<IStepObserver>> _findings = new();
    private readonly List<string> _warnings = [];
    private Subscription[] _observers = [];
    private Thread? _thread;
    private long _accepted, _delivered, _flushed, _flushWanted;
    private long _dropped, _droppedTold;
    private bool _closing, _abandoned;
    private volatile IStepObserver? _busyWith;

    /// <summary>Makes a queue without observers.</summary>
    /// <param name="options">Capacity and limits; null for the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    public ObserverQueue(ObserverQueueOptions? options = null)
    {
        _options = options ?? new ObserverQueueOptions();
        _options.Validate();
        _steps = new RecordRing(_options.Capacity);
    }

    /// <summary>Tells a sentence for the user: an observer has failed and was taken off, does not return, or records were dropped. Called by the
    /// queue's thread, or by the thread that flushes at the end of a run, disposes of the queue or ends the process. A handler's exception is passed over, so that it ends neither the run nor the telling of
    /// the other handlers; the sentence stays in <see cref="Warnings"/>.</summary>
    public event Action<string>? Warned;

    /// <summary>Records that waited too long and were dropped, by no observer seen.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Every sentence that <see cref="Warned"/> has told, or would have if somebody had listened.</summary>
    public IReadOnlyList<string> Warnings
    {
        get
        {
            lock (_gate)
                return [.. _warnings];
        }
    }

    /// <summary>Observers that are still told.</summary>
    public int Count => Volatile.Read(ref _observers).Length;

    /// <summary>Adds an observer; it is told of what comes from now on.</summary>
    /// <param name="observer">Called by the queue's thread only.</param>
    /// <param name="owned">Whether the queue disposes of it, on its own thread, when it is itself disposed or the observer has failed.</param>
    /// <exception cref="ObjectDisposedException">The queue is closed.</exception>
    public void Add(IStepObserver observer, bool owned = false)
    {
        ArgumentNullException.ThrowIfNull(observer);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closing, this);
            _observers = [.. _observers, new Subscription(observer, owned)];
            if (_thread is not null)
                return;
            AppDomain.CurrentDomain.ProcessExit += OnExit;
            AppDomain.CurrentDomain.UnhandledException += OnExit;
            // In the background: an observer that never returns must not keep the process alive.
            _thread = new Thread(Work) { Name = "Andrea observers", IsBackground = true };
            _thread.Start();
        }
    }

    /// <inheritdoc/>
    public void OnStep(in StepRecord record)
    {
        lock (_gate)
        {
            if (!MakeRoom())
                return;
            _steps.Add(++_accepted, record);
            Monitor.PulseAll(_gate);
        }
    }

    /// <inheritdoc/>
    public void OnGradients(GradientRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        lock (_gate)
        {
            if (!MakeRoom())
                return;
            _steps.Add(++_accepted, record);
            Monitor.PulseAll(_gate);
        }
    }

    /// <inheritdoc/>
    public void OnSpike(in SpikeRecord record)
    {
        SpikeRecord copy = record;
        Post(observer => observer.OnSpike(copy));
    }

    /// <inheritdoc/>
    public void OnCurvature(in CurvatureRecord record)
    {
        CurvatureRecord copy = record;
        Post(observer => observer.OnCurvature(copy));
    }

    /// <inheritdoc/>
    public void OnAbsorption(in AbsorptionRecord record)
    {
        AbsorptionRecord copy = record;
        Post(observer => observer.OnAbsorption(copy));
    }

    /// <inheritdoc/>
    public void OnGuard(in GuardRecord record)
    {
        GuardRecord copy = record;
        Post(observer => observer.OnGuard(copy));
    }

    /// <inheritdoc/>
    public void OnVerdict(Verdict verdict) => Post(observer => observer.OnVerdict(verdict));

    /// <inheritdoc/>
    public void OnPhase(PhaseRecord record) => Post(observer => observer.OnPhase(record));

    /// <inheritdoc/>
    public void OnEvaluation(EvaluationRecord record) => Post(observer => observer.OnEvaluation(record));

    /// <inheritdoc/>
    public void OnSample(SampleRecord record) => Post(observer => observer.OnSample(record));

    /// <inheritdoc/>
    public void OnCoherence(CoherenceRecord record) => Post(observer => observer.OnCoherence(record));

    /// <inheritdoc/>
    public void OnCheckpoint(CheckpointRecord record) => Post(observer => observer.OnCheckpoint(record));

    /// <summary>Waits, for at most <see cref="ObserverQueueOptions.DrainLimit"/>, until everything told so far has reached all observers and they are flushed.</summary>
    public void Flush() => Flush(_options.DrainLimit);

    /// <summary>Waits until everything told so far has reached all observers and they are flushed.</summary>
    /// <param name="limit">How long to wait at most.</param>
    /// <returns>Whether it has; false at once from within an observer.</returns>
    public bool Flush(TimeSpan limit)
    {
        long end = Environment.TickCount64 + (long)limit.TotalMilliseconds;
        lock (_gate)
        {
            long target = _accepted;
            if (_flushed >= target)
                return true;
            if (Thread.CurrentThread == _thread || _abandoned)
                return false;
            _flushWanted = target;
            Monitor.PulseAll(_gate);
            while (_flushed < target)
            {
                long left = end - Environment.TickCount64;
                if (left <= 0)
                    return false;
                Monitor.Wait(_gate, (int)Math.Min(left, int.MaxValue));
            }
            return true;
        }
    }

    /// <summary>Hands on what is left, for at most <see cref="ObserverQueueOptions.DrainLimit"/>, disposes of owned observers and ends the thread. Never
    /// throws. An observer that does not return in time is left behind with what is left, and <see cref="Warned"/> says so.</summary>
    public void Dispose()
    {
        Thread? thread;
        lock (_gate)
        {
            if (_closing)
                return;
            _closing = true;
            thread = _thread;
            Monitor.PulseAll(_gate);
        }
        if (thread is null)
            return;
        AppDomain.CurrentDomain.ProcessExit -= OnExit;
        AppDomain.CurrentDomain.UnhandledException -= OnExit;
        // From within an observer the thread cannot be waited for: it ends once that has returned.
        if (thread != Thread.CurrentThread && !thread.Join(_abandoned ? TimeSpan.Zero : _options.DrainLimit))
            Abandon();
        TellDropped();
    }

    /// <summary>The end of a run: flushes, and says what was lost. The queue can be used again.</summary>
    internal void FlushAtEnd()
    {
        if (!Flush(_options.DrainLimit) && Thread.CurrentThread != _thread)
            Abandon();
        TellDropped();
    }

    /// <summary>Gives up what waits for an observer that does not return.</summary>
    private void Abandon()
    {
        IStepObserver? stuck = _busyWith;
        lock (_gate)
        {
            if (_abandoned)
                return;
            _abandoned = true;
            _dropped += _steps.Count + _events.Count;
            while (_steps.Count > 0)
                _steps.DropOldest();
            _events.Clear();
        }
        Warn(string.Create(CultureInfo.InvariantCulture,
            $"{NameOf(stuck)} has not taken its records within {_options.DrainLimit.TotalSeconds:0.#} seconds; the last ones are lost to it."));
    }

    private void OnExit(object? sender, EventArgs arguments) => Flush(_options.ExitLimit);

    /// <summary>Tells every observer something that is no record, in its turn among the records.</summary>
    internal void Post(Action<IStepObserver> tell)
    {
        lock (_gate)
        {
            if (Thread.CurrentThread == _thread)
            {
                _findings.Enqueue(tell);
                return;
            }
            if (!MakeRoom())
                return;
            _events.Enqueue((++_accepted, tell));
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Whether another record may be added; drops the oldest where there is no room.</summary>
    private bool MakeRoom()
    {
        if (_closing || _observers.Length == 0)
            return false;
        if (_abandoned)
        {
            _dropped++;
            return false;
        }
        if (_steps.Count + _events.Count < _options.Capacity)
            return true;
        if (_steps.Count > 0)
        {
            _dropped += _steps.DropOldest();
            return true;
        }
        _events.Dequeue();
        _dropped++;
        return true;
    }

    private void TellDropped()
    {
        long count;
        lock (_gate)
        {
            count = _dropped - _droppedTold;
            _droppedTold = _dropped;
        }
        if (count > 0)
            Warn(string.Create(CultureInfo.InvariantCulture,
                $"{count} records were dropped because an observer was slower than the training; files and charts have gaps there."));
    }

    /// <summary>Tells <see cref="Warned"/> a sentence and keeps it.</summary>
    internal void Warn(string sentence)
    {
        lock (_gate)
            _warnings.Add(sentence);
        foreach (Action<string> handler in Delegate.EnumerateInvocationList(Warned))
            try
            {
                handler(sentence);
            }
            catch (Exception)
            {
                // Whoever cannot be told must not end a run either; the sentence is kept in Warnings.
            }
    }

    private static string NameOf(IStepObserver? observer) => observer is null ? "An observer" : $"The observer {observer}";

    /// <summary>An observer, and whether it goes with the queue.</summary>
    private sealed record Subscription(IStepObserver Observer, bool Owned);
}
