namespace Andrea.Cuda.Interop;

/// <summary>The part of the CUDA driver that Andrea uses; the real driver, or the tests' emulator in its place.</summary>
/// <remarks>
/// Every operation is checked: it throws <see cref="CudaException"/> unless its documentation says otherwise. Those that give something
/// back (named Free, Destroy, Unload, Release) never throw and return the code, for they run in finalizers. Contexts, modules, functions,
/// streams, events and graphs are the driver's own handles; addresses are device addresses unless called host. Stream 0 is the legacy
/// default stream. All but the first six operations need a current context. Safe for many threads at once, like the driver.
/// </remarks>
internal interface ICudaDriver : ICudaMemoryDriver, ICudaStreamDriver
{
    /// <summary>Where the driver was found, for people: a path, or what stands in for it.</summary>
    string Library { get; }

    /// <summary>Newest CUDA version that the driver supports, as 1000 * major + 10 * minor.</summary>
    int Version { get; }

    /// <summary>Name and meaning of a code, as <c>CUDA_ERROR_OUT_OF_MEMORY</c> and <c>out of memory</c>; never throws.</summary>
    (string Name, string Text) Describe(CudaResult result);

    /// <summary>Starts the driver; repeating it does nothing. Fails with <see cref="CudaResult.NoDevice"/> where there is no GPU.</summary>
    void Initialize();

    int GetDeviceCount();

    /// <summary>The device with a number from 0 to the count - 1.</summary>
    int GetDevice(int ordinal);

    string GetDeviceName(int device);

    long GetDeviceTotalBytes(int device);

    int GetDeviceAttribute(int device, CudaDeviceAttribute attribute);

    /// <summary>Makes the device's primary context, which the CUDA runtime API shares, or counts one more user of it.</summary>
    nint RetainPrimaryContext(int device);

    CudaResult ReleasePrimaryContext(int device);

    /// <summary>Makes a context the calling thread's; 0 for none.</summary>
    void SetCurrentContext(nint context);

    /// <summary>The calling thread's context, or 0.</summary>
    nint GetCurrentContext();

    /// <summary>The device of the calling thread's context.</summary>
    int GetCurrentDevice();

    /// <summary>Waits for everything enqueued in the current context. Errors of kernels appear here at the latest.</summary>
    void SynchronizeContext();

    /// <summary>Loads code into the current context.</summary>
    /// <param name="image">A CUBIN, or PTX text that ends with a zero byte.</param>
    /// <exception cref="CudaException">The image is for another GPU, or broken; the message holds the log of the PTX compiler.</exception>
    nint LoadModule(ReadOnlySpan<byte> image);

    CudaResult UnloadModule(nint module);

    /// <summary>A kernel of a module, valid as long as the module.</summary>
    nint GetFunction(nint module, string name);

    int GetFunctionAttribute(nint function, CudaFunctionAttribute attribute);

    /// <summary>Lets a kernel's blocks have that much dynamic shared memory; needed above 48 KB.</summary>
    void SetMaxDynamicShared(nint function, int bytes);

    /// <summary>Enqueues a kernel.</summary>
    /// <param name="function">The kernel.</param>
    /// <param name="shape">Blocks and threads.</param>
    /// <param name="stream">Stream of the current context.</param>
    /// <param name="arguments">One pointer to each argument's value, in order; values are copied before the call returns.</param>
    unsafe void LaunchKernel(nint function, in LaunchShape shape, nint stream, void** arguments);
}
