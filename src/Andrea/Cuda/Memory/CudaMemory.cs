using Andrea.Cuda.Handles;
using Andrea.Tensors;

namespace Andrea.Cuda.Memory;

/// <summary>Memory of one GPU, in order with one stream.</summary>
internal sealed unsafe class CudaMemory : DeviceMemory
{
    private readonly CudaStream _stream;
    private readonly MemoryHandle _handle;

    /// <param name="stream">The stream that everything done to the memory is in order with.</param>
    /// <param name="lengthBytes">Bytes to allocate.</param>
    /// <param name="zeroed">Whether it is filled with zeros; else its contents are undefined.</param>
    public CudaMemory(CudaStream stream, long lengthBytes, bool zeroed = true)
        : base(lengthBytes)
    {
        _stream = stream;
        _handle = new MemoryHandle(stream.Context, lengthBytes);
        if (lengthBytes == 0 || !zeroed)
            return;
        try
        {
            using (stream.Context.Enter())
                stream.Context.Driver.FillBytesAsync(_handle.Value, 0, lengthBytes, stream.Value);
        }
        catch
        {
            _handle.Dispose();
            throw;
        }
    }

    public override nint Address => _handle.Value;

    public override void Read(long offsetBytes, Span<byte> destination)
    {
        if (destination.IsEmpty)
            return;
        _stream.Synchronize();
        using (_stream.Context.Enter())
        fixed (byte* target = destination)
            _stream.Context.Driver.CopyDeviceToHost(target, Address + (nint)offsetBytes, destination.Length);
        GC.KeepAlive(this);
    }

    public override void Write(long offsetBytes, ReadOnlySpan<byte> source)
    {
        if (source.IsEmpty)
            return;
        // The copy goes by the default stream, which does not wait for ours.
        _stream.Synchronize();
        using (_stream.Context.Enter())
        fixed (byte* bytes = source)
        {
            _stream.Context.Driver.CopyHostToDevice(Address + (nint)offsetBytes, bytes, source.Length);
            // A copy from ordinary memory returns when the driver has taken the bytes, which may be before they have arrived.
            _stream.Context.Driver.SynchronizeStream(CudaStream.LegacyDefault);
        }
        GC.KeepAlive(this);
    }

    /// <summary>Frees the memory; the driver first waits for what still uses it.</summary>
    public override void Dispose() => _handle.Dispose();
}
