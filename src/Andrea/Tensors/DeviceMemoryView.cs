namespace Andrea.Tensors;

/// <summary>Part of another block of memory; never frees it.</summary>
internal sealed class DeviceMemoryView(DeviceMemory memory, long offsetBytes, long lengthBytes) : DeviceMemory(lengthBytes)
{
    public override nint Address => memory.Address + (nint)offsetBytes;

    public override void Read(long offset, Span<byte> destination) => memory.Read(offsetBytes + offset, destination);

    public override void Write(long offset, ReadOnlySpan<byte> source) => memory.Write(offsetBytes + offset, source);

    public override void Dispose()
    {
    }
}
