using Andrea.Cuda;
using Andrea.Cuda.Handles;
using Andrea.Cuda.Interop;
using Andrea.Cuda.Memory;

namespace Andrea.Tests.Cuda.Handles;

/// <summary>Who owns what: everything is given back once, in any order of disposal, and never with an exception.</summary>
public class CudaHandleTests
{
    private readonly FakeDriver _driver = new();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void Dispose_InAnyOrder_ReleasesTheContextLast(int rotation)
    {
        CudaContext context = CudaContext.Open(_driver);
        IDisposable[] owners =
        [
            context, new CudaStream(context.Handle), new MemoryHandle(context.Handle, 100), new PinnedHandle(context.Handle, 10),
            new EventHandle(context.Handle, timed: true), new CodeHandle(context.Handle, [1, 2]),
        ];
        Assert.Equal(5, context.Handle.Allocations.Live);
        Assert.Equal(110, context.Handle.Allocations.LiveBytes);
        foreach (IDisposable owner in owners[rotation..].Concat(owners[..rotation]))
        {
            Assert.DoesNotContain("ReleasePrimaryContext", _driver.Calls);
            owner.Dispose();
            owner.Dispose();
        }
        Assert.Equal("ReleasePrimaryContext", _driver.Calls[^1]);
        Assert.Single(_driver.Calls, "ReleasePrimaryContext");
        Assert.Equal(0, _driver.AliveCount);
        Assert.Equal(0, context.Handle.Allocations.Live);
        Assert.Equal(0, context.Handle.Allocations.LiveBytes);
        Assert.Equal(0, context.Handle.Allocations.FailedReleases);
    }

    [Fact]
    public void Creation_Fails_HoldsNothing()
    {
        _driver.Failures["AllocateMemory"] = CudaResult.OutOfMemory;
        CudaContext context = CudaContext.Open(_driver);
        Assert.Equal((int)CudaResult.OutOfMemory, Assert.Throws<CudaException>(() => new MemoryHandle(context.Handle, 1)).Code);
        Assert.Equal(0, context.Handle.Allocations.Live);
        context.Dispose();
        Assert.Equal("ReleasePrimaryContext", _driver.Calls[^1]);
    }

    [Theory]
    [InlineData((int)CudaResult.IllegalAddress, 1)]
    [InlineData((int)CudaResult.Deinitialized, 0)]
    [InlineData((int)CudaResult.ContextIsDestroyed, 0)]
    public void Release_Fails_IsCountedUnlessTheProcessIsEnding(int result, int counted)
    {
        _driver.Failures["DestroyStream"] = (CudaResult)result;
        CudaContext context = CudaContext.Open(_driver);
        new StreamHandle(context.Handle).Dispose();
        Assert.Equal(counted, context.Handle.Allocations.FailedReleases);
        Assert.Equal(0, context.Handle.Allocations.Live);
        context.Dispose();
        Assert.Equal("ReleasePrimaryContext", _driver.Calls[^1]);
    }

    [Fact]
    public void Use_AfterDispose_IsRefused()
    {
        CudaContext context = CudaContext.Open(_driver);
        var stream = new CudaStream(context.Handle);
        stream.Dispose();
        Assert.Throws<ObjectDisposedException>(() => stream.Value);
        Assert.Throws<ObjectDisposedException>(stream.Synchronize);
        context.Dispose();
        Assert.Throws<ObjectDisposedException>(() => new StreamHandle(context.Handle));
        Assert.Equal(0, _driver.AliveCount);
    }

    [Fact]
    public void Calls_BesideAnotherLibrary_LeaveItsContextCurrent()
    {
        const nint Other = 0xBEEF;
        using CudaContext context = CudaContext.Open(_driver);
        _driver.Current = Other;
        var stream = new CudaStream(context.Handle);
        stream.Synchronize();
        stream.Dispose();
        Assert.Equal(Other, _driver.Current);
        _driver.Current = 0;
        new CudaStream(context.Handle).Dispose();
        Assert.Equal(FakeDriver.Context, _driver.Current);
    }

    [Fact]
    public void Finalizer_OfAForgottenBuffer_FreesAndReportsIt()
    {
        using CudaContext context = CudaContext.Open(_driver);
        Forget(context);
        for (int i = 0; i < 50 && context.Handle.Allocations.Forgotten == 0; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        Assert.Equal(1, context.Handle.Allocations.Forgotten);
        Assert.Equal(0, context.Handle.Allocations.Live);

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static void Forget(CudaContext context) => _ = new MemoryHandle(context.Handle, 8);
    }

    [Fact]
    public void Open_NoSuchGpu_SaysHowManyThereAre()
    {
        var error = Assert.Throws<CudaUnavailableException>(() => CudaContext.Open(_driver, 3));
        Assert.Equal("GPU 3 was asked for, but the CUDA driver shows 1; expected a number from 0 to 0.", error.Message);
        Assert.DoesNotContain("RetainPrimaryContext", _driver.Calls);
    }

    [Fact]
    public void Memory_WrittenAndRead_IsTheSameAndBeganAsZeros()
    {
        using CudaContext context = CudaContext.Open(_driver);
        using var stream = new CudaStream(context.Handle);
        using var memory = new CudaMemory(stream, 8);
        var read = new byte[8];
        memory.Read(0, read);
        Assert.Equal(new byte[8], read);
        memory.Write(2, [1, 2, 3]);
        memory.Read(1, read.AsSpan(0, 5));
        Assert.Equal([0, 1, 2, 3, 0, 0, 0, 0], read);
        memory.Read(8, []);
    }

    [Fact]
    public void Record_OfWork_GivesAGraphAndDropsTheRecording()
    {
        using CudaContext context = CudaContext.Open(_driver);
        using var stream = new CudaStream(context.Handle);
        _driver.Calls.Clear();
        using (CudaGraph graph = stream.Record(() => Assert.True(stream.IsRecording)))
            graph.Launch();
        Assert.False(stream.IsRecording);
        Assert.Equal(["BeginCapture", "EndCapture", "InstantiateGraph", "DestroyGraph", "LaunchGraph", "DestroyExecutableGraph"], _driver.Calls);
    }

    [Fact]
    public void Record_WorkThrows_EndsTheRecordingAndKeepsTheException()
    {
        using CudaContext context = CudaContext.Open(_driver);
        using var stream = new CudaStream(context.Handle);
        _driver.Calls.Clear();
        Assert.Throws<InvalidTimeZoneException>(() => stream.Record(() => throw new InvalidTimeZoneException()));
        Assert.Equal(["BeginCapture", "EndCapture", "DestroyGraph"], _driver.Calls);
        Assert.False(stream.IsRecording);
    }
}
