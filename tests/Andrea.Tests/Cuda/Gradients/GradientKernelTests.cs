using Andrea.Backends;
using Andrea.Cuda;
using Andrea.Cuda.Compilation;
using Andrea.Cuda.Gradients;
using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda.Gradients;

/// <summary>What the optimizer's kernels are launched with. What they compute is for the tests that run them.</summary>
public sealed class GradientKernelTests : IDisposable
{
    private readonly FakeDriver _driver = new();
    private readonly CudaContext _context;
    private readonly CudaStream _stream;
    private readonly KernelLoader _loader;
    private readonly GradientKernels _kernels;
    private readonly TestDevice _device = TestDevice.Open("cpu-1");

    public GradientKernelTests()
    {
        _context = CudaContext.Open(_driver);
        _stream = new CudaStream(_context.Handle);
        var compiler = new KernelCompiler(TestNvrtc.Get(), new KernelLibrary(null), new KernelCache(null));
        _loader = new KernelLoader(_context, _stream, compiler, new KernelTarget(70, IsCubin: false));
        _kernels = new GradientKernels(_loader);
    }

    [Fact]
    public void ClipAndAdamW_Fused_AreThreeLaunchesAndNothingElse()
    {
        Step step = Prepare(200_000, 3);
        _driver.Calls.Clear();
        RunStep(step);
        Assert.Equal(
            [
                $"k_grad_norm_partial<5, 256>({Hex(step.Table.Chunks)}, {Hex(step.Partials)})",
                $"k_grad_norm_final<1, 1024>({Hex(step.Table.Chunks)}, {Hex(step.Table.FirstChunks)}, 2, {Hex(step.Partials)}, 1.5, 1, 0,"
                    + $" {Hex(step.Norms)}, {Hex(step.Clip)})",
                $"k_adamw<40, 256>({Hex(step.Table.Chunks)}, 5, {Hex(step.Tensors)}, 0.9, 0.95, 1E-08, {Hex(step.LearningRate)},"
                    + $" {Hex(step.State)}, {Hex(step.Clip)}, {Hex(step.Norms)}, {_driver.Calls[2].Split(", ")[^1]}",
            ],
            _driver.Calls);
        Assert.DoesNotContain(", 0x0)", _driver.Calls[2], StringComparison.Ordinal);
    }

    [Fact]
    public void Scale_LaunchesABlockForEachStrip()
    {
        Step step = Prepare(70_000);
        _driver.Calls.Clear();
        _kernels.GradScale(step.Table, step.Outcome);
        Assert.Equal([$"k_grad_scale<16, 256>({Hex(step.Table.Chunks)}, {Hex(step.Clip)}, {Hex(step.Norms)})"], _driver.Calls);
    }

    [Fact]
    public void AdamW_WithoutClip_PassesNull()
    {
        Step step = Prepare(1);
        _driver.Calls.Clear();
        _kernels.AdamW(step.Table, step.Tensors, new AdamWSettings(0.5, 0.5, 1), step.LearningRate, step.State, null);
        Assert.Equal(["0x0", "0x0"], _driver.Calls.Single().Split(", ")[^3..^1]);
    }

    [Fact]
    public void AdamW_Measured_IsABlockForEachChunkAndAWarpForEachTensor()
    {
        Step step = Prepare([.. Enumerable.Repeat(3, 8), 200_000]);
        DeviceBuffer<UpdateSums> partials = _device.Buffer<UpdateSums>(12), updates = _device.Buffer<UpdateSums>(9);
        _driver.Calls.Clear();
        _kernels.AdamWMeasured(step.Table, step.Tensors, new AdamWSettings(0.9, 0.95, 1e-8), step.LearningRate, step.State, step.Outcome, partials);
        _kernels.UpdateFinal(step.Table, partials, updates);
        Assert.Equal(
            [
                $"k_adamw_measured<12, 256>({Hex(step.Table.Chunks)}, 12, {Hex(step.Tensors)}, 0.9, 0.95, 1E-08, {Hex(step.LearningRate)},"
                    + $" {Hex(step.State)}, {Hex(step.Clip)}, {Hex(step.Norms)}, {_driver.Calls[0].Split(", ")[^2]}, {Hex(partials)})",
                $"k_update_final<2, 256>({Hex(step.Table.FirstChunks)}, 9, {Hex(partials)}, {Hex(updates)})",
            ],
            _driver.Calls);
    }

    [Fact]
    public void AdamW_MeasuredWithoutTensors_StillCounts()
    {
        Step step = Prepare();
        DeviceBuffer<UpdateSums> none = _device.Buffer<UpdateSums>(0);
        _driver.Calls.Clear();
        _kernels.AdamWMeasured(step.Table, step.Tensors, new AdamWSettings(0.9, 0.95, 1e-8), step.LearningRate, step.State, null, none);
        _kernels.UpdateFinal(step.Table, none, none);
        Assert.Equal(["k_adamw_measured<1, 256>"], _driver.Calls.Select(call => call.Split('(')[0]));
    }

    [Fact]
    public void Step_WithoutElements_StillDecidesAndCounts()
    {
        Step step = Prepare(0, 0);
        _driver.Calls.Clear();
        _kernels.GradScale(step.Table, step.Outcome);
        RunStep(step);
        Assert.Equal(["k_grad_norm_final<1, 1024>", "k_adamw<1, 256>"], _driver.Calls.Select(call => call.Split('(')[0]));
    }

    [Fact]
    public void Step_LaunchedAgain_AllocatesNothing()
    {
        Step step = Prepare(100);
        RunStep(step);
        long made = _context.Handle.Allocations.Total;
        _driver.IsQuiet = true;
        Andrea.Tests.Cpu.Allocations.AssertNone(() => RunStep(step));
        Assert.Equal(made, _context.Handle.Allocations.Total);
    }

    [Fact]
    public void Launch_Fails_NamesTheKernelAndItsShape()
    {
        Step step = Prepare(100);
        _driver.FailLaunchesOf("k_adamw");
        var error = Assert.Throws<CudaException>(() => RunStep(step));
        Assert.StartsWith("kernel k_adamw on 8 x 1 x 1 blocks of 256 x 1 x 1 threads: ", error.Message, StringComparison.Ordinal);
        Assert.True(error.IsFatal);
    }

    [Fact]
    public void Dispose_GivesBackAllTheKernelsTook()
    {
        _kernels.Dispose();
        _loader.Dispose();
        _stream.Dispose();
        _context.Dispose();
        Assert.Equal(0, _driver.AliveCount);
        Assert.Equal("ReleasePrimaryContext", _driver.Calls[^1]);
    }

    public void Dispose()
    {
        _kernels.Dispose();
        _loader.Dispose();
        _stream.Dispose();
        _context.Dispose();
        _device.Dispose();
    }

    private sealed record Step(
        ChunkTable Table, DeviceBuffer<ChunkPartial> Partials, DeviceBuffer<TensorNorm> Norms, DeviceBuffer<ClipState> Clip,
        DeviceBuffer<AdamWTensor> Tensors, DeviceBuffer<double> LearningRate, DeviceBuffer<AdamWState> State)
    {
        public ClipOutcome Outcome { get; } = new(Clip, Norms);
    }

    private Step Prepare(params int[] lengths)
    {
        var set = new ExternalTensors();
        for (int i = 0; i < lengths.Length; i++)
            set.Add($"t{i}", new float[lengths[i]]);
        var table = new ChunkTable(_device.Device, set, set, set, set);
        return new Step(
            table, _device.Buffer<ChunkPartial>(table.ChunkCount), _device.Buffer<TensorNorm>(lengths.Length), _device.Buffer<ClipState>(1),
            _device.Buffer<AdamWTensor>(lengths.Length), _device.Buffer<double>(1), _device.Buffer<AdamWState>(1));
    }

    private void RunStep(Step step)
    {
        _kernels.GradNormPartial(step.Table, step.Partials);
        _kernels.GradNormFinal(step.Table, step.Partials, new ClipSettings(1.5, TorchFormula: true, SkipNonFinite: false), step.Norms, step.Clip);
        _kernels.AdamW(step.Table, step.Tensors, new AdamWSettings(0.9, 0.95, 1e-8), step.LearningRate, step.State, step.Outcome);
    }

    private static string Hex<T>(DeviceBuffer<T> buffer)
        where T : unmanaged => $"0x{buffer.Address:x}";
}
