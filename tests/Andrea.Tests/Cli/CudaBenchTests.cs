using Andrea.Backends;
using Andrea.Cli;
using Andrea.Cli.Bench;
using Andrea.Cuda;
using Andrea.Gpt;
using Andrea.PtxEmulator.Driver;
using Andrea.Tensors;
using Andrea.Tests.Cuda;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cli;

/// <summary>The benchmarks' own code over a GPU, on the emulator.</summary>
public sealed class CudaBenchTests
{
    private static readonly GptConfig Config = new() { VocabularySize = 11, ContextLength = 8, ChannelCount = 16, HeadCount = 2, LayerCount = 1 };

    [Fact]
    public void OptimizerBench_OnAGpu_TimesEveryVariant()
    {
        using TestDevice gpu = TestDevice.OpenEmulator();
        using var bench = new OptimizerBench(gpu.Device, Config);
        IReadOnlyList<BenchResult> results = bench.Run(repetitions: 2);
        Assert.Equal(["clip, norm only", "clip, norm and scaling", "AdamW", "clip and AdamW, fused", "clip and AdamW, fused, as a graph"], results.Select(result => result.Name));
        Assert.All(results, result => Assert.True(result.MinMs > 0 && result.GigabytesPerSecond > 0, result.ToString()));
    }

    [Fact]
    public void TimingBackend_OnAGpu_TimesTheOperationsOfARecordingOneByOne()
    {
        using TestDevice gpu = TestDevice.OpenEmulator();
        using CudaTimeline timeline = ((CudaBackend)gpu.Backend).CreateTimeline();
        var timing = new TimingBackend(gpu.Backend, timeline);
        Tensor tensor = gpu.Zeros(100);
        using IRecording recording = timing.Record(() => timing.Fill(3, tensor));
        Assert.Equal(0, tensor.ToArray()[0]);

        recording.Launch();
        timing.Synchronize();
        Assert.Equal(3, tensor.ToArray()[99]);
        Assert.Equal(0, timing.MillisecondsOf(Part.ZeroGradients));

        timing.Enabled = true;
        recording.Launch();
        timing.Fill(4, tensor);
        timing.Synchronize();
        Assert.Equal(4, tensor.ToArray()[99]);
        Assert.True(timing.MillisecondsOf(Part.ZeroGradients) > 0);
        Assert.Equal(0, timing.MillisecondsOf(Part.AdamW));
        timing.Reset();
        Assert.Equal(0, timing.MillisecondsOf(Part.ZeroGradients));
    }

    [Fact]
    public void TimingBackend_RecordingWhileTimeIsTaken_RecordsNoClock()
    {
        using TestDevice gpu = TestDevice.OpenEmulator();
        using CudaTimeline timeline = ((CudaBackend)gpu.Backend).CreateTimeline();
        var timing = new TimingBackend(gpu.Backend, timeline) { Enabled = true };
        Tensor tensor = gpu.Zeros(100);
        using IRecording recording = timing.Record(() => timing.Fill(3, tensor));
        timing.Synchronize();
        Assert.Equal(0, timing.MillisecondsOf(Part.ZeroGradients));
    }

    [Fact]
    public void Timeline_GivesNoEventTwice_AndGivesAllBack()
    {
        var driver = new FakeDriver();
        using (CudaContext context = CudaContext.Open(driver))
        using (var stream = new CudaStream(context.Handle))
        {
            int before = driver.AliveCount;
            using (var timeline = new CudaTimeline(stream))
            {
                Assert.Equal([0, 1], (int[])[timeline.Mark(), timeline.Mark()]);
                timeline.Reset();
                Assert.Equal([0, 1, 2], (int[])[timeline.Mark(), timeline.Mark(), timeline.Mark()]);
                Assert.Equal(before + 3, driver.AliveCount);
            }
            Assert.Equal(before, driver.AliveCount);
        }
    }

    [Fact]
    public void BatchSize_IsOneOnTheCpu_AndManyOfWhatIsShort()
    {
        using Device cpu = Device.Cpu(1);
        Assert.Equal(1, BatchSize.For(cpu.Backend, () => { }));
        using TestDevice gpu = TestDevice.OpenEmulator();
        Assert.InRange(BatchSize.For(gpu.Backend, () => { }), 2, 1000);
        Assert.Equal(1, BatchSize.For(gpu.Backend, () => Thread.Sleep(30)));
    }

    [Fact]
    public void MemoryCheck_OnAGpu_LooksAtTheGpusFreeMemory()
    {
        using var driver = new EmulatedCudaDriver(new EmulatedGpu { TotalBytes = 64 << 20 });
        using Device gpu = CudaDevices.Open(driver);
        MemoryCheck.Require(gpu, 1 << 20, "a little");
        string message = Assert.Throws<CommandException>(() => MemoryCheck.Require(gpu, 65 << 20, "training it")).Message;
        Assert.Equal(
            "For training it about 65.0 MiB of memory are needed, but of the GPU's 64.0 MiB are free; choose a smaller preset, batch or context.", message);
    }
}
