using Andrea.Clipping;
using Andrea.Cuda;
using Andrea.Monitoring;
using Andrea.Optim;
using Andrea.PtxEmulator.Driver;
using Andrea.Tensors;
using Andrea.Tests.Cpu;
using Andrea.Tests.Cuda;

namespace Andrea.Tests.Monitoring;

/// <summary>What monitoring asks of a driver: copies to the host, one more kernel in steps whose update is measured, and no wait.</summary>
public class MonitorCostTests
{
    private static readonly string[] Store = ["FillWordsAsync", "FillWordsAsync"], Arrival = ["CopyDeviceToHostAsync", "RecordEvent"];

    [Fact]
    public void Step_Monitored_AddsCopiesAndNothingElse()
    {
        using var gpu = new Gpu(useGraph: true, new GradientMonitorOptions { UpdatesEvery = 2, FirstUpdates = 0 });
        // Both ways to make a step have been recorded.
        for (int i = 0; i < 6; i++)
            gpu.Optimizer.Step(1e-3);
        // The clip's outcome, norms, and the clipper's own copy; before them the updates and the optimizer's progress, where they were measured.
        Assert.Equal([.. Store, "LaunchGraph", .. Arrival, .. Arrival, .. Arrival], gpu.CallsOf(() => gpu.Optimizer.Step(1e-3)));
        Assert.Equal([.. Store, "LaunchGraph", .. Arrival, .. Arrival, .. Arrival, .. Arrival, .. Arrival], gpu.CallsOf(() => gpu.Optimizer.Step(1e-3)));
        Assert.Empty(gpu.CallsOf(() => Assert.True(gpu.Monitor!.TryTake(out _))));
        gpu.AssertAllocatesNothing(() =>
        {
            gpu.Optimizer.Step(1e-3);
            gpu.Optimizer.Step(1e-3);
            while (gpu.Monitor!.TryTake(out _))
            {
            }
        });
    }

    [Fact]
    public void Step_NotDue_CostsWhatItCostsWithoutMonitor()
    {
        using Gpu plain = new(useGraph: true, null), monitored = new(useGraph: true, new GradientMonitorOptions { Every = 100, UpdatesEvery = 100, FirstUpdates = 0 });
        string[][] calls = [.. new[] { plain, monitored }.Select(gpu =>
        {
            for (int i = 0; i < 4; i++)
                gpu.Optimizer.Step(1e-3);
            return gpu.CallsOf(() => gpu.Optimizer.Step(1e-3));
        })];
        Assert.Equal(calls[0], calls[1]);
        Assert.Equal([.. Store, "LaunchGraph", .. Arrival], calls[0]);
    }

    [Fact]
    public void Step_WithoutGraph_LaunchesOneKernelMoreWhereTheUpdateIsMeasured()
    {
        using var gpu = new Gpu(useGraph: false, new GradientMonitorOptions { UpdatesEvery = 2, FirstUpdates = 0 });
        string[] measured = ["k_grad_norm_partial", "k_grad_norm_final", "k_adamw_measured", "k_update_final"];
        Assert.Equal([.. Store, .. measured, .. Arrival, .. Arrival, .. Arrival, .. Arrival, .. Arrival], gpu.CallsOf(() => gpu.Optimizer.Step(1e-3)));
        gpu.Optimizer.Step(1e-3);
        Assert.Equal([.. Store, .. measured[..2], "k_adamw", .. Arrival, .. Arrival, .. Arrival], gpu.CallsOf(() => gpu.Optimizer.Step(1e-3)));
    }

    [Fact]
    public void Step_OnTheCpu_AllocatesNothing()
    {
        using var loop = new GradientMonitorTests.Loop("cpu-2", new GradientMonitorOptions { UpdatesEvery = 2, FirstUpdates = 0, Grouping = GradientGrouping.Block });
        Allocations.AssertNone(() =>
        {
            loop.Optimizer.Step(1e-3);
            loop.Optimizer.Step(1e-3);
            while (loop.Monitor.TryTake(out _))
            {
            }
            _ = loop.Monitor.Latest;
        });
    }

    [Fact]
    public void Step_PartOfTheCallersRecording_IsNeitherCountedNorAskedFor()
    {
        using var driver = new EmulatedCudaDriver();
        driver.Initialize();
        driver.SetCurrentContext(driver.RetainPrimaryContext(0));
        nint stream = driver.CreateStream();
        using (Device device = CudaDevices.Open(driver, new CudaOptions { Stream = stream }))
        {
            nint memory = driver.AllocateMemory(8000);
            device.Backend.Synchronize();
            Zero(driver, memory);
            using var set = new ExternalTensors().Add("w", memory, 1000);
            using var parameters = new ExternalTensors().Add("w", memory + 4000, 1000);
            using var clipper = new GradClipper(device, set);
            using var optimizer = new AdamW(device, parameters, set, clipper: clipper);
            using var monitor = new GradientMonitor(clipper, optimizer, new GradientMonitorOptions { UpdatesEvery = 1 });
            for (int i = 0; i < 3; i++)
                optimizer.Step(1e-3);
            driver.BeginCapture(stream);
            optimizer.Step(1e-3);
            Assert.False(monitor.TryTake(out _));
            nint graph = driver.InstantiateGraph(driver.EndCapture(stream));
            driver.LaunchGraph(graph, stream);
            Assert.Equal((3, 3), (monitor.Step, monitor.Read().Step));
            optimizer.Step(1e-3);
            Assert.Equal((4, true), (monitor.Read().Step, monitor.Latest!.HasUpdates));
            Assert.Equal(5, clipper.Read().Call);
            device.Backend.Synchronize();
            driver.DestroyExecutableGraph(graph);
            driver.FreeMemory(memory);
        }
        driver.DestroyStream(stream);
    }

    private static unsafe void Zero(EmulatedCudaDriver driver, nint memory)
    {
        var zeros = new float[2000];
        fixed (float* source = zeros)
            driver.CopyHostToDevice(memory, source, 8000);
        driver.SynchronizeStream(0);
    }

    /// <summary>A loop over a driver that only writes down what it is asked.</summary>
    private sealed class Gpu : IDisposable
    {
        private readonly FakeDriver _driver = new();
        private readonly Device _device;
        private readonly GradClipper _clipper;

        public Gpu(bool useGraph, GradientMonitorOptions? options)
        {
            _device = CudaDevices.Open(_driver);
            nint memory = _driver.AllocateMemory(8000);
            var gradients = new ExternalTensors().Add("w", memory, 1000);
            var parameters = new ExternalTensors().Add("w", memory + 4000, 1000);
            // What this driver's memory holds is nobody's business.
            _clipper = new GradClipper(_device, gradients, new GradClipperOptions { NonFinite = NonFinitePolicy.Propagate });
            Optimizer = new AdamW(_device, parameters, gradients, new AdamWOptions { UseGraph = useGraph }, _clipper);
            Monitor = options is null ? null : new GradientMonitor(_clipper, Optimizer, options);
        }

        public AdamW Optimizer { get; }

        public GradientMonitor? Monitor { get; }

        public string[] CallsOf(Action action)
        {
            _driver.Calls.Clear();
            action();
            return [.. _driver.Calls.Select(call => call.Split('<')[0])];
        }

        public void AssertAllocatesNothing(Action action)
        {
            long made = ((CudaBackend)_device.Backend).Context.Handle.Allocations.Total;
            _driver.IsQuiet = true;
            Allocations.AssertNone(action);
            Assert.Equal(made, ((CudaBackend)_device.Backend).Context.Handle.Allocations.Total);
        }

        public void Dispose()
        {
            Monitor?.Dispose();
            Optimizer.Dispose();
            _clipper.Dispose();
            _device.Dispose();
        }
    }
}
