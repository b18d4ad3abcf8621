using Andrea.Tensors;

namespace Andrea.Backends;

/// <summary>Brings small results from the device to the host without stopping the device: post now, take when they have arrived.</summary>
/// <remarks>First in, first out. A result is an array of always the same length, often 1. On the CPU a result has arrived as soon as it is
/// posted; on a GPU usually one step later. Nothing is allocated.</remarks>
internal interface IReadback<T> : IDisposable
    where T : unmanaged
{
    /// <summary>Elements of a result.</summary>
    int Length { get; }

    /// <summary>Enqueues a copy of the first <see cref="Length"/> elements of <paramref name="source"/>; never waits.</summary>
    /// <returns>False when operations are being recorded: a recording's results do not come to the host, so nothing was posted.</returns>
    /// <exception cref="InvalidOperationException">As many results are under way as the readback can hold: take some first.</exception>
    bool Post(DeviceBuffer<T> source);

    /// <summary>Takes the oldest posted result if it has arrived; never waits.</summary>
    /// <param name="values">Receives it; of <see cref="Length"/> elements. Left alone when nothing has arrived.</param>
    bool TryTake(Span<T> values);

    /// <summary>Takes the oldest posted result, waiting for it.</summary>
    /// <param name="values">Receives it; of <see cref="Length"/> elements.</param>
    /// <exception cref="InvalidOperationException">Nothing was posted.</exception>
    void WaitAndTake(Span<T> values);

    /// <summary>Takes the oldest posted result, where results have one element, if it has arrived; never waits.</summary>
    bool TryTake(out T value)
    {
        value = default;
        return TryTake(new Span<T>(ref value));
    }

    /// <summary>Takes the oldest posted result, where results have one element, waiting for it.</summary>
    /// <exception cref="InvalidOperationException">Nothing was posted.</exception>
    T WaitAndTake()
    {
        T value = default;
        WaitAndTake(new Span<T>(ref value));
        return value;
    }
}
