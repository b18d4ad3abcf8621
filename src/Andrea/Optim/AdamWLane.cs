using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Optim;

/// <summary>Tensors of an <see cref="ExternalAdamW"/> that have always been there, or away, together, and so share one step counter and one launch.</summary>
internal sealed class AdamWLane : IDisposable
{
    private readonly OwnedMemory _owned = new();
    private readonly DeviceBuffer<AdamWState> _state;
    private readonly ChunkTable _table;

    /// <param name="device">Where the tensors lie.</param>
    /// <param name="sets">Gradients, parameters, first and second moments of all tensors.</param>
    /// <param name="members">Indices of the lane's tensors, ascending.</param>
    /// <param name="options">Betas and epsilon of all of them; what else it holds is not used.</param>
    /// <param name="progress">How far they have come.</param>
    public AdamWLane(Device device, ExternalTensors[] sets, int[] members, AdamWTensorOptions options, OptimizerProgress progress)
    {
        Members = members;
        try
        {
            _table = _owned.Add(new ChunkTable(device, sets[0], sets[1], sets[2], sets[3], members));
            _state = _owned.Add(device.Backend.Allocate<AdamWState>(1));
            Restart(options, progress);
        }
        catch
        {
            _owned.Dispose();
            throw;
        }
    }

    /// <summary>Indices of the lane's tensors, ascending.</summary>
    public int[] Members { get; }

    /// <summary>Betas and epsilon.</summary>
    public AdamWSettings Settings { get; private set; }

    /// <summary>Goes on with these betas from there.</summary>
    public void Restart(AdamWTensorOptions options, OptimizerProgress progress)
    {
        Settings = SettingsOf(options);
        _state.CopyFrom([new AdamWState { Step = progress.Step, Beta1Power = progress.Beta1Power, Beta2Power = progress.Beta2Power }]);
    }

    /// <summary>How far the lane has come. Waits for the device.</summary>
    public OptimizerProgress ReadProgress()
    {
        Span<AdamWState> state = stackalloc AdamWState[1];
        _state.CopyTo(state);
        return new OptimizerProgress(state[0].Step, state[0].Beta1Power, state[0].Beta2Power);
    }

    /// <summary>Learns where the tensors lie by now.</summary>
    public void Follow() => _table.Follow();

    /// <summary>Enqueues the update of the lane's tensors.</summary>
    public void Enqueue(IBackend backend, DeviceBuffer<AdamWTensor> tensors, DeviceBuffer<double> learningRate, ClipOutcome? clip) =>
        backend.AdamW(_table, tensors, Settings, learningRate, _state, clip);

    public static AdamWSettings SettingsOf(AdamWTensorOptions options) => new(options.Beta1, options.Beta2, options.Epsilon);

    public void Dispose() => _owned.Dispose();
}
