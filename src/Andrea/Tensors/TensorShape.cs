using System.Globalization;

namespace Andrea.Tensors;

/// <summary>The sizes of a tensor's dimensions, outermost first; one to four of them, row-major.</summary>
public readonly record struct TensorShape
{
    private readonly long _d0, _d1, _d2, _d3;

    /// <summary>Makes a shape from its sizes.</summary>
    /// <param name="sizes">One to four sizes, each at least 0, outermost first.</param>
    /// <exception cref="ArgumentException">No size, more than four, or a negative one.</exception>
    public TensorShape(params ReadOnlySpan<long> sizes)
    {
        if (sizes.Length is < 1 or > 4)
            throw new ArgumentException($"A shape has {sizes.Length} dimensions; one to four were expected.", nameof(sizes));
        foreach (long size in sizes)
            if (size < 0)
                throw new ArgumentException($"A shape has a dimension of size {size}; sizes must not be negative.", nameof(sizes));
        Rank = sizes.Length;
        _d0 = sizes[0];
        _d1 = Rank > 1 ? sizes[1] : 1;
        _d2 = Rank > 2 ? sizes[2] : 1;
        _d3 = Rank > 3 ? sizes[3] : 1;
    }

    /// <summary>Number of dimensions, 1 to 4 (0 for the default value).</summary>
    public int Rank { get; }

    /// <summary>Number of elements.</summary>
    /// <exception cref="OverflowException">The product of the sizes does not fit 63 bits.</exception>
    public long Length => Rank == 0 ? 0 : checked(_d0 * _d1 * _d2 * _d3);

    /// <summary>Size of one dimension.</summary>
    /// <param name="dimension">0 is the outermost.</param>
    public long this[int dimension]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(dimension);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(dimension, Rank);
            return dimension switch { 0 => _d0, 1 => _d1, 2 => _d2, _ => _d3 };
        }
    }

    /// <summary>Returns the sizes in an array of their own.</summary>
    /// <returns>As many numbers as there are dimensions, outermost first.</returns>
    public long[] ToArray()
    {
        var sizes = new long[Rank];
        for (int i = 0; i < Rank; i++)
            sizes[i] = this[i];
        return sizes;
    }

    /// <summary>Writes the sizes as <c>(768, 3072)</c>.</summary>
    public override string ToString() =>
        $"({string.Join(", ", ToArray().Select(size => size.ToString(CultureInfo.InvariantCulture)))})";
}
