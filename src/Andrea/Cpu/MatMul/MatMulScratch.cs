namespace Andrea.Cpu.MatMul;

/// <summary>Memory for packed panels. Grows to what the largest product so far has needed, and never shrinks.</summary>
internal sealed unsafe class MatMulScratch : IDisposable
{
    private HostMemory? _memory;

    /// <summary>At least <paramref name="length"/> floats with any content, aligned to 256 bytes. Valid until the next call.</summary>
    public float* Take(long length)
    {
        long bytes = length * sizeof(float);
        if (_memory is null || _memory.LengthBytes < bytes)
        {
            _memory?.Dispose();
            _memory = new HostMemory(bytes);
        }
        return (float*)_memory.Address;
    }

    public void Dispose() => _memory?.Dispose();
}
