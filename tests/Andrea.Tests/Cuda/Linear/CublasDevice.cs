using Andrea.Cuda;
using Andrea.Cuda.Interop;
using Andrea.Cuda.Linear;
using Andrea.PtxEmulator.Driver;
using Andrea.PtxEmulator.Execution;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda.Linear;

/// <summary>The CUDA backend with matrix products by cuBLASLt: over the emulator and the emulated library, or over this machine's.</summary>
internal sealed class CublasDevice : IDisposable
{
    private CublasDevice(ICudaDriver driver, ICublasLt library, CudaOptions? options)
    {
        Emulated = library as EmulatedCublasLt;
        var sources = new LinearSources
        {
            Cublas = _ => library,
            Own = (_, _) =>
            {
                OwnMade++;
                return Own;
            },
        };
        Test = new TestDevice(CudaDevices.Open(driver, options, sources), driver as IDisposable);
    }

    public TestDevice Test { get; }

    public CudaBackend Backend => (CudaBackend)Test.Backend;

    /// <summary>Null on a GPU.</summary>
    public EmulatedCublasLt? Emulated { get; }

    /// <summary>What gets the products that cuBLASLt does not do.</summary>
    public HostLinear Own { get; } = new();

    public int OwnMade { get; private set; }

    public static CublasDevice OpenEmulator(CudaOptions? options = null, LaunchOptions? launch = null)
    {
        var driver = new EmulatedCudaDriver(options: launch);
        return new CublasDevice(driver, new EmulatedCublasLt(driver), options);
    }

    /// <summary>Opens "emulator" or "gpu"; without a GPU or cuBLASLt the latter skips the test.</summary>
    public static CublasDevice Open(string name, CudaOptions? options = null)
    {
        if (name == TestDevice.Emulator)
            return OpenEmulator(options);
        CudaDriver driver = CudaDevices.GpuDriver();
        return new CublasDevice(driver, LibraryOrSkip(), options);
    }

    public static CublasLt LibraryOrSkip()
    {
        try
        {
            return CublasLt.Load();
        }
        catch (CudaUnavailableException error)
        {
            Assert.Skip(error.Message);
            throw;
        }
    }

    public void Dispose() => Test.Dispose();
}
