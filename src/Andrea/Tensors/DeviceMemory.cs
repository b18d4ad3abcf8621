namespace Andrea.Tensors;

/// <summary>One block of memory on one device: owned (frees on dispose) or borrowed (never frees).</summary>
/// <remarks>Backends derive from it. All copies are synchronous unless their name says otherwise.</remarks>
internal abstract class DeviceMemory : IDisposable
{
    protected DeviceMemory(long lengthBytes) => LengthBytes = lengthBytes;

    /// <summary>Address of the first byte, valid on the memory's device only.</summary>
    public abstract nint Address { get; }

    public long LengthBytes { get; }

    /// <summary>Copies device memory into host memory; waits for the device.</summary>
    public abstract void Read(long offsetBytes, Span<byte> destination);

    /// <summary>Copies host memory into device memory; the source may be reused on return.</summary>
    public abstract void Write(long offsetBytes, ReadOnlySpan<byte> source);

    public abstract void Dispose();
}
