using Andrea.Cuda;
using Andrea.Cuda.Memory;
using Andrea.Cuda.Interop;
using Andrea.PtxEmulator.Driver;
using Andrea.PtxEmulator.Execution;

namespace Andrea.Tests.PtxEmulator;

/// <summary>The emulated driver keeps the real one's promises, and is stricter where the real one is only undefined.</summary>
public unsafe class EmulatedDriverTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(255)]
    [InlineData(257)]
    [InlineData(5000)]
    public void Launch_OfAHandWrittenKernel_ComputesWhatItShould(int count)
    {
        using var gpu = new EmulatedGpuFixture();
        float[] x = [.. Enumerable.Range(0, count).Select(i => i * 0.37f)];
        float[] y = [.. Enumerable.Range(0, count).Select(i => 1 - i * 0.11f)];
        (nint dx, nint dy) = (gpu.Upload(x), gpu.Upload(y));
        gpu.Launch(gpu.Function("saxpy.ptx", "k_saxpy"), LaunchShape.Linear(3, 256), 0, dx, dy, 0.7f, (long)count);
        Assert.Equal(x.Zip(y, (a, b) => MathF.FusedMultiplyAdd(0.7f, a, b)), gpu.Download<float>(dy, count));
    }

    [Theory]
    [InlineData(0UL)]
    [InlineData(11UL)]
    public void Launch_OfAReduction_IsTheSameInAnyOrder(ulong seed)
    {
        using var gpu = new EmulatedGpuFixture(options: new LaunchOptions { Seed = seed, DetectRaces = true });
        float[] values = [.. Enumerable.Range(0, 1000).Select(i => (float)i)];
        nint sums = gpu.Driver.AllocateMemory(4 * sizeof(double));
        gpu.Launch(gpu.Function("block_sum.ptx", "k_block_sum"), LaunchShape.Linear(4, 256), 0, gpu.Upload(values), sums, values.Length);
        Assert.Equal(values.Chunk(256).Select(chunk => chunk.Sum(v => (double)v)), gpu.Download<double>(sums, 4));
    }

    [Fact]
    public void Stream_NotWaitedFor_HasDoneNothing()
    {
        using var gpu = new EmulatedGpuFixture();
        nint stream = gpu.Driver.CreateStream();
        nint memory = gpu.Upload(1, 2, 3, 4);
        gpu.Driver.FillWordsAsync(memory, 7, 3, stream);
        Assert.Equal([1, 2, 3, 4], gpu.Download<int>(memory, 4));
        gpu.Driver.SynchronizeStream(stream);
        Assert.Equal([7, 7, 7, 4], gpu.Download<int>(memory, 4));
        Assert.Equal(CudaResult.Success, gpu.Driver.DestroyStream(stream));
    }

    [Fact]
    public void DefaultStream_IsDoneBeforeACopy()
    {
        using var gpu = new EmulatedGpuFixture();
        nint memory = gpu.Upload(1, 2);
        gpu.Driver.FillBytesAsync(memory, 1, 4, 0);
        Assert.Equal([0x01010101, 2], gpu.Download<int>(memory, 2));
    }

    [Fact]
    public void Event_OrdersStreamsAndTellsWhenItPassed()
    {
        using var gpu = new EmulatedGpuFixture();
        ICudaDriver driver = gpu.Driver;
        (nint first, nint second) = (driver.CreateStream(), driver.CreateStream());
        nint memory = gpu.Upload(0, 0);
        nint passed = driver.CreateEvent(timed: true);
        Assert.True(driver.HasPassed(passed));
        driver.FillWordsAsync(memory, 5, 1, first);
        driver.RecordEvent(passed, first);
        driver.WaitForEvent(second, passed);
        driver.CopyDeviceToDeviceAsync(memory + 4, memory, 4, second);
        driver.SynchronizeStream(second);
        Assert.Equal([5, 5], gpu.Download<int>(memory, 2));
        nint later = driver.CreateEvent(timed: true);
        driver.FillWordsAsync(memory, 6, 1, first);
        driver.RecordEvent(later, first);
        Assert.False(driver.HasPassed(later));
        Assert.Throws<CudaException>(() => driver.GetElapsedMs(passed, later));
        Assert.True(driver.HasPassed(later));
        Assert.InRange(driver.GetElapsedMs(passed, later), 0, float.MaxValue);
        driver.SynchronizeEvent(later);
        Assert.Equal(CudaResult.Success, driver.DestroyEvent(passed));
        Assert.Equal(CudaResult.InvalidHandle, driver.DestroyEvent(passed));
    }

    [Fact]
    public void PinnedMemory_TakesAsynchronousCopies_OtherMemoryDoesNot()
    {
        using var gpu = new EmulatedGpuFixture();
        ICudaDriver driver = gpu.Driver;
        var host = (int*)driver.AllocateHost(16);
        nint memory = gpu.Upload(1, 2, 3, 4);
        nint stream = driver.CreateStream();
        host[0] = -1;
        driver.CopyDeviceToHostAsync(host, memory, 16, stream);
        Assert.Equal(-1, host[0]);
        driver.SynchronizeStream(stream);
        Assert.Equal([1, 2, 3, 4], new Span<int>(host, 4).ToArray());
        host[3] = 9;
        driver.CopyHostToDeviceAsync(memory, host, 16, stream);
        driver.SynchronizeContext();
        Assert.Equal([1, 2, 3, 9], gpu.Download<int>(memory, 4));
        int local = 0;
        nint unpinned = (nint)(&local);
        Assert.Contains("page-locked", Assert.Throws<CudaException>(() =>
            driver.CopyHostToDeviceAsync(memory, (void*)unpinned, 4, stream)).Message, StringComparison.Ordinal);
        Assert.Equal(CudaResult.Success, driver.FreeHost((nint)host));
        Assert.Equal(CudaResult.InvalidValue, driver.FreeHost((nint)host));
    }

    [Fact]
    public void Graph_Recorded_IsReplayedWithTheArgumentsOfTheRecording()
    {
        using var gpu = new EmulatedGpuFixture();
        ICudaDriver driver = gpu.Driver;
        nint function = gpu.Function("saxpy.ptx", "k_saxpy");
        (nint x, nint y) = (gpu.Upload(1f, 2f, 3f), gpu.Upload(0f, 0f, 0f));
        nint stream = driver.CreateStream();
        driver.BeginCapture(stream);
        gpu.Launch(function, LaunchShape.Linear(1, 32), stream, x, y, 2f, 3L);
        gpu.Launch(function, LaunchShape.Linear(1, 32), stream, x, y, 1f, 2L);
        Assert.Equal("CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", Assert.Throws<CudaException>(() => driver.SynchronizeStream(stream)).CodeName);
        Assert.Equal("CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", Assert.Throws<CudaException>(() => driver.AllocateMemory(8)).CodeName);
        nint graph = driver.EndCapture(stream);
        driver.SynchronizeStream(stream);
        Assert.Equal([0, 0, 0], gpu.Download<float>(y, 3));
        nint executable = driver.InstantiateGraph(graph);
        Assert.Equal(CudaResult.Success, driver.DestroyGraph(graph));
        driver.LaunchGraph(executable, stream);
        driver.LaunchGraph(executable, stream);
        driver.SynchronizeStream(stream);
        Assert.Equal([6, 12, 12], gpu.Download<float>(y, 3));
        Assert.Equal(4, gpu.Driver.LaunchCount);
        Assert.Equal(CudaResult.Success, driver.DestroyExecutableGraph(executable));
    }

    [Fact]
    public void KernelFault_IsStickyAndNamesTheThread()
    {
        using var gpu = new EmulatedGpuFixture();
        nint function = gpu.Function("saxpy.ptx", "k_saxpy");
        (nint x, nint y) = (gpu.Upload(1f, 2f, 3f), gpu.Upload(0f, 0f, 0f));
        gpu.Launch(function, LaunchShape.Linear(1, 32), 0, x, y, 2f, 4L);
        CudaException error = Assert.Throws<CudaException>(() => gpu.Driver.SynchronizeContext());
        Assert.Equal("CUDA_ERROR_ILLEGAL_ADDRESS", error.CodeName);
        Assert.StartsWith("SynchronizeContext failed", error.Message, StringComparison.Ordinal);
        Assert.True(error.IsFatal);
        Assert.Contains("kernel k_saxpy, ld.global.nc.f32 on PTX line 39, block (0, 0, 0), thread (3, 0, 0)", error.Message,
            StringComparison.Ordinal);
        CudaException next = Assert.Throws<CudaException>(() => gpu.Driver.AllocateMemory(8));
        Assert.Contains("thread (3, 0, 0)", next.Message, StringComparison.Ordinal);
        Assert.NotEqual(CudaResult.Success, gpu.Driver.FreeMemory(x));
    }

    [Fact]
    public void Module_OfMachineCodeOrOfUnknownPtx_IsRefused()
    {
        using var gpu = new EmulatedGpuFixture();
        Assert.Contains("CUBIN", Refused([0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 0]), StringComparison.Ordinal);
        Assert.Contains("zero byte", Refused("hello"u8.ToArray()), StringComparison.Ordinal);
        Assert.Contains("CUDA_ERROR_INVALID_PTX", Refused(EmulatedGpuFixture.Image("hello")), StringComparison.Ordinal);
        Assert.Contains("'frobnicate.u32' is not known", Refused(EmulatedGpuFixture.Image(PtxTestKernel.OneThread("frobnicate.u32 %r1;").Text)),
            StringComparison.Ordinal);
        Assert.Contains("no kernel 'other'", Assert.Throws<CudaException>(() => gpu.Function("saxpy.ptx", "other")).Message,
            StringComparison.Ordinal);
        string Refused(byte[] image) => Assert.Throws<CudaException>(() => gpu.Driver.LoadModule(image)).Message;
    }

    [Fact]
    public void Misuse_GivesTheRealDriversCodes()
    {
        using var gpu = new EmulatedGpuFixture(new EmulatedGpu { TotalBytes = 1000 });
        ICudaDriver driver = gpu.Driver;
        nint memory = driver.AllocateMemory(600);
        Assert.Equal((400, 1000), driver.GetMemoryInfo());
        Assert.Equal("CUDA_ERROR_OUT_OF_MEMORY", Code(() => driver.AllocateMemory(401)));
        Assert.Equal("CUDA_ERROR_INVALID_VALUE", Code(() => driver.AllocateMemory(0)));
        Assert.Equal("CUDA_ERROR_INVALID_VALUE", Code(() => driver.FillBytesAsync(memory, 0, 601, 0)));
        Assert.Equal("CUDA_ERROR_INVALID_VALUE", Code(() => driver.FillWordsAsync(memory + 2, 0, 1, 0)));
        Assert.Equal("CUDA_ERROR_INVALID_HANDLE", Code(() => driver.SynchronizeStream(12345)));
        nint function = gpu.Function("saxpy.ptx", "k_saxpy");
        Assert.Equal(256, driver.GetFunctionAttribute(function, CudaFunctionAttribute.MaxThreadsPerBlock));
        Assert.Equal("CUDA_ERROR_INVALID_VALUE", Code(() => gpu.Launch(function, LaunchShape.Linear(1, 257), 0, memory, memory, 1f, 1L)));
        Assert.Equal(CudaResult.Success, driver.FreeMemory(memory));
        Assert.Equal(CudaResult.InvalidValue, driver.FreeMemory(memory));
        driver.SetCurrentContext(0);
        Assert.Equal("CUDA_ERROR_INVALID_CONTEXT", Code(() => driver.AllocateMemory(8)));
        Assert.Equal("CUDA_ERROR_NO_DEVICE", Code(() => new EmulatedCudaDriver(new EmulatedGpu { Count = 0 }).Initialize()));
        static string Code(Action action) => Assert.Throws<CudaException>(action).CodeName;
    }

    [Fact]
    public void MemoryInStreamOrder_IsFreedWhenTheStreamComesThere()
    {
        using var gpu = new EmulatedGpuFixture();
        nint stream = gpu.Driver.CreateStream();
        nint memory = gpu.Driver.AllocateMemoryAsync(64, stream);
        gpu.Driver.FillBytesAsync(memory, 3, 64, stream);
        Assert.Equal(CudaResult.Success, gpu.Driver.FreeMemoryAsync(memory, stream));
        gpu.Driver.SynchronizeStream(stream);
        Assert.Equal("CUDA_ERROR_INVALID_VALUE", Assert.Throws<CudaException>(() => gpu.Driver.FillBytesAsync(memory, 3, 64, stream)).CodeName);
    }

    [Fact]
    public void Library_OnTheEmulator_OpensLoadsAndRecords()
    {
        using var driver = new EmulatedCudaDriver();
        using CudaContext context = CudaContext.Open(driver);
        Assert.Equal(990, context.Architecture);
        using var module = new CudaModule(context.Handle, EmulatedGpuFixture.Image("saxpy.ptx"));
        using var stream = new CudaStream(context.Handle);
        using var x = new CudaMemory(stream, 12);
        using var y = new CudaMemory(stream, 12);
        x.Write(0, [.. BitConverter.GetBytes(1f), .. BitConverter.GetBytes(2f), .. BitConverter.GetBytes(3f)]);
        CudaKernel kernel = module.GetKernel("k_saxpy");
        using CudaGraph graph = stream.Record(() =>
        {
            KernelArguments arguments = default;
            arguments.Add(x.Address);
            arguments.Add(y.Address);
            arguments.Add(2f);
            arguments.Add(3L);
            kernel.Launch(LaunchShape.Linear(1, 32), stream, ref arguments);
        });
        graph.Launch();
        var result = new byte[12];
        y.Read(0, result);
        Assert.Equal([2f, 4f, 6f], Enumerable.Range(0, 3).Select(i => BitConverter.ToSingle(result, 4 * i)));
    }
}
