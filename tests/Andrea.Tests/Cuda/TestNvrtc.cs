using Andrea.Cuda;
using Andrea.Cuda.Interop;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda;

/// <summary>The real NVRTC, which needs no GPU: that of the machine, or the one that tests/get-nvrtc.sh fetched.</summary>
internal static class TestNvrtc
{
    private static readonly Lazy<(Nvrtc? Nvrtc, string Reason)> Found = new(Find);

    /// <summary>NVRTC; where there is none the calling test skips, visibly, or fails under CI.</summary>
    public static Nvrtc Get()
    {
        (Nvrtc? nvrtc, string reason) = Found.Value;
        if (nvrtc is null && Environment.GetEnvironmentVariable("CI") is "true" or "1")
            Assert.Fail($"Under CI the kernels must be compiled. {reason}");
        if (nvrtc is null)
            Assert.Skip(reason);
        return nvrtc!;
    }

    /// <summary>A file that tests/get-nvrtc.sh fetched; skips or fails like <see cref="Get"/>.</summary>
    public static string FetchedFile(string name)
    {
        string path = Path.Combine(FetchedFolder(), name);
        if (!File.Exists(path))
        {
            if (Environment.GetEnvironmentVariable("CI") is "true" or "1")
                Assert.Fail($"Under CI {path} must be there; tests/get-nvrtc.sh fetches it.");
            Assert.Skip($"{path} is not there; tests/get-nvrtc.sh fetches it.");
        }
        return path;
    }

    private static string FetchedFolder() => Path.Combine(SourceTree.Root(), "artifacts", "nvrtc");

    private static (Nvrtc? Nvrtc, string Reason) Find()
    {
        try
        {
            return (Nvrtc.Load(), "");
        }
        catch (CudaUnavailableException error)
        {
            string? FetchedOnly(string variable) => variable == LibrarySearch.NvrtcPathVariable ? FetchedFolder() : null;
            LibrarySearch fetched = LibrarySearch.ForNvrtc(SearchPlaces.Here with { Variable = FetchedOnly });
            return fetched.Candidates().Any() ? (Nvrtc.Load(fetched), "") : (null, error.Message);
        }
    }
}
