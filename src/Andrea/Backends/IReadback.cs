using Andrea.Tensors;

namespace Andrea.Backends;

/// <summary>Brings small results from the device to the host without stopping the device: post now, take when they have arrived.</summary>
/// <remarks>First in, first out. On the CPU a result has arrived as soon as it is posted; on a GPU usually one step later.</remarks>
internal interface IReadback<T> : IDisposable
    where T : unmanaged
{
    /// <summary>Enqueues a copy of element 0 of <paramref name="source"/>; never waits.</summary>
    /// <returns>False when operations are being recorded: a recording's results do not come to the host, so nothing was posted.</returns>
    /// <exception cref="InvalidOperationException">As many values are under way as the readback can hold: take some first.</exception>
    bool Post(DeviceBuffer<T> source);

    /// <summary>Takes the oldest posted value if it has arrived; never waits.</summary>
    bool TryTake(out T value);

    /// <summary>Takes the oldest posted value, waiting for it.</summary>
    /// <exception cref="InvalidOperationException">Nothing was posted.</exception>
    T WaitAndTake();
}
