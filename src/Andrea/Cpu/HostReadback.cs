using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Cpu;

/// <summary>On the CPU a result is there as soon as it is posted: a ring of values, nothing more.</summary>
internal sealed class HostReadback<T>(int capacity, int length) : IReadback<T>
    where T : unmanaged
{
    private readonly T[] _ring = new T[checked(capacity * length)];
    private int _first, _count;

    public int Length => length;

    public bool Post(DeviceBuffer<T> source)
    {
        if (_count == capacity)
            throw new InvalidOperationException($"{_count} results are waiting to be taken, as many as this readback holds. Take them as they come.");
        source.CopyTo(Place((_first + _count) % capacity));
        _count++;
        return true;
    }

    public bool TryTake(Span<T> values)
    {
        if (_count == 0)
            return false;
        Place(_first).CopyTo(values);
        _first = (_first + 1) % capacity;
        _count--;
        return true;
    }

    public void WaitAndTake(Span<T> values)
    {
        if (!TryTake(values))
            throw new InvalidOperationException("No result was posted, so waiting for one would never end.");
    }

    public void Dispose()
    {
    }

    private Span<T> Place(int slot) => _ring.AsSpan(slot * length, length);
}
