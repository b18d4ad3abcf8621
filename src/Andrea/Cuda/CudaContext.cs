using Andrea.Cuda.Compilation;
using Andrea.Cuda.Handles;
using Andrea.Cuda.Interop;

namespace Andrea.Cuda;

/// <summary>One GPU, opened: its context, and what it can do.</summary>
internal sealed class CudaContext : IDisposable
{
    private CudaContext(ICudaDriver driver, int device)
    {
        Driver = driver;
        Name = driver.GetDeviceName(device);
        TotalBytes = driver.GetDeviceTotalBytes(device);
        MultiprocessorCount = driver.GetDeviceAttribute(device, CudaDeviceAttribute.MultiprocessorCount);
        Architecture = 10 * driver.GetDeviceAttribute(device, CudaDeviceAttribute.ComputeCapabilityMajor)
            + driver.GetDeviceAttribute(device, CudaDeviceAttribute.ComputeCapabilityMinor);
        Handle = new ContextHandle(driver, device);
    }

    public ICudaDriver Driver { get; }

    public ContextHandle Handle { get; }

    /// <summary>As the vendor calls the GPU.</summary>
    public string Name { get; }

    public long TotalBytes { get; }

    public int MultiprocessorCount { get; }

    /// <summary>Compute capability, 10 * major + minor.</summary>
    public int Architecture { get; }

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
        return new CudaContext(driver, driver.GetDevice(ordinal));
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
