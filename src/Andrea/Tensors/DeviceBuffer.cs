using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Andrea.Tensors;

/// <summary>Owns a run of elements of type <typeparamref name="T"/> in the memory of one device, and frees it on dispose.</summary>
/// <typeparam name="T">Element type; any unmanaged struct whose layout host and device share.</typeparam>
/// <remarks>A <see cref="Tensor"/> is a view over a buffer and never frees. Not thread-safe.</remarks>
internal sealed class DeviceBuffer<T> : IDisposable
    where T : unmanaged
{
    private readonly DeviceMemory _memory;

    public DeviceBuffer(DeviceMemory memory, long length)
    {
        Debug.Assert(memory.LengthBytes >= ByteOffset(length), "memory shorter than the buffer");
        _memory = memory;
        Length = length;
    }

    /// <summary>Number of elements.</summary>
    public long Length { get; }

    internal nint Address => _memory.Address;

    /// <summary>Copies elements from the device into host memory; waits until the device has written them.</summary>
    /// <param name="destination">Receives <c>destination.Length</c> elements.</param>
    /// <param name="offset">First element to copy.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range does not lie within the buffer.</exception>
    public void CopyTo(Span<T> destination, long offset = 0)
    {
        CheckRange(offset, destination.Length);
        _memory.Read(ByteOffset(offset), MemoryMarshal.AsBytes(destination));
    }

    /// <summary>Copies host memory into the buffer.</summary>
    /// <param name="source">Elements to store; may be reused as soon as the call returns.</param>
    /// <param name="offset">First element to overwrite.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range does not lie within the buffer.</exception>
    public void CopyFrom(ReadOnlySpan<T> source, long offset = 0)
    {
        CheckRange(offset, source.Length);
        _memory.Write(ByteOffset(offset), MemoryMarshal.AsBytes(source));
    }

    /// <summary>Some of the elements: this buffer itself if they are all, else a view that frees nothing.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range does not lie within the buffer.</exception>
    public DeviceBuffer<T> Slice(long offset, long length)
    {
        CheckRange(offset, length);
        return length == Length ? this : new DeviceBuffer<T>(new DeviceMemoryView(_memory, ByteOffset(offset), ByteOffset(length)), length);
    }

    /// <summary>Frees the memory. Safe to call twice.</summary>
    public void Dispose() => _memory.Dispose();

    private static unsafe long ByteOffset(long elements) => elements * sizeof(T);

    private void CheckRange(long offset, long count)
    {
        if (offset < 0 || offset > Length - count)
            throw new ArgumentOutOfRangeException(
                nameof(offset), offset, $"{count} elements from element {offset} on do not lie within a buffer of {Length}.");
    }
}
