using System.Runtime.InteropServices;
using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Training.Guard;

/// <summary>A small state on the device with copies of it, one for each snapshot.</summary>
internal abstract class DeviceState : IDisposable
{
    /// <summary>Copies the state into a snapshot; does not wait.</summary>
    public abstract void Capture(int snapshot);

    /// <summary>Copies a snapshot over the state; does not wait.</summary>
    public abstract void Restore(int snapshot);

    /// <summary>The bytes of a snapshot, or of the state itself for -1. Waits for the device.</summary>
    public abstract byte[] Read(int snapshot);

    /// <summary>Overwrites a snapshot, or the state itself for -1; does nothing when the bytes are of another size, as with other options.</summary>
    /// <returns>Whether they fit.</returns>
    public abstract bool Write(int snapshot, ReadOnlySpan<byte> bytes);

    public abstract void Dispose();
}

/// <summary>A small state of elements of type <typeparamref name="T"/>.</summary>
internal sealed class DeviceState<T> : DeviceState
    where T : unmanaged
{
    private readonly IBackend _backend;
    private readonly DeviceBuffer<T> _live;
    private readonly OwnedMemory _owned = new();
    private readonly DeviceBuffer<T>[] _copies;

    /// <param name="device">Where it lies.</param>
    /// <param name="live">The state; not owned.</param>
    /// <param name="snapshots">How many copies.</param>
    public DeviceState(Device device, DeviceBuffer<T> live, int snapshots)
    {
        _backend = device.Backend;
        _live = live;
        _copies = new DeviceBuffer<T>[snapshots];
        try
        {
            for (int i = 0; i < snapshots; i++)
                _copies[i] = _owned.Add(_backend.Allocate<T>(live.Length));
        }
        catch
        {
            _owned.Dispose();
            throw;
        }
    }

    public override void Capture(int snapshot) => _backend.Copy(_live, _copies[snapshot]);

    public override void Restore(int snapshot) => _backend.Copy(_copies[snapshot], _live);

    public override byte[] Read(int snapshot)
    {
        var values = new T[_live.Length];
        BufferOf(snapshot).CopyTo(values);
        return MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
    }

    public override bool Write(int snapshot, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != MemoryMarshal.AsBytes(new T[_live.Length].AsSpan()).Length)
            return false;
        BufferOf(snapshot).CopyFrom(MemoryMarshal.Cast<byte, T>(bytes));
        return true;
    }

    public override void Dispose() => _owned.Dispose();

    private DeviceBuffer<T> BufferOf(int snapshot) => snapshot < 0 ? _live : _copies[snapshot];
}
