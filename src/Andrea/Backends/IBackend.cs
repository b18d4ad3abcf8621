using Andrea.Tensors;

namespace Andrea.Backends;

/// <summary>Every operation that one training step of a GPT needs, on one device.</summary>
/// <remarks>
/// Arguments come in the order inputs, sizes, outputs. Letters in shapes: B sequences, T tokens, C channels, H heads, D = C / H, V vocabulary.
/// Operations are enqueued in order; on a GPU nothing waits unless its name says so. None allocates. Every reduction has a fixed
/// order, so results are the same bits on every run and for every number of threads. Arguments are checked by the callers, not here.
/// </remarks>
internal interface IBackend : IGradientOps, ISpikeOps, IClipPolicyOps, IUpdateOps, IModelOps, IDisposable
{
    /// <summary>Short name: <c>reference</c>, <c>cpu</c> or <c>cuda</c>.</summary>
    string Name { get; }

    /// <summary>One line for people: processor or GPU, instruction set, threads.</summary>
    string Description { get; }

    /// <summary>Allocates zeroed memory on the device, aligned to at least 256 bytes.</summary>
    DeviceBuffer<T> Allocate<T>(long length)
        where T : unmanaged;

    /// <summary>Makes a channel for small results: up to <paramref name="capacity"/> under way, each of <paramref name="length"/> elements.</summary>
    IReadback<T> CreateReadback<T>(int capacity, int length = 1)
        where T : unmanaged;

    /// <summary>Stores one value, in order with the operations enqueued before and after; does not wait.</summary>
    void Store<T>(T value, DeviceBuffer<T> target)
        where T : unmanaged;

    /// <summary>Copies host memory to the front of <paramref name="target"/>, in order with the operations enqueued before and after; does not
    /// wait. The source may be reused on return.</summary>
    void Upload<T>(ReadOnlySpan<T> source, DeviceBuffer<T> target)
        where T : unmanaged;

    /// <summary>Copies a buffer into another of the same length on this device, in order with the operations enqueued before and after; does not wait.</summary>
    void Copy<T>(DeviceBuffer<T> source, DeviceBuffer<T> target)
        where T : unmanaged;

    /// <summary>Whether operations are being recorded instead of done, by <see cref="Record"/> or by the owner of a borrowed stream.</summary>
    bool IsRecording { get; }

    /// <summary>Records the operations that <paramref name="work"/> enqueues, without doing them. They must neither wait nor upload.</summary>
    /// <remarks>On a GPU a CUDA graph, which costs one launch; where nothing is gained by it, the work itself, to be run again.</remarks>
    IRecording Record(Action work);

    /// <summary>Why operations cannot work on so many bytes at that address, to end a sentence "the tensor ..."; null when they can, as far
    /// as the device knows.</summary>
    string? ComplaintAbout(nint address, long bytes);

    /// <summary>Sets every element of <paramref name="target"/> to <paramref name="value"/>.</summary>
    void Fill(float value, Tensor target);

    /// <summary>Waits until everything enqueued has been done.</summary>
    void Synchronize();
}
