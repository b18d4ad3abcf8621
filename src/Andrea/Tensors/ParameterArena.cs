namespace Andrea.Tensors;

/// <summary>All tensors of one layout in a single contiguous buffer: the parameters of a model, or their gradients, or one of their moments.</summary>
/// <remarks>Owns the buffer; the tensors it hands out are views. Begins as zeros.</remarks>
public sealed class ParameterArena : TensorSet, IDisposable
{
    private readonly DeviceBuffer<float> _buffer;
    private bool _disposed;

    /// <summary>Allocates an arena of zeros.</summary>
    /// <param name="device">Where the memory lies.</param>
    /// <param name="layout">Order, shapes and offsets; shared, must not grow afterwards.</param>
    /// <exception cref="ObjectDisposedException">The device has been disposed.</exception>
    /// <exception cref="OutOfMemoryException">The host has not that much memory.</exception>
    /// <exception cref="Cuda.CudaException">The GPU has not that much memory, or has failed.</exception>
    public ParameterArena(Device device, ParameterLayout layout)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(layout);
        Layout = layout;
        Device = device;
        _buffer = device.Backend.Allocate<float>(layout.ArenaLength);
    }

    /// <summary>Order, shapes and offsets of the tensors.</summary>
    public ParameterLayout Layout { get; }

    /// <inheritdoc/>
    public override int Count => Layout.Count;

    /// <summary>The tensor of that name, as a view.</summary>
    /// <param name="name">The exact name.</param>
    /// <exception cref="KeyNotFoundException">No tensor has that name.</exception>
    /// <exception cref="ObjectDisposedException">The arena has been disposed.</exception>
    public Tensor this[string name] => this[Layout.IndexOf(name)];

    /// <summary>The tensor of that index, as a view.</summary>
    /// <param name="index">0 up to <see cref="Count"/> - 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such tensor.</exception>
    /// <exception cref="ObjectDisposedException">The arena has been disposed.</exception>
    public Tensor this[int index]
    {
        get
        {
            ThrowIfDisposed();
            return new Tensor(_buffer, Layout.OffsetOf(index), Layout.ShapeOf(index));
        }
    }

    /// <inheritdoc/>
    public override string NameOf(int index) => Layout.NameOf(index);

    /// <inheritdoc/>
    public override TensorShape ShapeOf(int index) => Layout.ShapeOf(index);

    internal override Device Device { get; }

    /// <summary>The whole arena, padding included, as one flat tensor.</summary>
    internal Tensor Flat => new(_buffer, 0, new TensorShape(_buffer.Length));

    /// <summary>Takes over every element of an arena of the same layout on the same device; does not wait.</summary>
    internal void Take(ParameterArena other) => Device.Backend.Copy(other._buffer, _buffer);

    internal override nint AddressOf(int index) => this[index].Address;

    internal override void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_disposed, this);

    /// <summary>Frees the memory. Every view into it becomes invalid.</summary>
    public void Dispose()
    {
        _disposed = true;
        _buffer.Dispose();
    }
}
