using Andrea.Tensors;

namespace Andrea.Training.Guard;

/// <summary>Makes a <see cref="DeviceState"/> of every buffer it is shown.</summary>
/// <param name="device">Where they lie.</param>
/// <param name="snapshots">How many copies of each.</param>
internal sealed class DeviceStateCollector(Device device, int snapshots) : IBufferVisitor
{
    /// <summary>The states, in the order they were shown; the caller's to dispose.</summary>
    public List<DeviceState> States { get; } = [];

    public void Visit<T>(DeviceBuffer<T> buffer)
        where T : unmanaged => States.Add(new DeviceState<T>(device, buffer, snapshots));
}
