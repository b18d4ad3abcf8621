namespace Andrea.Cpu;

/// <summary>Scratch memory of one operation: grows to the largest size asked for and stays there, so that a step allocates nothing.</summary>
internal sealed unsafe class GrowOnlyMemory : IDisposable
{
    private HostMemory? _memory;

    /// <summary>Room for <paramref name="length"/> floats, aligned to 256 bytes; what it holds is undefined. Valid until the next call.</summary>
    public float* Take(long length)
    {
        long lengthBytes = checked(length * sizeof(float));
        if (_memory is null || _memory.LengthBytes < lengthBytes)
        {
            _memory?.Dispose();
            // Should there not be so much memory, the next call must not take what was just given back.
            _memory = null;
            _memory = new HostMemory(lengthBytes);
        }
        return (float*)_memory.Address;
    }

    public void Dispose() => _memory?.Dispose();
}
