using System.Runtime.InteropServices;
using Andrea.Cuda.Interop;

namespace Andrea.Cuda.Diagnosis;

/// <summary>Tells machines without a GPU, where training on the CPU is no news, from those with one that cannot be used.</summary>
internal static class GpuPresence
{
    /// <summary>Whether this machine seems to have an NVIDIA GPU that it lets programs see.</summary>
    public static bool IsLikely() => IsLikely(CudaDriver.Load, LibrarySearch.ForDriver(SearchPlaces.Here));

    /// <param name="loadDriver">Loads the driver.</param>
    /// <param name="search">Where it may lie.</param>
    internal static bool IsLikely(Func<ICudaDriver> loadDriver, LibrarySearch search)
    {
        try
        {
            ICudaDriver driver = loadDriver();
            driver.Initialize();
            return driver.GetDeviceCount() > 0;
        }
        catch (CudaException error)
        {
            // The driver may come with an image or a package; this is its way to say that there is nothing to drive. Any other
            // error is one of a GPU, or of its driver.
            return error.Code != (int)CudaResult.NoDevice;
        }
        catch (CudaUnavailableException)
        {
            // One that is there and whole, but too old.
            return search.Candidates().Any(candidate => NativeLibrary.TryLoad(candidate, out _));
        }
    }
}
