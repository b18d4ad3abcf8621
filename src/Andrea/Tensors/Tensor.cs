using System.Diagnostics;

namespace Andrea.Tensors;

/// <summary>A float32 view into device memory: a shape and where it begins. Never owns, never frees, costs nothing to copy.</summary>
/// <remarks>Comes from a <see cref="ParameterArena"/> or a pass, and is valid as long as what it views. The default value views nothing.</remarks>
public readonly struct Tensor
{
    private readonly DeviceBuffer<float>? _buffer;
    private readonly long _offset;

    /// <summary>Views part of a buffer.</summary>
    /// <param name="buffer">The buffer to view; not owned.</param>
    /// <param name="offset">First element of the view.</param>
    /// <param name="shape">Shape of the view, row-major without gaps.</param>
    /// <exception cref="ArgumentOutOfRangeException">The view would reach outside the buffer.</exception>
    internal Tensor(DeviceBuffer<float> buffer, long offset, TensorShape shape)
    {
        ArgumentNullException.ThrowIfNull(buffer);
        if (offset < 0 || offset > buffer.Length - shape.Length)
            throw new ArgumentOutOfRangeException(
                nameof(offset), offset, $"A tensor of shape {shape} at element {offset} does not fit a buffer of {buffer.Length} elements.");
        _buffer = buffer;
        _offset = offset;
        Shape = shape;
    }

    /// <summary>Stands for an optional tensor that is not there.</summary>
    internal static Tensor None => default;

    /// <summary>Whether this is the default value, which views nothing.</summary>
    internal bool IsNone => _buffer is null;

    /// <summary>Sizes of the dimensions, outermost first.</summary>
    public TensorShape Shape { get; }

    /// <summary>Number of elements.</summary>
    public long Length => Shape.Length;

    internal nint Address => _buffer is null ? 0 : _buffer.Address + (nint)(_offset * sizeof(float));

    /// <summary>Copies the first elements into host memory; waits for the device.</summary>
    /// <param name="destination">Receives <c>destination.Length</c> elements, from element <paramref name="start"/> on.</param>
    /// <param name="start">First element to copy, counted in this view.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range does not lie within the view.</exception>
    /// <exception cref="InvalidOperationException">The tensor is the default value, which views nothing.</exception>
    /// <exception cref="ObjectDisposedException">What it views has been disposed.</exception>
    public void CopyTo(Span<float> destination, long start = 0)
    {
        CheckRange(start, destination.Length);
        _buffer!.CopyTo(destination, _offset + start);
    }

    /// <summary>Copies host memory into the view.</summary>
    /// <param name="source">Elements to store, may be reused on return.</param>
    /// <param name="start">First element to overwrite, counted in this view.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range does not lie within the view.</exception>
    /// <exception cref="InvalidOperationException">The tensor is the default value, which views nothing.</exception>
    /// <exception cref="ObjectDisposedException">What it views has been disposed.</exception>
    public void CopyFrom(ReadOnlySpan<float> source, long start = 0)
    {
        CheckRange(start, source.Length);
        _buffer!.CopyFrom(source, _offset + start);
    }

    /// <summary>Copies the whole view into a new array; waits for the device.</summary>
    /// <returns>The elements in order, row-major; of the default value none.</returns>
    /// <exception cref="OverflowException">More elements than an array can have.</exception>
    /// <exception cref="ObjectDisposedException">What it views has been disposed.</exception>
    public float[] ToArray()
    {
        var values = new float[Length];
        if (values.Length > 0)
            CopyTo(values);
        return values;
    }

    /// <summary>The same elements in another shape.</summary>
    internal Tensor As(params ReadOnlySpan<long> shape)
    {
        var other = new TensorShape(shape);
        Debug.Assert(other.Length == Length, "another shape has as many elements");
        return new Tensor(_buffer!, _offset, other);
    }

    /// <summary>(count, row length) rows of a matrix: all dimensions but the last are rows; of a vector, its elements.</summary>
    internal Tensor Part(long firstRow, long count)
    {
        long length = Shape.Rank == 1 ? 1 : Shape[Shape.Rank - 1];
        return new Tensor(_buffer!, _offset + firstRow * length, new TensorShape(count, length));
    }

    private void CheckRange(long start, long count)
    {
        if (IsNone)
            throw new InvalidOperationException("This tensor views nothing. Take it from an arena.");
        if (start < 0 || start > Length - count)
            throw new ArgumentOutOfRangeException(
                nameof(start), start, $"{count} elements from element {start} on do not lie within a tensor of shape {Shape}, which has {Length}.");
    }
}
