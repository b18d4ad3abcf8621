namespace Andrea.Cuda.Memory;

/// <summary>Memory for results within one operation. Operations follow each other on one stream, so all share it; it grows to what the largest
/// needs and then allocates nothing.</summary>
/// <remarks>Contents are undefined; an operation takes it once, for everything that it keeps there.</remarks>
internal sealed class CudaScratch(CudaStream stream) : IDisposable
{
    private CudaMemory? _memory;

    /// <summary>At least that many bytes, aligned to 256; good until the operation's last kernel.</summary>
    public nint Take(long bytes)
    {
        if (_memory is null || _memory.LengthBytes < bytes)
        {
            // The driver frees only when everything enqueued has been done.
            _memory?.Dispose();
            _memory = null;
            _memory = new CudaMemory(stream, bytes, zeroed: false);
        }
        return _memory.Address;
    }

    public void Dispose() => _memory?.Dispose();
}
