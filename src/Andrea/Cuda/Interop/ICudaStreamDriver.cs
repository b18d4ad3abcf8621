namespace Andrea.Cuda.Interop;

/// <summary>The driver's streams, events and graphs. The rules of <see cref="ICudaDriver"/> hold.</summary>
internal interface ICudaStreamDriver
{
    /// <summary>Makes a stream that does not wait for the legacy default stream.</summary>
    nint CreateStream();

    CudaResult DestroyStream(nint stream);

    /// <summary>Waits until the stream has done everything enqueued.</summary>
    void SynchronizeStream(nint stream);

    /// <summary>What is enqueued on the stream from now on waits for the event.</summary>
    void WaitForEvent(nint stream, nint @event);

    /// <summary>Makes an event; one that takes no time is cheaper.</summary>
    nint CreateEvent(bool timed);

    CudaResult DestroyEvent(nint @event);

    void RecordEvent(nint @event, nint stream);

    /// <summary>Whether the stream has passed the event's latest record; never waits. An event never recorded counts as passed.</summary>
    bool HasPassed(nint @event);

    void SynchronizeEvent(nint @event);

    /// <summary>Milliseconds between two timed events that have both passed.</summary>
    float GetElapsedMs(nint start, nint end);

    /// <summary>Whether what is enqueued on the stream is being recorded. Not for the legacy default stream, which cannot be.</summary>
    bool IsCapturing(nint stream);

    /// <summary>From now on what this thread enqueues on the stream is recorded instead of done.</summary>
    void BeginCapture(nint stream);

    /// <summary>Ends the recording.</summary>
    /// <returns>The graph of what was recorded.</returns>
    nint EndCapture(nint stream);

    CudaResult DestroyGraph(nint graph);

    /// <summary>Prepares a graph for launches; the graph itself may be destroyed afterwards.</summary>
    nint InstantiateGraph(nint graph);

    CudaResult DestroyExecutableGraph(nint executable);

    /// <summary>Enqueues everything the graph holds.</summary>
    void LaunchGraph(nint executable, nint stream);
}
