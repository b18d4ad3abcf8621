using Andrea.Backends;
using Andrea.Cuda.Handles;
using Andrea.Tensors;

namespace Andrea.Cuda.Memory;

/// <summary>Brings results to the host through a ring of page-locked memory: the device copies when it comes to it, the host looks when it likes.</summary>
internal sealed unsafe class CudaReadback<T> : IReadback<T>
    where T : unmanaged
{
    private readonly CudaStream _stream;
    private readonly PinnedHandle _ring;
    private readonly EventHandle[] _arrivals;
    private readonly OwnedMemory _owned = new();
    private int _first, _count;

    public CudaReadback(CudaStream stream, int capacity, int length)
    {
        _stream = stream;
        Length = length;
        _arrivals = new EventHandle[capacity];
        try
        {
            _ring = _owned.Add(new PinnedHandle(stream.Context, (long)capacity * length * sizeof(T)));
            for (int i = 0; i < capacity; i++)
                _arrivals[i] = _owned.Add(new EventHandle(stream.Context, timed: false));
        }
        catch
        {
            _owned.Dispose();
            throw;
        }
    }

    public int Length { get; }

    public bool Post(DeviceBuffer<T> source)
    {
        if (_stream.IsRecording)
            return false;
        if (_count == _arrivals.Length)
            throw new InvalidOperationException($"{_count} results are under way, as many as this readback holds. Take them as they come.");
        int slot = (_first + _count) % _arrivals.Length;
        using (_stream.Context.Enter())
        {
            if (Length > 0)
                _stream.Context.Driver.CopyDeviceToHostAsync(Place(slot), source.Address, (long)Length * sizeof(T), _stream.Value);
            _stream.Context.Driver.RecordEvent(_arrivals[slot].Value, _stream.Value);
        }
        _count++;
        return true;
    }

    public bool TryTake(Span<T> values)
    {
        if (_count == 0)
            return false;
        using (_stream.Context.Enter())
        {
            if (!_stream.Context.Driver.HasPassed(_arrivals[_first].Value))
                return false;
        }
        Take(values);
        return true;
    }

    public void WaitAndTake(Span<T> values)
    {
        if (_count == 0)
            throw new InvalidOperationException("No result was posted, so waiting for one would never end.");
        using (_stream.Context.Enter())
            _stream.Context.Driver.SynchronizeEvent(_arrivals[_first].Value);
        Take(values);
    }

    public void Dispose()
    {
        // Copies under way still write to the ring.
        if (_count > 0 && !_ring.IsClosed)
            _stream.TrySynchronize();
        _owned.Dispose();
    }

    private void Take(Span<T> values)
    {
        new ReadOnlySpan<T>(Place(_first), Length).CopyTo(values);
        _first = (_first + 1) % _arrivals.Length;
        _count--;
    }

    private T* Place(int slot) => (T*)_ring.Value + (long)slot * Length;
}
