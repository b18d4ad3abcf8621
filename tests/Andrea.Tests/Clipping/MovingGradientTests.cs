using Andrea.Clipping;
using Andrea.Cuda;
using Andrea.Optim;
using Andrea.PtxEmulator.Driver;
using Andrea.Tensors;
using Andrea.Tests.Cpu;
using Andrea.Tests.Cuda;
using Andrea.Tests.Support;

namespace Andrea.Tests.Clipping;

/// <summary>Gradients that are freed and made anew between steps, as zero_grad does it elsewhere: other addresses, and sometimes none.</summary>
public class MovingGradientTests
{
    public static TheoryData<string> Devices => ["reference", "cpu-1", "cpu-2", TestDevice.Emulator, TestDevice.Gpu];

    [Theory, MemberData(nameof(Devices))]
    public void Clip_GradientsThatMoved_ClipsThemWhereTheyAre(string name)
    {
        using TestDevice test = TestDevice.Open(name);
        Tensor small = test.Tensor([3f]), first = test.Tensor(TestDevice.Normal(1, 70_000)), second = test.Tensor(TestDevice.Normal(2, 70_000));
        using var set = new ExternalTensors().Add("small", small.Address, 1).Add("large", first.Address, 70_000);
        using var clipper = new GradClipper(test.Device, set);
        clipper.Clip();
        double norm = clipper.Read().NormBefore;
        float[] before = second.ToArray();
        set.Move(1, second.Address);
        clipper.Measure();
        Assert.Equal(before, second.ToArray());
        using var fresh = new ExternalTensors().Add("small", small.Address, 1).Add("large", second.Address, 70_000);
        using var expected = new GradClipper(test.Device, fresh);
        expected.Measure();
        Assert.Equal(expected.Read().NormBefore, clipper.Read().NormBefore);
        Assert.NotEqual(norm, clipper.Read().NormBefore);
        float[] untouched = first.ToArray();
        clipper.Clip();
        Assert.Equal(1, clipper.Read().NormAfter, 1e-12);
        Assert.Equal(untouched, first.ToArray());
        Assert.NotEqual(before, second.ToArray());
    }

    [Theory, MemberData(nameof(Devices))]
    public void Clip_GradientsThatAreAway_CountAsZeros(string name)
    {
        using TestDevice test = TestDevice.Open(name);
        Tensor a = test.Tensor([3f, 4f]), b = test.Tensor(TestDevice.Normal(1, 66_000));
        using var set = new ExternalTensors().Add("a", a.Address, 2).AddAbsent("b", new TensorShape(66_000)).AddAbsent("c", new TensorShape(1));
        using var clipper = new GradClipper(test.Device, set);
        var norms = new double[3];
        clipper.Clip();
        clipper.ReadTensorNorms(norms);
        Assert.Equal((5.0, 1.0, 4f), (clipper.Read().NormBefore, clipper.Read().NormAfter, (float)clipper.Read().MaxMagnitude));
        Assert.Equal([5, 0, 0], norms);
        set.Move(0, 0);
        set.Move(1, b.Address);
        clipper.Measure();
        clipper.ReadTensorNorms(norms);
        Assert.Equal((0, clipper.Read().NormBefore, 0), (norms[0], norms[1], norms[2]));
        set.Move(1, 0);
        clipper.Clip();
        Assert.Equal((0.0, 1.0), (clipper.Read().NormBefore, clipper.Read().Coefficient));
        Assert.Equal([0.6f, 0.8f], a.ToArray());
    }

    [Theory, MemberData(nameof(Devices))]
    public void Measure_NaNInAGradientThatLeftAgain_IsForgotten(string name)
    {
        using TestDevice test = TestDevice.Open(name);
        Tensor good = test.Tensor([1f]), bad = test.Tensor([1f, float.NaN]);
        using var set = new ExternalTensors().Add("good", good.Address, 1).Add("bad", bad.Address, 2);
        using var clipper = new GradClipper(test.Device, set);
        clipper.Measure();
        Assert.Equal(("bad", 1), (clipper.Read().FirstBadTensor, clipper.Read().FirstBadIndex));
        set.Move(1, 0);
        clipper.Measure();
        Assert.Equal((null, 1.0, SkipReason.None), (clipper.Read().FirstBadTensor, clipper.Read().NormBefore, clipper.Read().SkipReason));
    }

    [Theory, MemberData(nameof(Devices))]
    public void Step_GradientAway_LeavesParameterAndMomentsAndGoesOn(string name)
    {
        using TestDevice test = TestDevice.Open(name);
        Tensor w = test.Tensor([1f, 2f]), v = test.Tensor([5f]), dw = test.Tensor([1f, 1f]), dv = test.Tensor([1f]);
        using var parameters = new ExternalTensors().Add("w", w.Address, 2, new TensorShape(1, 2)).Add("v", v.Address, 1, new TensorShape(1, 1));
        using var gradients = new ExternalTensors().Add("w", dw.Address, 2, new TensorShape(1, 2)).AddAbsent("v", new TensorShape(1, 1));
        using var clipper = new GradClipper(test.Device, gradients);
        using var optimizer = new AdamW(test.Device, parameters, gradients, new AdamWOptions { WeightDecay = 0.1 }, clipper);
        for (int i = 0; i < 3; i++)
            optimizer.Step(0.1);
        Assert.Equal([5f], v.ToArray());
        Assert.Equal(0, optimizer.SecondMoments[1].ToArray()[0]);
        Assert.True(w.ToArray()[0] < 0.8f);
        gradients.Move(1, dv.Address);
        optimizer.Step(0.1);
        Assert.True(v.ToArray()[0] < 5f);
        Assert.Equal(4, optimizer.ReadProgress().Step);
    }

    [Fact]
    public void Clip_OnAGpu_UploadsOnceWhenSomethingMovedAndNeverElse()
    {
        var driver = new FakeDriver();
        using Device device = CudaDevices.Open(driver);
        nint memory = driver.AllocateMemory(8064);
        using var set = new ExternalTensors().Add("w", memory, 1000).AddAbsent("v", new TensorShape(10));
        using var clipper = new GradClipper(device, set, new GradClipperOptions { NonFinite = NonFinitePolicy.Propagate });
        clipper.Clip();
        string[] usual = Calls(driver, clipper.Clip);
        Assert.Equal(["k_grad_norm_partial", "k_grad_norm_final", "k_grad_scale", "CopyDeviceToHostAsync", "RecordEvent"], usual);
        set.Move(0, memory + 4000);
        Assert.Equal(["CopyHostToDeviceAsync", "RecordEvent", .. usual], Calls(driver, clipper.Clip).Where(call => call is not ("CreateEvent" or "AllocateHost" or "SynchronizeEvent")));
        set.Move(0, memory + 4000);
        Assert.Equal(usual, Calls(driver, clipper.Clip));
        // Two places by turns, and a tensor that comes and goes; once every slot of the staging has been used.
        int turn = 0;
        void MoveAndClip()
        {
            turn++;
            set.Move(0, memory + turn % 2 * 4000);
            set.Move(1, turn % 3 == 0 ? memory + 8000 : 0);
            clipper.Clip();
        }
        for (int i = 0; i < 40; i++)
            MoveAndClip();
        long made = ((CudaBackend)device.Backend).Context.Handle.Allocations.Total;
        driver.IsQuiet = true;
        Allocations.AssertNone(MoveAndClip);
        Assert.Equal(made, ((CudaBackend)device.Backend).Context.Handle.Allocations.Total);
        driver.FreeMemory(memory);
    }

    [Fact]
    public void Clip_OnTheCpuWithMovingGradients_AllocatesNothing()
    {
        using TestDevice test = TestDevice.Open("cpu-2");
        Tensor a = test.Tensor(TestDevice.Normal(1, 1000)), b = test.Tensor(TestDevice.Normal(2, 1000));
        using var set = new ExternalTensors().Add("w", a.Address, 1000);
        using var clipper = new GradClipper(test.Device, set);
        int turn = 0;
        void MoveAndClip()
        {
            set.Move(0, turn++ % 2 == 0 ? b.Address : a.Address);
            clipper.Clip();
        }
        MoveAndClip();
        MoveAndClip();
        Allocations.AssertNone(MoveAndClip);
    }

    [Fact]
    public void Clip_MovedToHostMemoryOnAGpu_IsRefusedByNameAndThenGoesOn()
    {
        using TestDevice test = TestDevice.Open(TestDevice.Emulator);
        Tensor w = test.Tensor([3f, 4f]);
        using var set = new ExternalTensors().Add("w", w.Address, 2);
        using var clipper = new GradClipper(test.Device, set);
        set.Move(0, 0x10000);
        for (int i = 0; i < 2; i++)
            Assert.Contains("Tensor 'w' lies in host memory", Assert.Throws<DeviceMismatchException>(clipper.Clip).Message, StringComparison.Ordinal);
        set.Move(0, w.Address);
        clipper.Clip();
        Assert.Equal(5, clipper.Read().NormBefore);
    }

    [Fact]
    public void Step_MovedWhileTheCallerRecords_IsRefused()
    {
        using var driver = new EmulatedCudaDriver();
        driver.Initialize();
        driver.SetCurrentContext(driver.RetainPrimaryContext(0));
        nint stream = driver.CreateStream(), memory = driver.AllocateMemory(4096);
        driver.FillBytesAsync(memory, 0, 4096, stream);
        using Device device = CudaDevices.Open(driver, new CudaOptions { Stream = stream });
        using var set = new ExternalTensors().Add("w", memory, 10);
        using var clipper = new GradClipper(device, set);
        clipper.Clip();
        driver.BeginCapture(stream);
        clipper.Measure();
        set.Move(0, memory + 256);
        Assert.Contains("a recording cannot follow", Assert.Throws<InvalidOperationException>(clipper.Measure).Message, StringComparison.Ordinal);
        driver.DestroyGraph(driver.EndCapture(stream));
        clipper.Measure();
        Assert.Equal(2, clipper.Read().Call);
    }

    [Fact]
    public void ClipOnce_OverASpan_ClipsItInPlace()
    {
        Span<float> gradients = stackalloc float[] { 9, 3, 4, 9 };
        ClipResult result = GradClipper.ClipOnce(1, gradients[1..3]);
        Assert.Equal((5.0, 1.0), (result.NormBefore, result.NormAfter));
        Assert.Equal([9, 0.6f, 0.8f, 9], gradients.ToArray());
        Assert.Equal(0, GradClipper.ClipOnce(1, Span<float>.Empty).NormBefore);
    }

    private static string[] Calls(FakeDriver driver, Action action)
    {
        driver.Calls.Clear();
        action();
        return [.. driver.Calls.Select(call => call.Split('<', '(')[0])];
    }
}
