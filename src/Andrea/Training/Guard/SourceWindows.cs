using Andrea.Backends;
using Andrea.Clipping;
using Andrea.Tensors;

namespace Andrea.Training.Guard;

/// <summary>What a spike gate remembers of each source of the data: what is usual for one says nothing about another.</summary>
/// <remarks>The gate itself has one memory, whose address a recording holds. Before a step of another source it is copied away to the source it is of, and the
/// other's is copied in: small copies on the device, between steps, outside of any recording; nothing waits. With one source nothing is copied.
/// Allocates nothing after construction. Not thread-safe.</remarks>
internal sealed class SourceWindows : IDisposable
{
    private readonly IBackend _backend;
    private readonly SpikeGate _gate;
    private readonly OwnedMemory _owned = new();

    // Of each source; none where there is one, which is the gate's own memory.
    private readonly DeviceBuffer<double>[] _windows;
    private readonly DeviceBuffer<SpikeState>[] _states;

    // The source whose memory the gate has now; -1 for nobody's.
    private int _source = -1;

    /// <summary>Makes room; nothing has been seen of any source.</summary>
    /// <param name="device">Where the gate is.</param>
    /// <param name="gate">The gate; not owned.</param>
    /// <param name="sources">How many sources there are.</param>
    /// <param name="snapshots">How many copies <see cref="Memory"/> has of each.</param>
    public SourceWindows(Device device, SpikeGate gate, int sources, int snapshots)
    {
        _backend = device.Backend;
        _gate = gate;
        int count = sources > 1 ? sources : 0;
        _windows = new DeviceBuffer<double>[count];
        _states = new DeviceBuffer<SpikeState>[count];
        try
        {
            for (int i = 0; i < count; i++)
            {
                _windows[i] = _owned.Add(_backend.Allocate<double>(gate.Windows.Length));
                _states[i] = _owned.Add(_backend.Allocate<SpikeState>(1));
            }
            Memory = count == 0
                ? [new DeviceState<double>(device, gate.Windows, snapshots), new DeviceState<SpikeState>(device, gate.State, snapshots)]
                :
                [
                    .. _windows.Select(windows => new DeviceState<double>(device, windows, snapshots)),
                    .. _states.Select(state => new DeviceState<SpikeState>(device, state, snapshots)),
                ];
        }
        catch
        {
            _owned.Dispose();
            throw;
        }
    }

    /// <summary>All of it, for snapshots and checkpoints: <see cref="Park"/> before it is read, <see cref="Forget"/> after it is written. The caller's to
    /// dispose.</summary>
    public DeviceState[] Memory { get; }

    /// <summary>The next step is one of this source.</summary>
    public void Use(int source)
    {
        if (_windows.Length == 0 || source == _source)
            return;
        Park();
        _backend.Copy(_windows[source], _gate.Windows);
        _backend.Copy(_states[source], _gate.State);
        _source = source;
    }

    /// <summary>Brings <see cref="Memory"/> up to date.</summary>
    public void Park()
    {
        if (_source < 0)
            return;
        _backend.Copy(_gate.Windows, _windows[_source]);
        _backend.Copy(_gate.State, _states[_source]);
    }

    /// <summary><see cref="Memory"/> is another now, and what the gate has is nobody's.</summary>
    public void Forget() => _source = -1;

    public void Dispose() => _owned.Dispose();
}
