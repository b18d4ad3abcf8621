using Andrea.Clipping;
using Andrea.Cuda;
using Andrea.Optim;
using Andrea.Tensors;
using Andrea.Tests.Cpu;
using Andrea.Tests.Optim;

namespace Andrea.Tests.Cuda.Gradients;

/// <summary>What S3 and the stabilizers ask of a driver: a few launches, one graph from the second step on, no wait and no memory.</summary>
public class UpdateKernelTests
{
    private static readonly Dictionary<string, string[]> Launches = new()
    {
        ["s3"] = ["k_softsign"],
        ["rms"] = ["k_update_rms_partial", "k_stabilizer_final", "k_adamw_stabilized"],
        ["spam"] = ["k_stabilizer_final", "k_adamw_stabilized"],
        ["stable-spam"] = ["k_spike_norm_partial", "k_stabilizer_final", "k_adamw_stabilized"],
    };

    public static TheoryData<string> Names => [.. Launches.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Step_Launched_IsTheClipAndTheseKernels(string name)
    {
        using var gpu = new Gpu(UpdateCase.All[name] with { UseGraph = false });
        gpu.Step();
        Assert.Equal(["FillWordsAsync", "FillWordsAsync", "k_grad_norm_partial", "k_grad_norm_final", .. Launches[name], "CopyDeviceToHostAsync", "RecordEvent"], gpu.CallsOfAStep());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Step_FromTheThirdOn_IsOneGraphAndAllocatesNothing(string name)
    {
        using var gpu = new Gpu(UpdateCase.All[name]);
        for (int i = 0; i < 3; i++)
            gpu.Step();
        Assert.Equal(["FillWordsAsync", "FillWordsAsync", "LaunchGraph", "CopyDeviceToHostAsync", "RecordEvent"], gpu.CallsOfAStep());
        gpu.AssertStepAllocatesNothing();
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Step_Measured_TakesTheMeasuringKernel(string name)
    {
        using var gpu = new Gpu(UpdateCase.All[name] with { UseGraph = false });
        gpu.Optimizer.MeasureUpdates(() => true, _ => { });
        string[] calls = [.. gpu.CallsOfAStep().Where(call => call.StartsWith("k_", StringComparison.Ordinal))];
        Assert.Equal([.. Launches[name][..^1], $"{Launches[name][^1]}_measured", "k_update_final"], calls[2..]);
    }

    private sealed class Gpu : IDisposable
    {
        private readonly FakeDriver _driver = new();
        private readonly Device _device;
        private readonly GradClipper _clipper;

        public Gpu(OptimizerOptions options)
        {
            _device = CudaDevices.Open(_driver);
            nint memory = _driver.AllocateMemory(8000);
            var gradients = new ExternalTensors().Add("w", memory, 1000);
            var parameters = new ExternalTensors().Add("w", memory + 4000, 1000);
            // What this driver's memory holds is nobody's business.
            _clipper = new GradClipper(_device, gradients, new GradClipperOptions { NonFinite = NonFinitePolicy.Propagate });
            Optimizer = Optimizer.Create(_device, parameters, gradients, options, _clipper);
        }

        public Optimizer Optimizer { get; }

        public void Step() => Optimizer.Step(1e-3);

        public string[] CallsOfAStep()
        {
            _driver.Calls.Clear();
            Step();
            return [.. _driver.Calls.Select(call => call.Split('<')[0])];
        }

        public void AssertStepAllocatesNothing()
        {
            long made = ((CudaBackend)_device.Backend).Context.Handle.Allocations.Total;
            _driver.IsQuiet = true;
            Allocations.AssertNone(Step);
            Assert.Equal(made, ((CudaBackend)_device.Backend).Context.Handle.Allocations.Total);
        }

        public void Dispose()
        {
            Optimizer.Dispose();
            _clipper.Dispose();
            _device.Dispose();
        }
    }
}
