using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Cpu;

/// <summary>On the CPU a result is there as soon as it is posted: a ring of values, nothing more.</summary>
internal sealed class HostReadback<T>(int capacity) : IReadback<T>
    where T : unmanaged
{
    private readonly T[] _ring = new T[capacity];
    private int _first, _count;

    public bool Post(DeviceBuffer<T> source)
    {
        if (_count == _ring.Length)
            throw new InvalidOperationException($"{_count} results are waiting to be taken, as many as this readback holds. Take them as they come.");
        source.CopyTo(_ring.AsSpan((_first + _count) % _ring.Length, 1));
        _count++;
        return true;
    }

    public bool TryTake(out T value)
    {
        value = default;
        if (_count == 0)
            return false;
        value = _ring[_first];
        _first = (_first + 1) % _ring.Length;
        _count--;
        return true;
    }

    public T WaitAndTake() =>
        TryTake(out T value) ? value : throw new InvalidOperationException("No result was posted, so waiting for one would never end.");

    public void Dispose()
    {
    }
}
