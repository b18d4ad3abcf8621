namespace Andrea.Tensors;

/// <summary>Where each named tensor lies in an arena: its order, shape and offset. Parameters, gradients and moments share one layout.</summary>
/// <remarks>Every tensor begins on a 256-byte boundary; the padding between tensors is zero and stays zero.</remarks>
public sealed class ParameterLayout
{
    /// <summary>Tensors begin at multiples of this many elements (256 bytes).</summary>
    internal const int AlignmentElements = 64;

    private readonly List<Entry> _entries = [];
    private readonly Dictionary<string, int> _indexByName = new(StringComparer.Ordinal);

    private readonly record struct Entry(string Name, TensorShape Shape, long Offset);

    /// <summary>Number of tensors.</summary>
    public int Count => _entries.Count;

    /// <summary>Number of elements of all tensors, padding not counted.</summary>
    public long ElementCount { get; private set; }

    /// <summary>Number of elements of an arena, padding included.</summary>
    internal long ArenaLength { get; private set; }

    /// <summary>Appends a tensor.</summary>
    /// <param name="name">Unique, not empty; as it shall stand in checkpoints and messages.</param>
    /// <param name="shape">Shape of the tensor.</param>
    /// <returns>The tensor's index.</returns>
    /// <exception cref="ArgumentException">The name is empty or taken, or no memory could ever hold such a tensor.</exception>
    public int Add(string name, TensorShape shape)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        long length = TensorSet.LengthOf(name, shape, ElementCount);
        if (!_indexByName.TryAdd(name, Count))
            throw new ArgumentException($"The layout already has a tensor named '{name}'. Names must be unique.", nameof(name));
        _entries.Add(new Entry(name, shape, ArenaLength));
        ElementCount += length;
        ArenaLength += RoundUp(length);
        return Count - 1;
    }

    /// <summary>Name of a tensor.</summary>
    /// <param name="index">0 up to <see cref="Count"/> - 1.</param>
    /// <returns>The name.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such tensor.</exception>
    public string NameOf(int index) => _entries[index].Name;

    /// <summary>Shape of a tensor.</summary>
    /// <param name="index">0 up to <see cref="Count"/> - 1.</param>
    /// <returns>The shape.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such tensor.</exception>
    public TensorShape ShapeOf(int index) => _entries[index].Shape;

    /// <summary>First element of a tensor in the arena, a multiple of 64.</summary>
    /// <param name="index">0 up to <see cref="Count"/> - 1.</param>
    internal long OffsetOf(int index) => _entries[index].Offset;

    /// <summary>Finds a tensor by name.</summary>
    /// <param name="name">The exact name.</param>
    /// <returns>Its index.</returns>
    /// <exception cref="KeyNotFoundException">No tensor has that name.</exception>
    public int IndexOf(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return _indexByName.TryGetValue(name, out int index)
            ? index
            : throw new KeyNotFoundException($"No tensor is named '{name}'. {TensorSet.CountOf("layout", Count, Count > 0 ? NameOf(0) : null)}");
    }

    /// <summary>Whether a tensor of that name exists.</summary>
    /// <param name="name">The exact name.</param>
    /// <returns>True where <see cref="IndexOf"/> finds it.</returns>
    /// <exception cref="ArgumentNullException">The name is null.</exception>
    public bool Contains(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return _indexByName.ContainsKey(name);
    }

    private static long RoundUp(long elements) => (elements + AlignmentElements - 1) / AlignmentElements * AlignmentElements;
}
