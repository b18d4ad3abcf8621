using System.Buffers;

namespace Andrea.Tensors;

/// <summary>Named float32 tensors in memory that Andrea does not own: arrays, native memory, or another library's tensors.</summary>
/// <remarks>
/// The memory must stay where it is, and alive, for as long as a clipper or optimizer built over the set is used.
/// <see cref="Memory{T}"/> is pinned until <see cref="Dispose"/>; behind a bare pointer the caller answers for both.
/// The memory lies on the device that the clipper or optimizer gets: host memory for the CPU, device or managed memory for a GPU, on
/// which work is enqueued on that device's stream (<see cref="CudaOptions.Stream"/>) without waiting for others. Tensors must not overlap. Addresses must be multiples of 4 bytes; multiples of 64 are fastest.
/// </remarks>
public sealed class ExternalTensors : TensorSet, IDisposable
{
    private readonly List<Entry> _entries = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly List<MemoryHandle> _pins = [];
    private bool _disposed, _frozen;

    private readonly record struct Entry(string Name, nint Address, TensorShape Shape)
    {
        public nint End => Address + (nint)(Shape.Length * sizeof(float));
    }

    /// <inheritdoc/>
    public override int Count => _entries.Count;

    /// <summary>Adds host memory and pins it until this set is disposed.</summary>
    /// <param name="name">Unique name, used in results and messages.</param>
    /// <param name="memory">The elements; changed in place by clipping and by the optimizer; not owned.</param>
    /// <param name="shape">Shape, or nothing for one dimension. Only the number of dimensions matters: it decides on weight decay.</param>
    /// <exception cref="ArgumentException">The name is taken, the shape does not match, or the memory overlaps a tensor of the set.</exception>
    public unsafe ExternalTensors Add(string name, Memory<float> memory, TensorShape? shape = null)
    {
        MemoryHandle pin = memory.Pin();
        try
        {
            Add(name, (nint)pin.Pointer, memory.Length, shape);
        }
        catch
        {
            pin.Dispose();
            throw;
        }
        _pins.Add(pin);
        return this;
    }

    /// <summary>Adds memory by its address, on whatever device the clipper or optimizer runs.</summary>
    /// <param name="name">Unique name, used in results and messages.</param>
    /// <param name="address">Address of the first float32; a multiple of 4; null only for an empty tensor.</param>
    /// <param name="length">Number of elements.</param>
    /// <param name="shape">Shape, or nothing for one dimension.</param>
    /// <exception cref="InvalidOperationException">A clipper or optimizer has been built over the set.</exception>
    /// <exception cref="ArgumentException">The name is taken, the address is null or misaligned, the length is negative or does not match the
    /// shape, or the memory overlaps a tensor of the set.</exception>
    public ExternalTensors Add(string name, nint address, long length, TensorShape? shape = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (_frozen)
            throw new InvalidOperationException(
                $"Tensor '{name}' comes too late: a clipper or optimizer works on this set of {Count} tensors already. Add all tensors first.");
        if (length < 0)
            throw new ArgumentException($"Tensor '{name}' has a length of {length}; lengths must not be negative.", nameof(length));
        if (address == 0 && length > 0)
            throw new ArgumentException($"Tensor '{name}' has {length} elements at a null address. Pass the address of its first element.", nameof(address));
        if (address % sizeof(float) != 0)
            throw new ArgumentException($"Tensor '{name}' lies at address 0x{address:x}, which is no multiple of 4. float32 tensors must be aligned.", nameof(address));
        if (length > (nint.MaxValue - Math.Max(address, 0)) / sizeof(float))
            throw new ArgumentException($"Tensor '{name}' of {length} elements at address 0x{address:x} would reach beyond the end of memory.", nameof(length));
        TensorShape actualShape = shape ?? new TensorShape(length);
        if (actualShape.Length != length)
            throw new ArgumentException($"Tensor '{name}' has {length} elements but its shape {actualShape} counts {actualShape.Length}.", nameof(shape));
        var entry = new Entry(name, address, actualShape);
        foreach (Entry other in _entries)
            if (length > 0 && other.Shape.Length > 0 && entry.Address < other.End && other.Address < entry.End)
                throw new ArgumentException($"Tensor '{name}' overlaps tensor '{other.Name}' in memory. Add each tensor once.", nameof(address));
        if (!_names.Add(name))
            throw new ArgumentException($"The set already has a tensor named '{name}'. Names must be unique.", nameof(name));
        _entries.Add(entry);
        return this;
    }

    /// <inheritdoc/>
    public override string NameOf(int index) => _entries[index].Name;

    /// <inheritdoc/>
    public override TensorShape ShapeOf(int index) => _entries[index].Shape;

    internal override nint AddressOf(int index) => _entries[index].Address;

    internal override void Freeze() => _frozen = true;

    internal override void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_disposed, this);

    /// <summary>Unpins what <see cref="Add(string, Memory{float}, TensorShape?)"/> pinned. Frees nothing. Clippers and optimizers over the set refuse to work from then on.</summary>
    public void Dispose()
    {
        _disposed = true;
        foreach (MemoryHandle pin in _pins)
            pin.Dispose();
        _pins.Clear();
    }
}
