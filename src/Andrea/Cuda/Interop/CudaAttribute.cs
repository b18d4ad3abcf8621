namespace Andrea.Cuda.Interop;

/// <summary>What can be asked about a device: the driver's CUdevice_attribute.</summary>
internal enum CudaDeviceAttribute
{
    MaxThreadsPerBlock = 1,
    MaxSharedBytesPerBlock = 8,
    WarpSize = 10,
    MaxRegistersPerBlock = 12,
    ClockRateKiloHertz = 13,
    MultiprocessorCount = 16,
    ConcurrentKernels = 31,
    MemoryClockRateKiloHertz = 36,
    MemoryBusWidthBits = 37,
    L2CacheBytes = 38,
    MaxThreadsPerMultiprocessor = 39,
    ComputeCapabilityMajor = 75,
    ComputeCapabilityMinor = 76,
    MaxSharedBytesPerBlockOptIn = 97,
    MemoryPoolsSupported = 115,
}

/// <summary>What can be asked about a kernel: the driver's CUfunction_attribute.</summary>
internal enum CudaFunctionAttribute
{
    MaxThreadsPerBlock = 0,
    StaticSharedBytes = 1,
    ConstantBytes = 2,

    /// <summary>Local memory of a thread; above 0 when registers were spilled.</summary>
    LocalBytes = 3,
    RegisterCount = 4,

    /// <summary>Largest dynamic shared memory of a launch; the only one here that can be set.</summary>
    MaxDynamicSharedBytes = 8,
}
