namespace Andrea.Cuda.Interop;

internal sealed unsafe partial class CudaDriver
{
    // Page-locked for all contexts of the process.
    private const uint PortableHostMemory = 1;

    public (long FreeBytes, long TotalBytes) GetMemoryInfo()
    {
        Check(Native.cuMemGetInfo_v2(out nuint free, out nuint total));
        return ((long)free, (long)total);
    }

    public nint AllocateMemory(long bytes)
    {
        CudaResult result = Native.cuMemAlloc_v2(out nint address, (nuint)bytes);
        Check(result, $"cuMemAlloc({bytes} bytes)", result == CudaResult.OutOfMemory ? MemoryDetails() : "");
        return address;
    }

    public int GetDeviceOf(nint address)
    {
        // CU_POINTER_ATTRIBUTE_MEMORY_TYPE, IS_MANAGED, DEVICE_ORDINAL; CU_MEMORYTYPE_DEVICE.
        const int MemoryType = 2, IsManaged = 8, DeviceOrdinal = 9;
        const uint DeviceMemory = 2;
        uint type = 0, managed = 0, device = 0;
        CudaResult result = Native.cuPointerGetAttribute(&type, MemoryType, address);
        // What the driver has never heard of is host memory.
        if (result == CudaResult.InvalidValue)
            return -1;
        Check(result, "cuPointerGetAttribute(MEMORY_TYPE)");
        Check(Native.cuPointerGetAttribute(&managed, IsManaged, address), "cuPointerGetAttribute(IS_MANAGED)");
        if (type != DeviceMemory && (managed & 1) == 0)
            return -1;
        Check(Native.cuPointerGetAttribute(&device, DeviceOrdinal, address), "cuPointerGetAttribute(DEVICE_ORDINAL)");
        return (int)device;
    }

    public CudaResult FreeMemory(nint address) => Native.cuMemFree_v2(address);

    public nint AllocateMemoryAsync(long bytes, nint stream)
    {
        CudaResult result = Native.cuMemAllocAsync(out nint address, (nuint)bytes, stream);
        Check(result, $"cuMemAllocAsync({bytes} bytes)", result == CudaResult.OutOfMemory ? MemoryDetails() : "");
        return address;
    }

    public CudaResult FreeMemoryAsync(nint address, nint stream) => Native.cuMemFreeAsync(address, stream);

    public nint AllocateHost(long bytes)
    {
        Check(Native.cuMemHostAlloc(out nint host, (nuint)bytes, PortableHostMemory), $"cuMemHostAlloc({bytes} bytes)");
        return host;
    }

    public CudaResult FreeHost(nint host) => Native.cuMemFreeHost(host);

    public void CopyHostToDevice(nint target, void* source, long bytes) => Check(Native.cuMemcpyHtoD_v2(target, source, (nuint)bytes));

    public void CopyDeviceToHost(void* target, nint source, long bytes) => Check(Native.cuMemcpyDtoH_v2(target, source, (nuint)bytes));

    public void CopyDeviceToDevice(nint target, nint source, long bytes) => Check(Native.cuMemcpyDtoD_v2(target, source, (nuint)bytes));

    public void CopyHostToDeviceAsync(nint target, void* source, long bytes, nint stream) =>
        Check(Native.cuMemcpyHtoDAsync_v2(target, source, (nuint)bytes, stream));

    public void CopyDeviceToHostAsync(void* target, nint source, long bytes, nint stream) =>
        Check(Native.cuMemcpyDtoHAsync_v2(target, source, (nuint)bytes, stream));

    public void CopyDeviceToDeviceAsync(nint target, nint source, long bytes, nint stream) =>
        Check(Native.cuMemcpyDtoDAsync_v2(target, source, (nuint)bytes, stream));

    public void FillBytesAsync(nint target, byte value, long bytes, nint stream) =>
        Check(Native.cuMemsetD8Async(target, value, (nuint)bytes, stream));

    public void FillWordsAsync(nint target, uint value, long count, nint stream) =>
        Check(Native.cuMemsetD32Async(target, value, (nuint)count, stream));

    private string MemoryDetails() => Native.cuMemGetInfo_v2(out nuint free, out nuint total) == CudaResult.Success
        ? $"The GPU has {free >> 20:N0} of {total >> 20:N0} MB free. Use a smaller batch or model, or end other programs on the GPU."
        : "";
}
