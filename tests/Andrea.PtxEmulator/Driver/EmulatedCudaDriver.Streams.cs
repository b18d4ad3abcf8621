using System.Diagnostics;
using System.Runtime.CompilerServices;
using Andrea.Cuda.Interop;

namespace Andrea.PtxEmulator.Driver;

/// <summary>Streams, events, and graphs that are recorded and replayed.</summary>
internal sealed unsafe partial class EmulatedCudaDriver
{
    // 0 and 1 are the legacy default stream, 2 the thread's own, which follows it.
    private const nint LastDefaultStream = 2;

    private readonly StreamQueue _default = new();
    private readonly Dictionary<nint, StreamQueue> _streams = [];
    private readonly Dictionary<nint, EmulatedEvent> _events = [];
    private readonly Dictionary<nint, StreamQueue.Operation[]> _graphs = [];
    private readonly Dictionary<nint, StreamQueue.Operation[]> _executables = [];

    public nint CreateStream()
    {
        lock (_lock)
        {
            Enter();
            return Add(_streams, new StreamQueue());
        }
    }

    public CudaResult DestroyStream(nint stream)
    {
        lock (_lock)
            // Work under way goes on to its end.
            return _streams.Remove(stream, out StreamQueue? queue) ? Quietly(() => Work(queue.Drain)) : CudaResult.InvalidHandle;
    }

    public void SynchronizeStream(nint stream)
    {
        lock (_lock)
        {
            Enter();
            StreamQueue queue = GetStream(stream);
            if (queue.Recording is not null)
                throw Error(CudaResult.StreamCaptureUnsupported, "a stream that is being recorded cannot be waited for");
            Work(queue.Drain);
        }
    }

    public void WaitForEvent(nint stream, nint @event)
    {
        lock (_lock)
        {
            Enter();
            EmulatedEvent waited = Get(_events, @event, "event");
            if (waited is not { Stream: { } other, Record: { IsDone: false } record })
                return;
            if (GetStream(stream).Recording is not null)
                throw Error(CudaResult.StreamCaptureUnsupported,
                    "waiting for another stream's event within a recording is not known to the emulator");
            Enqueue(stream, () => other.DrainTo(record));
        }
    }

    public nint CreateEvent(bool timed)
    {
        lock (_lock)
        {
            Enter();
            return Add(_events, new EmulatedEvent(timed));
        }
    }

    public CudaResult DestroyEvent(nint @event)
    {
        lock (_lock)
            return _events.Remove(@event) ? CudaResult.Success : CudaResult.InvalidHandle;
    }

    public void RecordEvent(nint @event, nint stream)
    {
        lock (_lock)
        {
            Enter();
            EmulatedEvent recorded = Get(_events, @event, "event");
            StreamQueue queue = GetStream(stream);
            if (queue.Recording is not null)
                throw Error(CudaResult.StreamCaptureUnsupported, "an event within a recording is not known to the emulator");
            recorded.Stream = queue;
            recorded.Record = new StreamQueue.Operation(() => recorded.PassedAt = Stopwatch.GetTimestamp());
            queue.Enqueue(recorded.Record);
        }
    }

    /// <summary>A stream that is asked about moves on by one piece of work, so that asking again and again comes to an end.</summary>
    public bool HasPassed(nint @event)
    {
        lock (_lock)
        {
            Enter();
            RefuseWhileRecording();
            EmulatedEvent asked = Get(_events, @event, "event");
            if (asked is not { Stream: { } stream, Record: { IsDone: false } record })
                return true;
            if (!stream.IsIdle)
                Work(stream.Step);
            return record.IsDone;
        }
    }

    public void SynchronizeEvent(nint @event)
    {
        lock (_lock)
        {
            Enter();
            RefuseWhileRecording();
            if (Get(_events, @event, "event") is { Stream: { } stream, Record: { } record })
                Work(() => stream.DrainTo(record));
        }
    }

    public float GetElapsedMs(nint start, nint end)
    {
        lock (_lock)
        {
            Enter();
            EmulatedEvent first = Get(_events, start, "event");
            EmulatedEvent last = Get(_events, end, "event");
            if (!first.IsTimed || !last.IsTimed || first.Record is null || last.Record is null)
                throw Error(CudaResult.InvalidHandle, "both events must take the time and have been recorded");
            if (!first.Record.IsDone || !last.Record.IsDone)
                throw Error(CudaResult.NotReady, "the events have not both passed");
            return (float)Stopwatch.GetElapsedTime(first.PassedAt, last.PassedAt).TotalMilliseconds;
        }
    }

    public bool IsCapturing(nint stream)
    {
        lock (_lock)
        {
            Enter();
            return GetStream(stream).Recording is not null;
        }
    }

    public void BeginCapture(nint stream)
    {
        lock (_lock)
        {
            Enter();
            StreamQueue queue = GetStream(stream);
            if (queue == _default || queue.Recording is not null)
                throw Error(CudaResult.StreamCaptureUnsupported, "the default stream, or one that is being recorded, cannot be recorded");
            (queue.Recording, queue.RecordingThread) = ([], Environment.CurrentManagedThreadId);
        }
    }

    public nint EndCapture(nint stream)
    {
        lock (_lock)
        {
            Enter();
            StreamQueue queue = GetStream(stream);
            StreamQueue.Operation[] recorded = queue.Recording?.ToArray() ?? throw Error(CudaResult.InvalidValue, "the stream is not being recorded");
            queue.Recording = null;
            return Add(_graphs, recorded);
        }
    }

    public CudaResult DestroyGraph(nint graph)
    {
        lock (_lock)
            return _graphs.Remove(graph) ? CudaResult.Success : CudaResult.InvalidHandle;
    }

    public nint InstantiateGraph(nint graph)
    {
        lock (_lock)
        {
            Enter();
            return Add(_executables, Get(_graphs, graph, "graph"));
        }
    }

    public CudaResult DestroyExecutableGraph(nint executable)
    {
        lock (_lock)
            return _executables.Remove(executable) ? CudaResult.Success : CudaResult.InvalidHandle;
    }

    public void LaunchGraph(nint executable, nint stream)
    {
        lock (_lock)
        {
            Enter();
            foreach (StreamQueue.Operation operation in Get(_executables, executable, "executable graph"))
                Enqueue(stream, operation.Run);
        }
    }

    private StreamQueue GetStream(nint stream, [CallerMemberName] string call = "") =>
        stream is >= 0 and <= LastDefaultStream ? _default : Get(_streams, stream, "stream", call);

    private void Enqueue(nint stream, Action work, [CallerMemberName] string call = "") =>
        GetStream(stream, call).Enqueue(new StreamQueue.Operation(work));

    private void DrainAll([CallerMemberName] string call = "")
    {
        Work(_default.Drain, call);
        foreach (StreamQueue queue in _streams.Values)
            Work(queue.Drain, call);
    }

    /// <summary>What cannot be recorded must not be called by a thread that records.</summary>
    private void RefuseWhileRecording([CallerMemberName] string call = "")
    {
        foreach (StreamQueue queue in _streams.Values)
            if (queue.Recording is not null && queue.RecordingThread == Environment.CurrentManagedThreadId)
                throw Error(CudaResult.StreamCaptureUnsupported, $"{call} cannot be called while the thread records a stream", call);
    }
}
