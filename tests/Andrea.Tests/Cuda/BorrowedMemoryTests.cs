using Andrea.Clipping;
using Andrea.Cuda;
using Andrea.Optim;
using Andrea.PtxEmulator.Driver;
using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda;

/// <summary>Clipping and AdamW in somebody else's CUDA program: its memory, its stream, its graph.</summary>
public sealed unsafe class BorrowedMemoryTests : IDisposable
{
    private readonly EmulatedCudaDriver _driver = new();
    private readonly nint _context;

    public BorrowedMemoryTests()
    {
        _driver.Initialize();
        _context = _driver.RetainPrimaryContext(0);
        _driver.SetCurrentContext(_context);
    }

    public static TheoryData<string> Streams => ["0", "1", "2", "own"];

    [Theory, MemberData(nameof(Streams))]
    public void Step_OnTheCallersStream_IsInOrderWithTheCallersWork(string name)
    {
        nint stream = name == "own" ? _driver.CreateStream() : nint.Parse(name, System.Globalization.CultureInfo.InvariantCulture);
        float[] gradients = TestDevice.Normal(1, 3000), parameters = TestDevice.Normal(2, 3000);
        nint g = _driver.AllocateMemory(12_000), p = _driver.AllocateMemory(12_000), next = _driver.AllocateMemory(12_000);
        Write(p, parameters);
        Write(next, gradients);
        using (Device device = CudaDevices.Open(_driver, new CudaOptions { Stream = stream }))
        {
            using var gradientSet = new ExternalTensors().Add("w", g, 3000);
            using var parameterSet = new ExternalTensors().Add("w", p, 3000);
            using var clipper = new GradClipper(device, gradientSet);
            using var optimizer = new AdamW(device, parameterSet, gradientSet, clipper: clipper);
            for (int step = 0; step < 4; step++)
            {
                // The caller's backward pass, only enqueued: nothing waits, and yet the step sees its gradients.
                _driver.FillBytesAsync(g, 0, 12_000, stream);
                _driver.CopyDeviceToDeviceAsync(g, next, 12_000, stream);
                optimizer.Step(1e-2);
            }
            Assert.Equal(4, clipper.Read().ClippedCalls);
        }
        // The stream is still the caller's.
        _driver.SynchronizeStream(stream);
        Assert.Equal(OnCpu(gradients, parameters, steps: 4), Read(p, 3000));
    }

    [Fact]
    public void Step_InTheCallersRecording_IsReplayedWithIt()
    {
        nint stream = _driver.CreateStream();
        float[] gradients = TestDevice.Normal(1, 500), parameters = TestDevice.Normal(2, 500);
        nint g = _driver.AllocateMemory(2000), p = _driver.AllocateMemory(2000);
        Write(p, parameters);
        Write(g, gradients);
        using Device device = CudaDevices.Open(_driver, new CudaOptions { Stream = stream });
        using var gradientSet = new ExternalTensors().Add("w", g, 500);
        using var parameterSet = new ExternalTensors().Add("w", p, 500);
        using var clipper = new GradClipper(device, gradientSet);
        using var optimizer = new AdamW(device, parameterSet, gradientSet, clipper: clipper);
        // Warm-up, whose results are still under way: a recording must not even ask for them.
        for (int i = 0; i < 10; i++)
            optimizer.Step(1e-2);
        _driver.BeginCapture(stream);
        optimizer.Step(1e-2);
        _ = clipper.Latest;
        nint graph = _driver.InstantiateGraph(_driver.EndCapture(stream));
        for (int i = 0; i < 3; i++)
            _driver.LaunchGraph(graph, stream);
        Assert.Equal(13, clipper.Read().Call);
        Assert.Equal(13, clipper.Latest.ClippedCalls);
        Assert.Equal(OnCpu(gradients, parameters, steps: 13), Read(p, 500));
        // And on without the recording.
        optimizer.Step(1e-2);
        Assert.Equal(14, clipper.Read().Call);
        Assert.Equal(OnCpu(gradients, parameters, steps: 14), Read(p, 500));
    }

    [Fact]
    public void Replay_NormalClippedAndNaNSteps_AreThoseOfTheCpu()
    {
        float[] small = TestDevice.Normal(1, 70_000, 1e-4), large = TestDevice.Normal(2, 70_000), bad = TestDevice.Normal(3, 70_000);
        bad[66_000] = float.NaN;
        float[][] steps = [small, large, bad, small, bad, large, small];
        float[][] results = [.. new[] { "cpu-2", TestDevice.Emulator }.Select(name =>
        {
            using TestDevice test = TestDevice.Open(name);
            using var gradients = new GradientSet(steps[0]);
            using var parameters = new GradientSet(TestDevice.Normal(4, 70_000));
            ExternalTensors set = gradients.On(test);
            using var clipper = new GradClipper(test.Device, set);
            using var optimizer = new AdamW(test.Device, parameters.On(test), set, clipper: clipper);
            foreach (float[] step in steps)
            {
                step.CopyTo(gradients.Values[0], 0);
                gradients.Send();
                optimizer.Step(1e-2);
            }
            ClipResult result = clipper.Read();
            Assert.Equal((7, 2, 2), (result.Call, result.ClippedCalls, result.SkippedCalls));
            Assert.Equal(5, optimizer.ReadProgress().Step);
            parameters.Fetch();
            return parameters.Values[0];
        })];
        Assert.Equal(results[0], results[1]);
    }

    [Fact]
    public void Throw_OnAGpu_ComesAStepLateAndNothingWasChanged()
    {
        using TestDevice test = TestDevice.Open(TestDevice.Emulator);
        using var gradients = new GradientSet([1f], [1, 2, float.NegativeInfinity]);
        using var parameters = new GradientSet([1f], [1, 2, 3]);
        uint[] before = parameters.Bits;
        ExternalTensors set = gradients.On(test);
        using var clipper = new GradClipper(test.Device, set, new GradClipperOptions { NonFinite = NonFinitePolicy.Throw });
        using var optimizer = new AdamW(test.Device, parameters.On(test), set, clipper: clipper);
        optimizer.Step(1);
        test.Backend.Synchronize();
        var exception = Assert.Throws<NonFiniteGradientException>(() => optimizer.Step(1));
        Assert.Contains("'t1' at index 2", exception.Message, StringComparison.Ordinal);
        Assert.Equal(1, exception.Result.Call);
        parameters.Fetch();
        Assert.Equal(before, parameters.Bits);
    }

    [Fact]
    public void Create_HostMemoryOnAGpu_IsRefusedByName()
    {
        using Device device = CudaDevices.Open(_driver);
        using var set = new ExternalTensors().Add("w", new float[10]);
        var error = Assert.Throws<DeviceMismatchException>(() => new GradClipper(device, set));
        Assert.Equal("Tensor 'w' lies in host memory, which GPU 0 cannot use; copy it to the GPU first, or work on it with Device.Cpu().", error.Message);
    }

    [Fact]
    public void Create_TensorLongerThanItsMemory_IsRefused()
    {
        using Device device = CudaDevices.Open(_driver);
        using var set = new ExternalTensors().Add("w", _driver.AllocateMemory(8000), 3000);
        var error = Assert.Throws<DeviceMismatchException>(() => new GradClipper(device, set));
        Assert.Equal("Tensor 'w' reaches with its 12000 bytes beyond the end of its memory; pass the length that was allocated.", error.Message);
    }

    [Theory]
    [InlineData("clipper")]
    [InlineData("first")]
    [InlineData("second")]
    public void Step_RecordedOverMemoryDisposedSince_ThrowsAndTheGpuLives(string disposed)
    {
        using Device device = CudaDevices.Open(_driver);
        nint g = _driver.AllocateMemory(400), p = _driver.AllocateMemory(400);
        Write(g, new float[100]);
        Write(p, new float[100]);
        using var gradients = new ExternalTensors().Add("w", g, 100);
        using var parameters = new ExternalTensors().Add("w", p, 100);
        using var clipper = new GradClipper(device, gradients);
        using var optimizer = new AdamW(device, parameters, gradients, clipper: clipper);
        for (int i = 0; i < 3; i++)
            optimizer.Step(1e-2);
        (disposed switch { "clipper" => (IDisposable)clipper, "first" => optimizer.FirstMoments, _ => optimizer.SecondMoments }).Dispose();
        Assert.Throws<ObjectDisposedException>(() => optimizer.Step(1e-2));
        device.Backend.Synchronize();
        Assert.Null(_driver.Fault);
    }

    [Fact]
    public void Create_ArenaOfAnotherDevice_IsRefusedWithBoth()
    {
        using Device gpu = CudaDevices.Open(_driver), cpu = Device.Cpu(1);
        var layout = new ParameterLayout();
        layout.Add("w", new TensorShape(10));
        using var onCpu = new ParameterArena(cpu, layout);
        using var onGpu = new ParameterArena(gpu, layout);
        var error = Assert.Throws<DeviceMismatchException>(() => new GradClipper(gpu, onCpu));
        Assert.Contains(cpu.Description, error.Message, StringComparison.Ordinal);
        Assert.Contains(gpu.Description, error.Message, StringComparison.Ordinal);
        Assert.Throws<DeviceMismatchException>(() => new AdamW(gpu, onGpu, onCpu));
        // Two Device objects are two streams: the clipper's results would not be there yet.
        using Device second = CudaDevices.Open(_driver);
        using var borrowed = new ExternalTensors().Add("w", _driver.AllocateMemory(40), 10);
        using var parameters = new ExternalTensors().Add("w", _driver.AllocateMemory(40), 10);
        using var clipper = new GradClipper(second, borrowed);
        Assert.Throws<DeviceMismatchException>(() => new AdamW(gpu, parameters, borrowed, clipper: clipper));
    }

    [Fact]
    public void Step_OverAndOver_AllocatesNothingAndMakesFiveCalls()
    {
        var driver = new FakeDriver();
        using Device device = CudaDevices.Open(driver);
        nint memory = driver.AllocateMemory(8000);
        using var set = new ExternalTensors().Add("w", memory, 1000);
        using var parameters = new ExternalTensors().Add("w", memory + 4000, 1000);
        using var clipper = new GradClipper(device, set, new GradClipperOptions { NonFinite = NonFinitePolicy.Propagate });
        using var optimizer = new AdamW(device, parameters, set, clipper: clipper);
        optimizer.Step(1e-3);
        optimizer.Step(1e-3);
        driver.Calls.Clear();
        optimizer.Step(1e-3);
        Assert.Equal(["FillWordsAsync", "FillWordsAsync", "LaunchGraph", "CopyDeviceToHostAsync", "RecordEvent"], driver.Calls);
        long made = ((CudaBackend)device.Backend).Context.Handle.Allocations.Total;
        driver.IsQuiet = true;
        Andrea.Tests.Cpu.Allocations.AssertNone(() => optimizer.Step(1e-3));
        Andrea.Tests.Cpu.Allocations.AssertNone(clipper.Clip);
        Assert.Equal(made, ((CudaBackend)device.Backend).Context.Handle.Allocations.Total);
        driver.FreeMemory(memory);
    }

    [Fact]
    public void Step_WithoutGraph_LaunchesItsThreeKernels()
    {
        var driver = new FakeDriver();
        using Device device = CudaDevices.Open(driver);
        nint memory = driver.AllocateMemory(8000);
        using var set = new ExternalTensors().Add("w", memory, 1000);
        using var parameters = new ExternalTensors().Add("w", memory + 4000, 1000);
        using var clipper = new GradClipper(device, set);
        using var optimizer = new AdamW(device, parameters, set, new AdamWOptions { UseGraph = false }, clipper);
        for (int i = 0; i < 3; i++)
        {
            driver.Calls.Clear();
            optimizer.Step(1e-3);
            Assert.Equal(
                ["FillWordsAsync", "FillWordsAsync", "k_grad_norm_partial", "k_grad_norm_final", "k_adamw", "CopyDeviceToHostAsync", "RecordEvent"],
                driver.Calls.Select(call => call.Split('<')[0]));
        }
        driver.FreeMemory(memory);
    }

    public void Dispose() => _driver.Dispose();

    private static float[] OnCpu(float[] gradients, float[] parameters, int steps)
    {
        using Device cpu = Device.Cpu(1);
        using var g = new GradientSet(gradients);
        using var p = new GradientSet(parameters);
        using var clipper = new GradClipper(cpu, g.Tensors);
        using var optimizer = new AdamW(cpu, p.Tensors, g.Tensors, clipper: clipper);
        for (int i = 0; i < steps; i++)
            optimizer.Step(1e-2);
        return p.Values[0];
    }

    private void Write(nint address, float[] values)
    {
        fixed (float* source = values)
            _driver.CopyHostToDevice(address, source, values.Length * sizeof(float));
        _driver.SynchronizeStream(0);
    }

    private float[] Read(nint address, int count)
    {
        var values = new float[count];
        fixed (float* target = values)
            _driver.CopyDeviceToHost(target, address, count * sizeof(float));
        return values;
    }
}
