using Andrea.Cuda;
using Andrea.Cuda.Compilation;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda;

/// <summary>Files compiled ahead of time are those that are loaded, errors included.</summary>
public sealed class KernelLoaderTests : IDisposable
{
    private const string Kernel = """extern "C" __global__ void k_x(float* a) { a[0] = VALUE; }""";

    private readonly TemporaryFolder _folder = new();
    private readonly FakeDriver _driver = new();
    private readonly CudaContext _context;
    private readonly CudaStream _stream;
    private readonly KernelCache _cache;

    public KernelLoaderTests()
    {
        _context = CudaContext.Open(_driver);
        _stream = new CudaStream(_context.Handle);
        _cache = new KernelCache(_folder["cache"]);
    }

    [Fact]
    public void Load_AfterPrefetch_TakesItsCode()
    {
        using KernelLoader loader = Loader(Kernel);
        loader.Prefetch("x.cu", "VALUE=1.0f");
        loader.Prefetch("x.cu", "VALUE=1.0f");
        loader.Prefetch("x.cu", "VALUE=2.0f");
        Assert.Equal("k_x", loader.Load("x.cu", "VALUE=1.0f").GetKernel("k_x").Name);
        Assert.Equal("k_x", loader.Load("x.cu", "VALUE=2.0f").GetKernel("k_x").Name);
        Assert.Equal(2, _cache.Measure().Count);
        // And again without having been asked for ahead.
        loader.Load("x.cu", "VALUE=1.0f");
        Assert.Equal(3, _driver.Calls.Count(call => call == "LoadModule"));
    }

    [Fact]
    public void Load_PrefetchedFileWithAnError_ThrowsIt()
    {
        using KernelLoader loader = Loader("nonsense");
        loader.Prefetch("x.cu");
        Assert.StartsWith("x.cu:1: error", Assert.Throws<KernelCompilationException>(() => loader.Load("x.cu")).Log, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _stream.Dispose();
        _context.Dispose();
        _folder.Dispose();
    }

    private KernelLoader Loader(string source)
    {
        _folder.Write("kernels/x.cu", System.Text.Encoding.UTF8.GetBytes(source));
        var compiler = new KernelCompiler(TestNvrtc.Get(), new KernelLibrary(_folder["kernels"]), _cache);
        return new KernelLoader(_context, _stream, compiler, new KernelTarget(80, IsCubin: false));
    }
}
