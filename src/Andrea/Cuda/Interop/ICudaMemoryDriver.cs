namespace Andrea.Cuda.Interop;

/// <summary>The driver's memory operations. Sizes are in bytes; the rules of <see cref="ICudaDriver"/> hold.</summary>
internal unsafe interface ICudaMemoryDriver
{
    /// <summary>Free and total memory of the current context's device.</summary>
    (long FreeBytes, long TotalBytes) GetMemoryInfo();

    /// <summary>Allocates at least 1 byte, aligned to at least 256, contents undefined.</summary>
    nint AllocateMemory(long bytes);

    /// <summary>The device on which kernels may use the address: its own memory, or managed memory; -1 for anything else.</summary>
    int GetDeviceOf(nint address);

    CudaResult FreeMemory(nint address);

    /// <summary>Allocates in stream order, from the device's pool: usable by what is enqueued on the stream afterwards.</summary>
    nint AllocateMemoryAsync(long bytes, nint stream);

    CudaResult FreeMemoryAsync(nint address, nint stream);

    /// <summary>Allocates page-locked host memory, which asynchronous copies need. Usable from every context.</summary>
    nint AllocateHost(long bytes);

    CudaResult FreeHost(nint host);

    /// <summary>Copies; the source may be reused on return.</summary>
    void CopyHostToDevice(nint target, void* source, long bytes);

    /// <summary>Copies; waits until what was enqueued on the default stream is done and the bytes have arrived.</summary>
    void CopyDeviceToHost(void* target, nint source, long bytes);

    void CopyDeviceToDevice(nint target, nint source, long bytes);

    /// <summary>Enqueues a copy. The source must be page-locked, and left alone until the stream has passed the copy.</summary>
    void CopyHostToDeviceAsync(nint target, void* source, long bytes, nint stream);

    /// <summary>Enqueues a copy. The target must be page-locked, and read only when the stream has passed the copy.</summary>
    void CopyDeviceToHostAsync(void* target, nint source, long bytes, nint stream);

    void CopyDeviceToDeviceAsync(nint target, nint source, long bytes, nint stream);

    /// <summary>Sets <paramref name="bytes"/> bytes to one value, in stream order.</summary>
    void FillBytesAsync(nint target, byte value, long bytes, nint stream);

    /// <summary>Sets <paramref name="count"/> words of 4 bytes to one value, in stream order. The target is aligned to 4.</summary>
    void FillWordsAsync(nint target, uint value, long count, nint stream);
}
