using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Clipping;

/// <summary>The spike guard's part on the device: behind a clipper's decision and before the update, so that a spike's update is never made.</summary>
/// <remarks>Keeps the latest accepted losses and norms in device memory. One launch of one block a step; nothing waits, nothing is allocated; part of
/// whatever recording the clipper is part of.</remarks>
internal sealed class SpikeGate : IDisposable
{
    // As many as the clipper's own.
    private const int ResultsUnderWay = 8;

    private readonly IBackend _backend;
    private readonly OwnedMemory _owned = new();
    private readonly SpikeSettings _settings;
    private readonly DeviceBuffer<double> _loss;
    private readonly IReadback<SpikeState> _readback;

    /// <summary>Makes a gate that has seen nothing yet.</summary>
    /// <param name="device">Where the loss lies.</param>
    /// <param name="settings">Windows and thresholds.</param>
    /// <param name="loss">(1) The step's loss, complete when the clipper measures; not owned.</param>
    public SpikeGate(Device device, in SpikeSettings settings, DeviceBuffer<double> loss)
    {
        _backend = device.Backend;
        _settings = settings;
        _loss = loss;
        try
        {
            Windows = _owned.Add(_backend.Allocate<double>(2 * settings.Capacity));
            State = _owned.Add(_backend.Allocate<SpikeState>(1));
            _readback = _owned.Add(_backend.CreateReadback<SpikeState>(ResultsUnderWay));
        }
        catch
        {
            _owned.Dispose();
            throw;
        }
    }

    /// <summary>(2 x capacity) Accepted losses, then accepted norms.</summary>
    public DeviceBuffer<double> Windows { get; }

    /// <summary>(1) The rest of what it knows.</summary>
    public DeviceBuffer<SpikeState> State { get; }

    /// <summary>Judges the step that has just been measured.</summary>
    public void Enqueue(ClipOutcome clip)
    {
        _backend.JudgeSpike(_settings, _loss, Windows, State, clip);
        // Kernels hold addresses, not objects: what owns the memory must outlive them.
        GC.KeepAlive(this);
    }

    /// <summary>Sends what was said of the newest step on its way to the host; take one for each.</summary>
    public void Post() => _readback.Post(State);

    /// <summary>Takes what was said of the oldest step whose verdict was not taken yet; does not wait once the clip's own result is there.</summary>
    public SpikeState Take() => _readback.WaitAndTake();

    /// <summary>Frees the device memory.</summary>
    public void Dispose() => _owned.Dispose();
}
