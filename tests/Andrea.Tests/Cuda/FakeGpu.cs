using Andrea.Cuda;
using Andrea.Cuda.Compilation;
using Andrea.Cuda.Memory;
using Andrea.Tests.Cpu;

namespace Andrea.Tests.Cuda;

/// <summary>What a class of kernels needs, over a driver that only notes launches: for tests of launches, and of what else they cost.</summary>
internal sealed class FakeGpu : IDisposable
{
    private readonly FakeDriver _driver = new();
    private readonly CudaContext _context;
    private readonly CudaStream _stream;

    public FakeGpu()
    {
        _context = CudaContext.Open(_driver);
        _stream = new CudaStream(_context.Handle);
        var compiler = new KernelCompiler(TestNvrtc.Get(), new KernelLibrary(null), new KernelCache(null));
        Loader = new KernelLoader(_context, _stream, compiler, new KernelTarget(70, IsCubin: false));
        Scratch = new CudaScratch(_stream);
    }

    public KernelLoader Loader { get; }

    public CudaScratch Scratch { get; }

    /// <summary>The launches that an operation enqueues, as "kernel&lt;blocks, threads&gt;".</summary>
    public string[] Launches(Action operation)
    {
        _driver.Calls.Clear();
        operation();
        return [.. _driver.Calls.Where(call => call.StartsWith("k_", StringComparison.Ordinal)).Select(call => call.Split('(')[0])];
    }

    /// <summary>Fails when an operation, once it has run, allocates memory of the host or of the device.</summary>
    public void AssertAllocatesNothing(Action operation)
    {
        operation();
        long made = _context.Handle.Allocations.Total;
        _driver.IsQuiet = true;
        Allocations.AssertNone(operation);
        Assert.Equal(made, _context.Handle.Allocations.Total);
    }

    public void Dispose()
    {
        Scratch.Dispose();
        Loader.Dispose();
        _stream.Dispose();
        _context.Dispose();
    }
}
