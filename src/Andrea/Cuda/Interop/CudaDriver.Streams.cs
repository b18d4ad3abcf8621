namespace Andrea.Cuda.Interop;

internal sealed partial class CudaDriver
{
    private const uint NonBlockingStream = 1;
    private const uint UntimedEvent = 2;

    // Other threads may go on allocating during a capture; only this thread is held to what can be captured.
    private const int CaptureThreadLocal = 1;

    public nint CreateStream()
    {
        Check(Native.cuStreamCreate(out nint stream, NonBlockingStream));
        return stream;
    }

    public CudaResult DestroyStream(nint stream) => Native.cuStreamDestroy_v2(stream);

    public void SynchronizeStream(nint stream) => Check(Native.cuStreamSynchronize(stream));

    public void WaitForEvent(nint stream, nint @event) => Check(Native.cuStreamWaitEvent(stream, @event, 0));

    public nint CreateEvent(bool timed)
    {
        Check(Native.cuEventCreate(out nint @event, timed ? 0 : UntimedEvent));
        return @event;
    }

    public CudaResult DestroyEvent(nint @event) => Native.cuEventDestroy_v2(@event);

    public void RecordEvent(nint @event, nint stream) => Check(Native.cuEventRecord(@event, stream));

    public bool HasPassed(nint @event)
    {
        CudaResult result = Native.cuEventQuery(@event);
        if (result == CudaResult.NotReady)
            return false;
        Check(result, "cuEventQuery(@event)");
        return true;
    }

    public void SynchronizeEvent(nint @event) => Check(Native.cuEventSynchronize(@event));

    public float GetElapsedMs(nint start, nint end)
    {
        Check(Native.cuEventElapsedTime(out float milliseconds, start, end));
        return milliseconds;
    }

    public bool IsCapturing(nint stream)
    {
        Check(Native.cuStreamIsCapturing(stream, out int status));
        return status != 0;
    }

    public void BeginCapture(nint stream) => Check(Native.cuStreamBeginCapture_v2(stream, CaptureThreadLocal));

    public nint EndCapture(nint stream)
    {
        Check(Native.cuStreamEndCapture(stream, out nint graph));
        return graph;
    }

    public CudaResult DestroyGraph(nint graph) => Native.cuGraphDestroy(graph);

    public nint InstantiateGraph(nint graph)
    {
        Check(Native.cuGraphInstantiateWithFlags(out nint executable, graph, 0));
        return executable;
    }

    public CudaResult DestroyExecutableGraph(nint executable) => Native.cuGraphExecDestroy(executable);

    public void LaunchGraph(nint executable, nint stream) => Check(Native.cuGraphLaunch(executable, stream));
}
