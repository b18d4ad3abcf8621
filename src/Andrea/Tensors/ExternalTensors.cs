using System.Buffers;

namespace Andrea.Tensors;

/// <summary>Named float32 tensors in memory that Andrea does not own: arrays, native memory, or another library's tensors.</summary>
/// <remarks>
/// Ownership: none. The memory must stay alive, and where it is, for as long as a clipper or optimizer built over the set is used;
/// on a GPU until the work enqueued on it has been done. <see cref="Memory{T}"/> is pinned until <see cref="Dispose"/>; behind a bare
/// pointer the caller answers for both. A span cannot be held, so there is no <c>Add</c> for one: pin it and pass its address, or
/// use <c>GradClipper.ClipOnce</c>. Memory that comes and goes, such as gradients that are freed and made anew between
/// steps, is followed by <see cref="Move(int, nint)"/>.
/// Place: the device that the clipper or optimizer gets: host memory for the CPU, device or managed memory for a GPU, on
/// which work is enqueued on that device's stream (<see cref="CudaOptions.Stream"/>) without waiting for others.
/// Alignment: addresses must be multiples of 4 bytes, multiples of 64 are fastest; the result's bits do not depend on it.
/// Aliasing: tensors of a set must not overlap, and an optimizer's sets must not overlap each other.
/// Checked: names, lengths, alignment and overlap within the set by <see cref="Add(string, nint, long, TensorShape?)"/>; overlap between sets and, on a
/// GPU, that each tensor lies within memory of that GPU, when a clipper or optimizer is built over the set; alignment by <see cref="Move(int, nint)"/>,
/// overlap and GPU memory again by the next call after a move. Not thread-safe.
/// <code>
/// using var parameters = new ExternalTensors().Add("w", weights, new TensorShape(2, 3));
/// using var onTheHost = new ExternalTensors().Add("w", gradients, new TensorShape(2, 3));
/// using var onTheGpu = new ExternalTensors().Add("w", devicePointer, length: 6, new TensorShape(2, 3));
/// </code>
/// </remarks>
public sealed class ExternalTensors : TensorSet, IDisposable
{
    private readonly List<Entry> _entries = [];
    private readonly Dictionary<string, int> _indexByName = new(StringComparer.Ordinal);
    private readonly Dictionary<int, MemoryHandle> _pins = [];
    private long _elements;
    private bool _disposed, _frozen;
    private int _version;

    private readonly record struct Entry(string Name, nint Address, TensorShape Shape)
    {
        private ulong Start => (nuint)Address;

        private ulong End => Start + (ulong)Shape.Length * sizeof(float);

        public bool Overlaps(in Entry other) =>
            Address != 0 && other.Address != 0 && Shape.Length > 0 && other.Shape.Length > 0 && Start < other.End && other.Start < End;
    }

    /// <inheritdoc/>
    public override int Count => _entries.Count;

    /// <summary>Adds an array and pins it until this set is disposed.</summary>
    /// <param name="name">Unique name, used in results and messages.</param>
    /// <param name="array">The elements; changed in place by clipping and by the optimizer; not owned.</param>
    /// <param name="shape">Shape, or nothing for one dimension. Only the number of dimensions matters: it decides on weight decay.</param>
    /// <returns>This set.</returns>
    /// <exception cref="ArgumentNullException">There is no array: <see cref="AddAbsent"/> adds a tensor that is not there yet.</exception>
    /// <exception cref="ArgumentException">The name is empty or taken, the shape does not match, or the memory overlaps a tensor of the set.</exception>
    /// <exception cref="InvalidOperationException">A clipper or optimizer has been built over the set.</exception>
    /// <exception cref="ObjectDisposedException">The set has been disposed; nothing is pinned.</exception>
    public ExternalTensors Add(string name, float[] array, TensorShape? shape = null)
    {
        // As memory it would be an empty tensor, whose gradients nobody would ever miss.
        if (array is null)
            throw new ArgumentNullException(nameof(array), $"The array of tensor '{name}' is null. Pass the array; AddAbsent adds a tensor that is not there yet.");
        return Add(name, array.AsMemory(), shape);
    }

    /// <summary>Adds host memory and pins it until this set is disposed.</summary>
    /// <param name="name">Unique name, used in results and messages.</param>
    /// <param name="memory">The elements; changed in place by clipping and by the optimizer; not owned.</param>
    /// <param name="shape">Shape, or nothing for one dimension. Only the number of dimensions matters: it decides on weight decay.</param>
    /// <returns>This set.</returns>
    /// <exception cref="ArgumentException">The name is empty or taken, the shape does not match, or the memory overlaps a tensor of the set.</exception>
    /// <exception cref="InvalidOperationException">A clipper or optimizer has been built over the set.</exception>
    /// <exception cref="ObjectDisposedException">The set has been disposed; nothing is pinned.</exception>
    public unsafe ExternalTensors Add(string name, Memory<float> memory, TensorShape? shape = null)
    {
        ThrowIfClosedTo(name);
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
        _pins.Add(Count - 1, pin);
        return this;
    }

    /// <summary>Adds memory by its address, on whatever device the clipper or optimizer runs.</summary>
    /// <param name="name">Unique name, used in results and messages.</param>
    /// <param name="address">Address of the first float32; a multiple of 4; null only for an empty tensor.</param>
    /// <param name="length">Number of elements.</param>
    /// <param name="shape">Shape, or nothing for one dimension.</param>
    /// <returns>This set.</returns>
    /// <exception cref="InvalidOperationException">A clipper or optimizer has been built over the set.</exception>
    /// <exception cref="ArgumentException">The name is empty or taken, the address is null, misaligned or none that a program can have, the length is negative,
    /// beyond all memory or not the shape's, or the memory overlaps a tensor of the set.</exception>
    /// <exception cref="ObjectDisposedException">The set has been disposed.</exception>
    public ExternalTensors Add(string name, nint address, long length, TensorShape? shape = null)
    {
        ThrowIfClosedTo(name);
        if (length < 0)
            throw new ArgumentException($"Tensor '{name}' has a length of {length}; lengths must not be negative.", nameof(length));
        if (address == 0 && length > 0)
            throw new ArgumentException($"Tensor '{name}' has {length} elements at a null address. Pass the address of its first element.", nameof(address));
        TensorShape actualShape = shape ?? new TensorShape(length);
        if (LengthOf(name, actualShape, _elements) != length)
            throw new ArgumentException($"Tensor '{name}' has {length} elements but its shape {actualShape} counts {actualShape.Length}.", nameof(shape));
        var entry = new Entry(name, address, actualShape);
        CheckAddress(entry);
        foreach (Entry other in _entries)
            if (entry.Overlaps(other))
                throw new ArgumentException($"Tensor '{name}' overlaps tensor '{other.Name}' in memory. Add each tensor once.", nameof(address));
        Append(entry);
        return this;
    }

    /// <summary>Adds a tensor that is not there yet: until <see cref="Move(int, nint)"/> gives its address, work passes it by.</summary>
    /// <param name="name">Unique name, used in results and messages.</param>
    /// <param name="shape">The shape that it will have.</param>
    /// <returns>This set.</returns>
    /// <remarks>A clipper's or optimizer's tables have their 48 bytes for every 65,536 elements, there or not.</remarks>
    /// <exception cref="InvalidOperationException">A clipper or optimizer has been built over the set.</exception>
    /// <exception cref="ArgumentException">The name is empty or taken, or no memory could ever hold such a tensor.</exception>
    /// <exception cref="ObjectDisposedException">The set has been disposed.</exception>
    public ExternalTensors AddAbsent(string name, TensorShape shape)
    {
        ThrowIfClosedTo(name);
        _ = LengthOf(name, shape, _elements);
        Append(new Entry(name, 0, shape));
        return this;
    }

    /// <summary>Says where a tensor lies from now on; clippers and optimizers over the set follow at their next call.</summary>
    /// <param name="index">0 up to <see cref="Count"/> - 1.</param>
    /// <param name="address">Address of the first float32, of as many elements as before; a multiple of 4. Null: the tensor is not there at
    /// present, so that its norm is 0, and an optimizer leaves its parameter and moments as they are.</param>
    /// <remarks>
    /// Costs nothing when the address is the one known. Otherwise the next call of each clipper and optimizer looks for overlaps, by sorting the
    /// addresses of its tensors, and uploads its table (48 bytes for every 65,536 elements), in order with its work and without waiting or allocating; not
    /// while the stream is being recorded. What is enqueued already still uses the old address. Memory that the set has pinned stays pinned.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">There is no such tensor.</exception>
    /// <exception cref="ArgumentException">The address is misaligned or none that a program can have, or the tensor would reach beyond the end of memory.</exception>
    /// <exception cref="ObjectDisposedException">The set has been disposed.</exception>
    public void Move(int index, nint address)
    {
        ThrowIfDisposed();
        Entry entry = _entries[index];
        if (entry.Address == address)
            return;
        entry = entry with { Address = address };
        CheckAddress(entry);
        _entries[index] = entry;
        _version++;
    }

    /// <summary>Moves a tensor into other host memory, pins that, and unpins what this set had pinned for the tensor before.</summary>
    /// <param name="index">0 up to <see cref="Count"/> - 1.</param>
    /// <param name="memory">As many elements as before; not owned.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such tensor.</exception>
    /// <exception cref="ArgumentException">The memory has another length than the tensor.</exception>
    /// <exception cref="ObjectDisposedException">The set has been disposed; nothing is pinned.</exception>
    public unsafe void Move(int index, Memory<float> memory)
    {
        ThrowIfDisposed();
        Entry entry = _entries[index];
        if (memory.Length != entry.Shape.Length)
            throw new ArgumentException(
                $"Tensor '{entry.Name}' has {entry.Shape.Length} elements, but the memory it is to move to has {memory.Length}. Pass as many; for a tensor that is not there, pass a null address.",
                nameof(memory));
        MemoryHandle pin = memory.Pin();
        try
        {
            Move(index, (nint)pin.Pointer);
        }
        catch
        {
            pin.Dispose();
            throw;
        }
        if (_pins.TryGetValue(index, out MemoryHandle before))
            before.Dispose();
        _pins[index] = pin;
    }

    /// <summary>Finds a tensor by name, as for <see cref="Move(int, nint)"/>.</summary>
    /// <param name="name">The exact name.</param>
    /// <returns>Its index.</returns>
    /// <exception cref="KeyNotFoundException">No tensor has that name.</exception>
    public int IndexOf(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return _indexByName.TryGetValue(name, out int index)
            ? index
            : throw new KeyNotFoundException($"No tensor is named '{name}'. {CountOf("set", Count, Count > 0 ? NameOf(0) : null)}");
    }

    /// <inheritdoc/>
    public override string NameOf(int index) => _entries[index].Name;

    /// <inheritdoc/>
    public override TensorShape ShapeOf(int index) => _entries[index].Shape;

    internal override nint AddressOf(int index) => _entries[index].Address;

    internal override int Version => _version;

    internal override void Freeze() => _frozen = true;

    internal override void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_disposed, this);

    /// <summary>Unpins what was pinned for <see cref="Memory{T}"/>. Frees nothing. Clippers and optimizers over the set refuse to work from then on.</summary>
    public void Dispose()
    {
        _disposed = true;
        foreach (MemoryHandle pin in _pins.Values)
            pin.Dispose();
        _pins.Clear();
    }

    private static void CheckAddress(in Entry entry)
    {
        (string name, nint address, long length) = (entry.Name, entry.Address, entry.Shape.Length);
        if (address % sizeof(float) != 0)
            throw new ArgumentException($"Tensor '{name}' lies at address 0x{address:x}, which is no multiple of 4. float32 tensors must be aligned.", nameof(address));
        // On 64 bits the upper half of all addresses is the system's.
        ulong last = nint.Size == 8 ? (ulong)long.MaxValue : uint.MaxValue;
        if ((nuint)address > last)
            throw new ArgumentException($"Tensor '{name}' lies at address 0x{address:x}, which no program has. Pass the address of its first element.", nameof(address));
        if ((ulong)length * sizeof(float) > last - (nuint)address)
            throw new ArgumentException($"Tensor '{name}' of {length} elements at address 0x{address:x} would reach beyond the end of memory.", nameof(length));
    }

    private void ThrowIfClosedTo(string name)
    {
        ThrowIfDisposed();
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (_frozen)
            throw new InvalidOperationException(
                $"Tensor '{name}' comes too late: a clipper or optimizer works on this set of {Count} tensors already. Add all tensors first.");
    }

    private void Append(in Entry entry)
    {
        if (!_indexByName.TryAdd(entry.Name, Count))
            throw new ArgumentException($"The set already has a tensor named '{entry.Name}'. Names must be unique.", "name");
        _entries.Add(entry);
        _elements += entry.Shape.Length;
    }
}
