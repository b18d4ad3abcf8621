using Andrea.Cuda.Handles;

namespace Andrea.Cuda;

/// <summary>Moments on a stream, noted when the GPU reaches them: measures without waiting. For benchmarks.</summary>
internal sealed class CudaTimeline(CudaStream stream) : IDisposable
{
    private readonly List<EventHandle> _events = [];
    private int _count;

    /// <summary>Notes the moment at which everything enqueued so far is done.</summary>
    /// <returns>Its number, from 0.</returns>
    public int Mark()
    {
        if (_count == _events.Count)
            _events.Add(new EventHandle(stream.Context, timed: true));
        using (stream.Context.Enter())
            stream.Context.Driver.RecordEvent(_events[_count].Value, stream.Value);
        return _count++;
    }

    /// <summary>Time between two moments, once the stream has passed both.</summary>
    public double MillisecondsBetween(int first, int last)
    {
        using (stream.Context.Enter())
            return stream.Context.Driver.GetElapsedMs(_events[first].Value, _events[last].Value);
    }

    /// <summary>Forgets all moments; their events are used again.</summary>
    public void Reset() => _count = 0;

    public void Dispose()
    {
        foreach (EventHandle handle in _events)
            handle.Dispose();
        _events.Clear();
    }
}
