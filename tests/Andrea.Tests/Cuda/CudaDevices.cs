using Andrea.Cuda;
using Andrea.Cuda.Compilation;
using Andrea.Cuda.Interop;
using Andrea.Cuda.Linear;

namespace Andrea.Tests.Cuda;

/// <summary>The CUDA backend over the emulator, which is always there, or over this machine's GPU, if it has one.</summary>
internal static class CudaDevices
{
    private static readonly Lazy<KernelCompiler> Compiler = new(() => new KernelCompiler(
        TestNvrtc.Get(), new KernelLibrary(null), new KernelCache(Path.Combine(AppContext.BaseDirectory, "kernel-cache"))));

    /// <summary>A device over any driver. The driver stays the caller's.</summary>
    public static Device Open(ICudaDriver driver, CudaOptions? options = null, LinearSources? linear = null) =>
        new(new CudaBackend(CudaContext.Open(driver, options ?? new CudaOptions()), NvrtcOrSkip(), options ?? new CudaOptions(), linear));

    /// <summary>With this environment variable at 1, tests that need a GPU fail instead of skipping.</summary>
    private const string RequiredVariable = "ANDREA_TEST_GPU";

    /// <summary>The real driver with a GPU; where there is none, the calling test skips and says why.</summary>
    public static CudaDriver GpuDriver()
    {
        if (Environment.GetEnvironmentVariable(RequiredVariable) == "1")
        {
            CudaDriver required = CudaDriver.Load();
            required.Initialize();
            return required;
        }
        // Asking the driver without a GPU would be slow, and for root leaves a device node behind.
        if (OperatingSystem.IsLinux() && !Directory.Exists("/proc/driver/nvidia") && !File.Exists("/dev/dxg"))
            Assert.Skip("This machine has no NVIDIA GPU.");
        try
        {
            CudaDriver driver = CudaDriver.Load();
            driver.Initialize();
            return driver;
        }
        catch (Exception error) when (error is CudaUnavailableException or CudaException)
        {
            Assert.Skip(error.Message);
            throw;
        }
    }

    private static KernelCompiler NvrtcOrSkip()
    {
        // Asked first, so that a test skips instead of failing in the initialisation above.
        _ = TestNvrtc.Get();
        return Compiler.Value;
    }
}
