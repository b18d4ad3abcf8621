using Andrea.Cuda.Interop;

namespace Andrea.Cuda.Handles;

/// <summary>Counts what lives in a context and what went wrong when it was given back; releases must not throw, so they count.</summary>
internal sealed class AllocationTracker
{
    private long _live, _liveBytes, _total, _failedReleases, _forgotten;

    /// <summary>Buffers, streams, events, modules and graphs that have not been given back.</summary>
    public long Live => Interlocked.Read(ref _live);

    /// <summary>Bytes of device and page-locked memory among them.</summary>
    public long LiveBytes => Interlocked.Read(ref _liveBytes);

    /// <summary>How many were ever made: must not grow from step to step.</summary>
    public long Total => Interlocked.Read(ref _total);

    /// <summary>How many the driver would not take back.</summary>
    public long FailedReleases => Interlocked.Read(ref _failedReleases);

    /// <summary>How many were given back by the finalizer because nobody disposed them: each one a bug.</summary>
    public long Forgotten => Interlocked.Read(ref _forgotten);

    public void NoteCreation(long bytes)
    {
        Interlocked.Increment(ref _live);
        Interlocked.Increment(ref _total);
        Interlocked.Add(ref _liveBytes, bytes);
    }

    public void NoteEnd(long bytes)
    {
        Interlocked.Decrement(ref _live);
        Interlocked.Add(ref _liveBytes, -bytes);
    }

    public void NoteRelease(CudaResult result)
    {
        if (result != CudaResult.Success && !result.IsShutdown())
            Interlocked.Increment(ref _failedReleases);
    }

    public void NoteForgotten() => Interlocked.Increment(ref _forgotten);
}
