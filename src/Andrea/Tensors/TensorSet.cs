namespace Andrea.Tensors;

/// <summary>A numbered, named list of float32 tensors that are handled as one: all parameters of a model, or all their gradients.</summary>
/// <remarks>Either a <see cref="ParameterArena"/>, which owns its memory, or <see cref="ExternalTensors"/>, which borrows it.</remarks>
public abstract class TensorSet
{
    private protected TensorSet()
    {
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
