using Andrea.Backends;
using Andrea.Clipping;
using Andrea.Monitoring;
using Andrea.Tensors;

namespace Andrea.Training.Guard;

/// <summary>What a spike gate remembers of each source of the data: what is usual for one says nothing about another.</summary>
/// <remarks>The gate itself has one memory, whose address a recording holds. Before a step of another source it is copied away to the source it is of, and the
/// other's is copied in: small copies on the device, between steps, outside of any recording; nothing waits. With one source nothing is copied.
/// <para>Where a curriculum goes from source to source, steps of arrivals (<see cref="SourceVisit"/>) find an empty memory, which is then forgotten: nothing but NaN
/// and Inf is a reason to skip them.</para>
/// Allocates nothing after construction. Not thread-safe.</remarks>
internal sealed class SourceWindows : IDisposable
{
    private readonly IBackend _backend;
    private readonly SpikeGate _gate;
    private readonly OwnedMemory _owned = new();

    // Of each source; none where there is one, which is the gate's own memory.
    private readonly DeviceBuffer<double>[] _windows;
    private readonly DeviceBuffer<SpikeState>[] _states;

    // Never written: an empty memory.
    private readonly DeviceBuffer<SpikeState>? _nothing;
    private readonly SourceVisit[] _visits;

    // Whose memory the gate has now; -1 for nobody's.
    private int _memory = -1;

    /// <summary>Makes room; nothing has been seen of any source.</summary>
    /// <param name="device">Where the gate is.</param>
    /// <param name="gate">The gate; not owned.</param>
    /// <param name="sources">How many sources there are.</param>
    /// <param name="hasVisits">Whether a curriculum goes from source to source, rather than drawing from all of them all the time.</param>
    /// <param name="snapshots">How many copies <see cref="Memory"/> has of each.</param>
    public SourceWindows(Device device, SpikeGate gate, int sources, bool hasVisits, int snapshots)
    {
        _backend = device.Backend;
        _gate = gate;
        _visits = new SourceVisit[hasVisits && sources > 1 ? sources : 0];
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
            if (_visits.Length > 0)
                _nothing = _owned.Add(_backend.Allocate<SpikeState>(1));
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

    /// <summary>Where each source stands, for a checkpoint; empty where there are no visits.</summary>
    public SourceVisit[] Visits => [.. _visits];

    /// <summary>The next step is one of this source.</summary>
    public void Use(int source, long step)
    {
        if (_windows.Length == 0)
            return;
        bool arrives = Arrives(source, step);
        if (source == _memory && !arrives)
            return;
        Park();
        _memory = arrives ? -1 : source;
        _backend.Copy(arrives ? _nothing! : _states[source], _gate.State);
        if (!arrives)
            _backend.Copy(_windows[source], _gate.Windows);
    }

    /// <summary>Goes on from a checkpoint's.</summary>
    /// <param name="visits">Where each source stood; of another number of sources, or none, where that was not kept.</param>
    /// <param name="step">The checkpoint's step.</param>
    public void Restore(IReadOnlyList<SourceVisit> visits, long step)
    {
        for (int i = 0; i < _visits.Length; i++)
            _visits[i] = visits.Count == _visits.Length ? visits[i] : new SourceVisit(step, 0).Anew();
    }

    /// <summary>Brings <see cref="Memory"/> up to date.</summary>
    public void Park()
    {
        if (_memory < 0)
            return;
        _backend.Copy(_gate.Windows, _windows[_memory]);
        _backend.Copy(_gate.State, _states[_memory]);
    }

    /// <summary><see cref="Memory"/> is another now, and what the gate has is nobody's.</summary>
    public void Forget() => _memory = -1;

    /// <summary>Parameters and <see cref="Memory"/> went back to a snapshot, whose model may not have seen the sources of these steps for long.</summary>
    public void GoneBack()
    {
        Forget();
        for (int i = 0; i < _visits.Length; i++)
            _visits[i] = _visits[i].Anew();
    }

    public void Dispose() => _owned.Dispose();

    private bool Arrives(int source, long step)
    {
        if (_visits.Length == 0)
            return false;
        ref SourceVisit visit = ref _visits[source];
        // As long as all that is remembered: it is of another model.
        if (visit.AbsenceAt(step) >= _gate.Windows.Length / 2)
        {
            Park();
            Forget();
            _backend.Copy(_nothing!, _states[source]);
        }
        visit = visit.At(step);
        return visit.IsArrival();
    }
}
