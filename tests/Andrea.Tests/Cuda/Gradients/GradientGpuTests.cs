using Andrea.Cuda;
using Andrea.Cuda.Interop;

namespace Andrea.Tests.Cuda.Gradients;

/// <summary>The optimizer's kernels on this machine's GPU.</summary>
public sealed class GradientGpuTests : GradientParityTests
{
    internal override ICudaDriver OpenDriver()
    {
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
}
