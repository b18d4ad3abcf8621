using Andrea.Clipping;
using Andrea.Cuda;
using Andrea.Tensors;

namespace Andrea.Tests.Cuda;

/// <summary>A context that another library has made: everything is done in it, and it stays that library's.</summary>
public class BorrowedContextTests
{
    private const nint Theirs = 0xABC0;

    private readonly FakeDriver _driver = new() { DeviceCount = 2, MemoryDevice = 1, OtherContexts = { [Theirs] = 1 } };

    [Fact]
    public void Clip_InAnothersContext_EntersItAndGivesNothingBack()
    {
        _driver.Current = Theirs;
        nint memory = _driver.AllocateMemory(400);
        _driver.Current = 0;
        using (Device device = CudaDevices.Open(_driver, new CudaOptions { Context = Theirs }))
        {
            Assert.StartsWith("GPU 1, ", device.Description, StringComparison.Ordinal);
            Assert.Equal(Theirs, _driver.Current);
            using var set = new ExternalTensors().Add("w", memory, 100);
            using var clipper = new GradClipper(device, set, new GradClipperOptions { NonFinite = NonFinitePolicy.Propagate });
            _driver.Current = FakeDriver.Context;
            clipper.Clip();
            Assert.Equal(FakeDriver.Context, _driver.Current);
        }
        Assert.DoesNotContain("RetainPrimaryContext", _driver.Calls);
        Assert.DoesNotContain("ReleasePrimaryContext", _driver.Calls);
        _driver.FreeMemory(memory);
        Assert.Equal(0, _driver.AliveCount);
    }

    [Fact]
    public void Open_ThreadWithAContextOfItsOwn_KeepsIt()
    {
        _driver.Current = FakeDriver.Context;
        using CudaContext context = CudaContext.Open(_driver, new CudaOptions { Context = Theirs, Ordinal = 7 });
        Assert.Equal((1, FakeDriver.Context), (context.Ordinal, _driver.Current));
    }

    [Fact]
    public void Open_NoContext_IsRefused()
    {
        var error = Assert.Throws<ArgumentException>(() => CudaContext.Open(_driver, new CudaOptions { Context = 0 }));
        Assert.Contains("leave CudaOptions.Context null", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_ContextOfAHiddenGpu_IsRefused()
    {
        _driver.OtherContexts[Theirs] = 5;
        var error = Assert.Throws<CudaUnavailableException>(() => CudaContext.Open(_driver, new CudaOptions { Context = Theirs }));
        Assert.Contains("none of the 2 GPUs", error.Message, StringComparison.Ordinal);
    }
}
