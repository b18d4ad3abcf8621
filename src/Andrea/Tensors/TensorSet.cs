namespace Andrea.Tensors;

/// <summary>A numbered, named list of float32 tensors that are handled as one: all parameters of a model, or all their gradients.</summary>
/// <remarks>Either a <see cref="ParameterArena"/>, which owns its memory, or <see cref="ExternalTensors"/>, which borrows it.</remarks>
public abstract class TensorSet
{
    // 1 TiB: more than any device has, and few enough that the tables of a set that size, absent tensors included, still fit into memory.
    private const long MaxElements = 1L << 38;

    private protected TensorSet()
    {
    }

    /// <summary>The names there are, for a message about a pattern that matches none of them.</summary>
    internal string ListNames()
    {
        const int most = 40;
        string names = string.Join(", ", Enumerable.Range(0, Math.Min(most, Count)).Select(NameOf));
        return Count > most ? $"{names} and {Count - most} more" : names;
    }

    /// <summary>Whether the pattern matches one of the names.</summary>
    internal bool AnyMatches(string pattern)
    {
        for (int i = 0; i < Count; i++)
            if (NamePattern.Matches(pattern, NameOf(i)))
                return true;
        return false;
    }

    /// <summary>A sentence on what names there are, for one that there is not.</summary>
    internal static string CountOf(string what, int count, string? first) => count switch
    {
        0 => $"The {what} has no tensors.",
        1 => $"The {what} has 1 tensor, '{first}'.",
        _ => $"The {what} has {count} tensors, '{first}' first.",
    };

    /// <summary>Number of elements of one more tensor of a set.</summary>
    /// <param name="name">Its name, for the message.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="before">Number of elements that the set has without it.</param>
    /// <exception cref="ArgumentException">No device could hold them all.</exception>
    internal static long LengthOf(string name, TensorShape shape, long before)
    {
        long length = long.MaxValue;
        try
        {
            length = shape.Length;
        }
        catch (OverflowException)
        {
            // More than 63 bits can count is too much, too.
        }
        if (length > MaxElements - before)
            throw new ArgumentException(
                $"With tensor '{name}' of shape {shape} the set would have more than {MaxElements} elements (1 TiB), which no device holds. See whether the shape is right.", nameof(shape));
        return length;
    }

    /// <summary>Number of tensors.</summary>
    public abstract int Count { get; }

    /// <summary>Name of a tensor, unique within the set.</summary>
    /// <param name="index">0 up to <see cref="Count"/> - 1.</param>
    /// <returns>The name.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such tensor.</exception>
    public abstract string NameOf(int index);

    /// <summary>Shape of a tensor.</summary>
    /// <param name="index">0 up to <see cref="Count"/> - 1.</param>
    /// <returns>The shape.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such tensor.</exception>
    public abstract TensorShape ShapeOf(int index);

    /// <summary>Where the memory lies, as far as we know: borrowed memory has an address and no more.</summary>
    internal virtual Device? Device => null;

    /// <summary>Where a tensor lies; 0 for one that is empty, or not there at present.</summary>
    internal abstract nint AddressOf(int index);

    /// <summary>Counts up when an address changes, so that who holds addresses sees in one comparison whether they are still right.</summary>
    internal virtual int Version => 0;

    /// <summary>Whether the tensor is there: work passes by one that is not.</summary>
    internal bool IsPresent(int index) => AddressOf(index) != 0 || ShapeOf(index).Length == 0;

    /// <summary>Kernels hold addresses, so whoever launches one asks this first.</summary>
    /// <exception cref="ObjectDisposedException">The memory has been given back.</exception>
    internal abstract void ThrowIfDisposed();

    /// <summary>Somebody has taken the addresses: from now on the set stays as it is.</summary>
    internal virtual void Freeze()
    {
    }

    /// <summary>Number of elements of all tensors together.</summary>
    public long ElementCount
    {
        get
        {
            long sum = 0;
            for (int i = 0; i < Count; i++)
                sum = checked(sum + ShapeOf(i).Length);
            return sum;
        }
    }
}
