namespace Andrea.PtxEmulator.Driver;

/// <summary>
/// Work enqueued on one stream. Nothing is done until somebody waits for it, which is the latest that a GPU may do it: who reads
/// without waiting finds nothing.
/// </summary>
internal sealed class StreamQueue
{
    private readonly Queue<Operation> _pending = new();

    /// <summary>What is recorded instead of being enqueued; null outside a capture.</summary>
    public List<Operation>? Recording { get; set; }

    /// <summary>The thread that began the capture.</summary>
    public int RecordingThread { get; set; }

    public bool IsIdle => _pending.Count == 0;

    public void Enqueue(Operation operation)
    {
        if (Recording is { } recording)
            recording.Add(operation);
        else
            _pending.Enqueue(operation);
    }

    /// <summary>Does the next piece of work.</summary>
    public void Step()
    {
        Operation next = _pending.Peek();
        next.Run();
        // A failing operation stays; the context is lost then anyway.
        _pending.Dequeue();
        next.IsDone = true;
    }

    public void Drain()
    {
        while (_pending.Count > 0)
            Step();
    }

    /// <summary>Works until an operation of this stream is done.</summary>
    public void DrainTo(Operation operation)
    {
        while (!operation.IsDone && _pending.Count > 0)
            Step();
    }

    public void Clear() => _pending.Clear();

    /// <summary>One piece of work.</summary>
    internal sealed class Operation(Action run)
    {
        public bool IsDone { get; set; }

        public Action Run { get; } = run;
    }
}

/// <summary>An event: its latest record, and when the stream passed it.</summary>
internal sealed class EmulatedEvent(bool isTimed)
{
    public bool IsTimed { get; } = isTimed;

    public StreamQueue? Stream { get; set; }

    public StreamQueue.Operation? Record { get; set; }

    public long PassedAt { get; set; }
}
