using Andrea.Cuda;
using Andrea.Cuda.Compilation;
using Andrea.Cuda.Interop;
using Andrea.Cuda.Linear;
using Andrea.Cuda.Memory;
using Andrea.Tensors;
using Andrea.Tests.Cpu;

namespace Andrea.Tests.Cuda.Linear;

/// <summary>Whose matrix products are taken, what is said about it, and who owns what.</summary>
public sealed class LinearChoiceTests : IDisposable
{
    private readonly FakeDriver _driver = new() { Major = 7 };
    private readonly SilentCublasLt _library = new();
    private readonly CudaContext _context;
    private readonly CudaStream _stream;
    private readonly CudaScratch _scratch;
    private readonly KernelLoader _loader;

    public LinearChoiceTests()
    {
        _context = CudaContext.Open(_driver);
        _stream = new CudaStream(_context.Handle);
        _scratch = new CudaScratch(_stream);
        var compiler = new KernelCompiler(TestNvrtc.Get(), new KernelLibrary(null), new KernelCache(null));
        _loader = new KernelLoader(_context, _stream, compiler, new KernelTarget(70, IsCubin: false));
    }

    [Fact]
    public void Make_WithTheLibrary_TakesItAndNamesIt()
    {
        using LinearChoice choice = Make(() => _library);
        Assert.IsType<CublasLtLinear>(choice.Ops);
        Assert.Equal("cuBLASLt 13.0.1, float32: silent", choice.Reason);
    }

    [Fact]
    public void Make_LibraryMissing_TakesOurOwnAndSaysWhatWasTried()
    {
        var nowhere = new LibrarySearch(["libcublasLt.so.99"], ["/no/such/folder"], UseLoader: false);
        // Not CublasLt.Load: what it finds stays connected for the process.
        using LinearChoice choice = Make(() => throw Assert.Throws<CudaUnavailableException>(
            () => LibraryLoader.Load("cuBLASLt", nowhere, "Install it.", library => CublasLt.Inspect(library))));
        Assert.IsType<HostLinear>(choice.Ops);
        Assert.Equal("the host: cuBLASLt cannot be used. Looked for libcublasLt.so.99 in: /no/such/folder. Install it.", choice.Reason);
    }

    [Fact]
    public void Make_LibraryDoesNotStart_TakesOurOwnAndSaysWhy()
    {
        var error = new CudaException("cublasLtCreate", 1, "CUBLAS_STATUS_NOT_INITIALIZED", "the library was not initialized.");
        using LinearChoice choice = Make(() => new SilentCublasLt { CreateFails = error });
        Assert.Equal(
            "the host: cublasLtCreate failed with CUBLAS_STATUS_NOT_INITIALIZED (1): the library was not initialized.", choice.Reason);
    }

    [Fact]
    public void Make_SwitchedOff_LoadsNothing()
    {
        using LinearChoice choice = Make(() => throw new InvalidOperationException(), new CudaOptions { UseCublas = false });
        Assert.Equal("the host: cuBLASLt is switched off by CudaOptions.UseCublas.", choice.Reason);
    }

    [Fact]
    public void Make_Tf32WithoutTheLibrary_SaysThatProductsStayExact()
    {
        using LinearChoice choice = Make(() => _library, new CudaOptions { UseCublas = false, AllowTf32 = true });
        Assert.EndsWith("TF32 was allowed, but only cuBLASLt has it, so products stay in float32.", choice.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Make_NoMemoryForTheWorkspace_FailsAndHoldsNothing()
    {
        _driver.Failures["AllocateMemory"] = CudaResult.OutOfMemory;
        Assert.Equal((int)CudaResult.OutOfMemory, Assert.Throws<CudaException>(() => Make(() => _library)).Code);
        Assert.Equal(0, _library.AliveCount);
    }

    [Fact]
    public void Workspace_OfAGpuBeforeHopper_Is4Megabytes()
    {
        using LinearChoice choice = Make(() => _library);
        Run(choice.Ops, Buffer(200));
        Assert.Equal(4 << 20, _library.WorkspaceBytes);
        using CublasDevice newer = CublasDevice.OpenEmulator();
        new LinearCase(2, 2, 2).Run(newer.Test);
        Assert.All(newer.Emulated!.Searches, search => Assert.Equal(32 << 20, search.MaxWorkspaceBytes));
    }

    [Fact]
    public void Products_OfKnownKinds_AllocateNothing()
    {
        using LinearChoice choice = Make(() => _library);
        DeviceBuffer<float> buffer = Buffer(200);
        Run(choice.Ops, buffer);
        (long made, int alive) = (_context.Handle.Allocations.Total, _library.AliveCount);
        _driver.IsQuiet = true;
        Allocations.AssertNone(() => Run(choice.Ops, buffer));
        Assert.Equal((made, alive), (_context.Handle.Allocations.Total, _library.AliveCount));
    }

    [Fact]
    public void Plan_SearchFails_HoldsNothing()
    {
        using LinearChoice choice = Make(() => _library);
        _library.SearchFails = true;
        Assert.Throws<CudaException>(() => Run(choice.Ops, Buffer(200)));
        Assert.Equal(1, _library.AliveCount);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Dispose_InAnyOrder_ReleasesTheContextLast(int rotation)
    {
        LinearChoice choice = Make(() => _library);
        DeviceBuffer<float> buffer = Buffer(200);
        Run(choice.Ops, buffer);
        buffer.Dispose();
        _loader.Dispose();
        IDisposable[] owners = [_context, choice, _stream, _scratch];
        foreach (IDisposable owner in owners[rotation..].Concat(owners[..rotation]))
        {
            Assert.DoesNotContain("ReleasePrimaryContext", _driver.Calls);
            owner.Dispose();
            owner.Dispose();
        }
        Assert.Equal("ReleasePrimaryContext", _driver.Calls[^1]);
        Assert.Equal((0, 0), (_library.AliveCount, _driver.AliveCount));
        Assert.Equal(0, _context.Handle.Allocations.FailedReleases);
    }

    [Fact]
    public void Use_AfterDispose_IsRefused()
    {
        LinearChoice choice = Make(() => _library);
        choice.Dispose();
        Assert.Throws<ObjectDisposedException>(() => Run(choice.Ops, Buffer(200)));
    }

    public void Dispose()
    {
        _scratch.Dispose();
        _loader.Dispose();
        _stream.Dispose();
        _context.Dispose();
    }

    private LinearChoice Make(Func<ICublasLt> load, CudaOptions? options = null) =>
        LinearChoice.Make(_loader, _scratch, options ?? new CudaOptions(), new LinearSources { Cublas = _ => load(), Own = (_, _) => new HostLinear() });

    private DeviceBuffer<float> Buffer(long length) => new(new CudaMemory(_stream, length * sizeof(float)), length);

    private static void Run(ILinearOps ops, DeviceBuffer<float> buffer)
    {
        Tensor Part(long start, long length) => new(buffer, start, new TensorShape(length));
        ops.Forward(Part(0, 6), Part(8, 6), Part(17, 3), Part(24, 6), 2, 3, 3, Part(32, 6));
        ops.BackwardInput(Part(0, 6), Part(8, 6), 2, 3, 3, Part(32, 6));
        ops.BackwardWeight(Part(0, 6), Part(8, 6), 2, 3, 3, Part(32, 9), Part(64, 3));
    }
}
