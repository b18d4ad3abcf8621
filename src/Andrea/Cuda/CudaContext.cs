using Andrea.Cuda.Compilation;
using Andrea.Cuda.Handles;
using Andrea.Cuda.Interop;

namespace Andrea.Cuda;

/// <summary>One GPU, opened: its context, and what it can do.</summary>
internal sealed class CudaContext : IDisposable
{
    private CudaContext(ICudaDriver driver, int ordinal, nint? borrowed = null)
    {
        int device = driver.GetDevice(ordinal);
        Driver = driver;
        Ordinal = ordinal;
        Name = driver.GetDeviceName(device);
        TotalBytes = driver.GetDeviceTotalBytes(device);
        MultiprocessorCount = driver.GetDeviceAttribute(device, CudaDeviceAttribute.MultiprocessorCount);
        Architecture = 10 * driver.GetDeviceAttribute(device, CudaDeviceAttribute.ComputeCapabilityMajor)
            + driver.GetDeviceAttribute(device, CudaDeviceAttribute.ComputeCapabilityMinor);
        Handle = borrowed is { } context ? new ContextHandle(driver, device, context) : new ContextHandle(driver, device);
    }

    public ICudaDriver Driver { get; }

    public ContextHandle Handle { get; }

    /// <summary>Number of the GPU, from 0.</summary>
    public int Ordinal { get; }

    /// <summary>As the vendor calls the GPU.</summary>
    public string Name { get; }

    public long TotalBytes { get; }

    public int MultiprocessorCount { get; }

    /// <summary>Compute capability, 10 * major + minor.</summary>
    public int Architecture { get; }

    /// <summary>Opens the GPU, or borrows the context, that the options name.</summary>
    /// <exception cref="CudaUnavailableException">There is no GPU, or none of that number.</exception>
    /// <exception cref="CudaException">The context is none.</exception>
    public static CudaContext Open(ICudaDriver driver, CudaOptions options) =>
        options.Context is { } context ? Borrow(driver, context) : Open(driver, options.Ordinal);

    /// <summary>Opens a GPU.</summary>
    /// <param name="driver">The driver.</param>
    /// <param name="ordinal">Number of the GPU, from 0.</param>
    /// <exception cref="CudaUnavailableException">There is no GPU, or none of that number.</exception>
    public static CudaContext Open(ICudaDriver driver, int ordinal = 0)
    {
        int count = Start(driver);
        if (ordinal < 0 || ordinal >= count)
            throw new CudaUnavailableException(
                $"GPU {ordinal} was asked for, but the CUDA driver shows {count}; expected a number from 0 to {count - 1}.");
        return new CudaContext(driver, ordinal);
    }

    /// <summary>Uses a context that another library has made; its GPU is the context's.</summary>
    /// <param name="driver">The driver.</param>
    /// <param name="context">The context; not owned.</param>
    /// <exception cref="ArgumentException">The context is 0.</exception>
    /// <exception cref="CudaException">The context is none.</exception>
    private static CudaContext Borrow(ICudaDriver driver, nint context)
    {
        if (context == 0)
            throw new ArgumentException(
                "The context to work in is 0, which is none. Pass the CUcontext that your memory was allocated in, or leave CudaOptions.Context null for the primary one.");
        int count = Start(driver);
        int device;
        using (new ContextHandle.Scope(driver, context))
            device = driver.GetCurrentDevice();
        for (int ordinal = 0; ordinal < count; ordinal++)
            if (driver.GetDevice(ordinal) == device)
                return new CudaContext(driver, ordinal, context);
        throw new CudaUnavailableException($"The context 0x{context:x} belongs to none of the {count} GPUs that the CUDA driver shows.");
    }

    /// <summary>Starts the driver.</summary>
    /// <returns>How many GPUs it shows: at least 1.</returns>
    /// <exception cref="CudaUnavailableException">It cannot be started, or shows none.</exception>
    public static int Start(ICudaDriver driver)
    {
        const string Advice = "Check that 'nvidia-smi' shows a GPU, and that CUDA_VISIBLE_DEVICES, if set, names one; in a container, start it"
            + " with '--gpus all'.";
        try
        {
            driver.Initialize();
        }
        catch (CudaException error)
        {
            throw new CudaUnavailableException($"The CUDA driver {driver.Library} cannot be started: {error.Message} {Advice}", error);
        }
        int count = driver.GetDeviceCount();
        return count > 0 ? count : throw new CudaUnavailableException($"The CUDA driver {driver.Library} shows no GPU. {Advice}");
    }

    /// <summary>Memory of the GPU that nobody uses, other processes included.</summary>
    public long GetFreeBytes()
    {
        using (Handle.Enter())
            return Driver.GetMemoryInfo().FreeBytes;
    }

    /// <summary>Loads compiled code.</summary>
    public CudaModule Load(CompiledKernel kernel) => new(Handle, kernel.Image);

    /// <summary>Gives the context up; it goes when everything made in it has gone.</summary>
    public void Dispose() => Handle.Dispose();
}
