namespace Andrea.Monitoring;

public sealed partial class ObserverQueue
{
    private long _lastFlush;

    /// <summary>What the queue's thread does: takes the oldest record, tells it to all, flushes now and then.</summary>
    private void Work()
    {
        _lastFlush = Environment.TickCount64;
        while (true)
        {
            QueuedRecord record = default;
            Action<IStepObserver>? tell = null;
            lock (_gate)
            {
                while (!FlushIsDue() && !TryTake(out record, out tell))
                {
                    if (_closing && _delivered == _flushed)
                        break;
                    Monitor.Wait(_gate, UntilNextFlush());
                }
            }
            if (record.Sequence == 0)
            {
                if (_delivered == _flushed)
                {
                    if (Volatile.Read(ref _closing))
                        break;
                    continue;
                }
                FlushAll();
                continue;
            }
            Deliver(record, tell);
        }
        ReleaseAll();
    }

    /// <summary>Disposes of the observers one by one; what one of them still reports reaches those after it.</summary>
    private void ReleaseAll()
    {
        while (_observers is [Subscription first, .. Subscription[] rest])
        {
            lock (_gate)
                _observers = rest;
            Release(first, isFailed: false);
            if (DeliverFindings())
                FlushObservers();
        }
    }

    /// <summary>Whether observers have something unflushed, and it is time: someone waits, a second is over, or the queue is empty for now.</summary>
    private bool FlushIsDue()
    {
        if (_delivered == _flushed)
            return false;
        long since = Environment.TickCount64 - _lastFlush;
        bool isEmpty = _steps.Count == 0 && _events.Count == 0;
        return since >= MaxPauseMs || (_flushWanted > _flushed && _delivered >= _flushWanted) || (isEmpty && (since >= LeastFlushIntervalMs || _closing));
    }

    private int UntilNextFlush() =>
        _delivered == _flushed ? Timeout.Infinite : (int)Math.Clamp(LeastFlushIntervalMs - (Environment.TickCount64 - _lastFlush), 1, LeastFlushIntervalMs);

    private bool TryTake(out QueuedRecord record, out Action<IStepObserver>? tell)
    {
        tell = null;
        if (_events.TryPeek(out (long Sequence, Action<IStepObserver> Tell) next) && next.Sequence < _steps.Oldest)
        {
            _events.Dequeue();
            record = new QueuedRecord { Sequence = next.Sequence };
            tell = next.Tell;
            return true;
        }
        if (_steps.Count == 0)
        {
            record = default;
            return false;
        }
        _steps.Take(out record);
        return true;
    }

    private void Deliver(in QueuedRecord record, Action<IStepObserver>? tell)
    {
        TellAll(record, tell);
        lock (_gate)
        {
            if (record.Gradients is { } gradients)
                _steps.Return(gradients);
            _delivered = record.Sequence;
            ComeBack();
        }
        DeliverFindings();
    }

    /// <summary>Tells everyone what observers have reported meanwhile.</summary>
    /// <returns>Whether there was anything.</returns>
    private bool DeliverFindings()
    {
        bool any = false;
        while (TryTakeFinding(out Action<IStepObserver> finding))
        {
            TellAll(default, finding);
            any = true;
        }
        return any;
    }

    private void TellAll(in QueuedRecord record, Action<IStepObserver>? tell)
    {
        foreach (Subscription subscription in Volatile.Read(ref _observers))
        {
            _busyWith = subscription.Observer;
            try
            {
                if (tell is not null)
                    tell(subscription.Observer);
                else if (record.Gradients is { } gradients)
                    subscription.Observer.OnGradients(gradients);
                else
                    subscription.Observer.OnStep(record.Step);
            }
            catch (Exception exception)
            {
                TakeOff(subscription, exception);
            }
        }
        _busyWith = null;
    }

    private bool TryTakeFinding(out Action<IStepObserver> finding)
    {
        lock (_gate)
            return _findings.TryDequeue(out finding!);
    }

    private void FlushAll()
    {
        // What an observer reports when it is flushed belongs to this flush: the others get it and are flushed again, but not for ever.
        int round = 0;
        do
            FlushObservers();
        while (DeliverFindings() && ++round < MostFlushRounds);
        lock (_gate)
        {
            _lastFlush = Environment.TickCount64;
            ComeBack();
            _flushed = _delivered;
            Monitor.PulseAll(_gate);
        }
    }

    private void FlushObservers()
    {
        foreach (Subscription subscription in Volatile.Read(ref _observers))
        {
            _busyWith = subscription.Observer;
            try
            {
                subscription.Observer.Flush();
            }
            catch (Exception exception)
            {
                TakeOff(subscription, exception);
            }
        }
        _busyWith = null;
    }

    /// <summary>An observer that was given up has returned after all: what comes now can be told again, and nobody waits for what was dropped.</summary>
    private void ComeBack()
    {
        if (!_abandoned)
            return;
        _abandoned = false;
        _delivered = _accepted;
    }

    private void TakeOff(Subscription failed, Exception exception)
    {
        lock (_gate)
            _observers = [.. _observers.Where(subscription => subscription != failed)];
        Release(failed, isFailed: true);
        Warn($"{NameOf(failed.Observer)} failed and is told nothing more: {exception.Message.TrimEnd('.')}. The training goes on.");
    }

    /// <summary>Disposes of an observer that belongs to the queue.</summary>
    private void Release(Subscription subscription, bool isFailed)
    {
        if (!subscription.Owned || subscription.Observer is not IDisposable disposable)
            return;
        _busyWith = subscription.Observer;
        try
        {
            disposable.Dispose();
        }
        catch (Exception exception)
        {
            if (!isFailed)
                Warn($"{NameOf(subscription.Observer)} could not be closed in good order: {exception.Message.TrimEnd('.')}.");
        }
        _busyWith = null;
    }
}
