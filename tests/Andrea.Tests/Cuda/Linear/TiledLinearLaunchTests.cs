using Andrea.Cuda;
using Andrea.Cuda.Compilation;
using Andrea.Cuda.Linear;
using Andrea.Cuda.Memory;
using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda.Linear;

/// <summary>Which kernels the tiled products launch. What they compute is for the tests that run them.</summary>
public sealed class TiledLinearLaunchTests : IDisposable
{
    private readonly FakeDriver _driver = new();
    private readonly CudaContext _context;
    private readonly CudaStream _stream;
    private readonly KernelLoader _loader;
    private readonly CudaScratch _scratch;
    private readonly TiledLinear _linear;
    private readonly TestDevice _device = TestDevice.Open("cpu-1");
    private readonly Tensor _tensor;

    public TiledLinearLaunchTests()
    {
        _context = CudaContext.Open(_driver);
        _stream = new CudaStream(_context.Handle);
        var compiler = new KernelCompiler(
            TestNvrtc.Get(), new KernelLibrary(null), new KernelCache(Path.Combine(AppContext.BaseDirectory, "kernel-cache")));
        _loader = new KernelLoader(_context, _stream, compiler, new KernelTarget(80, IsCubin: false));
        _scratch = new CudaScratch(_stream);
        _linear = new TiledLinear(_loader, _scratch);
        _tensor = _device.Zeros(1);
        _driver.Calls.Clear();
    }

    [Theory]
    [InlineData(1, 384, 1152, "k_matmul_row<144, 256>")]
    [InlineData(100, 384, 1152, "k_matmul_forward_small<36, 128>")]
    [InlineData(8192, 384, 1152, "k_matmul_forward<576, 256>")]
    [InlineData(100, 0, 1152, "k_matmul_forward_small<36, 128>")]
    [InlineData(0, 384, 1152, "")]
    [InlineData(100, 384, 0, "")]
    public void Forward_BySize_LaunchesItsKernel(int rows, int inputSize, int outputSize, string expected)
    {
        _linear.Forward(_tensor, _tensor, _tensor, _tensor, rows, inputSize, outputSize, _tensor);
        Assert.Equal(expected, Launches());
    }

    [Theory]
    [InlineData(1, 384, 1152, "k_matmul_input_small<6, 128>")]
    [InlineData(8192, 1536, 384, "k_matmul_input<768, 256>")]
    [InlineData(100, 384, 0, "k_matmul_input_small<12, 128>")]
    [InlineData(0, 384, 1152, "")]
    [InlineData(100, 0, 1152, "")]
    public void BackwardInput_BySize_LaunchesItsKernel(int rows, int inputSize, int outputSize, string expected)
    {
        _linear.BackwardInput(_tensor, _tensor, rows, inputSize, outputSize, _tensor);
        Assert.Equal(expected, Launches());
    }

    [Theory]
    [InlineData(64, 40, 30, "k_matmul_weight_small<1, 128>, k_bias_grad_partial<1, 256>, k_bias_grad_final<1, 256>")]
    [InlineData(256, 2304, 50_257, "k_matmul_weight<7074, 256>, k_bias_grad_partial<786, 256>, k_bias_grad_final<1571, 256>")]
    [InlineData(64, 0, 300, "k_bias_grad_partial<3, 256>, k_bias_grad_final<10, 256>")]
    [InlineData(64, 300, 0, "")]
    [InlineData(0, 300, 300, "")]
    public void BackwardWeight_BySize_LaunchesItsKernels(int rows, int inputSize, int outputSize, string expected)
    {
        _linear.BackwardWeight(_tensor, _tensor, rows, inputSize, outputSize, _tensor, _tensor);
        Assert.Equal(expected, Launches());
    }

    [Theory]
    [InlineData(8192, 384, 384)]
    [InlineData(3000, 33, 40)]
    public void BackwardWeight_ManyRows_SplitsAndJoins(int rows, int inputSize, int outputSize)
    {
        TilePlan plan = TilePlan.Choose(LinearOperation.BackwardWeight, outputSize, inputSize, rows);
        Assert.InRange(plan.Splits, 2, TilePlan.MaxSplits);
        _linear.BackwardWeight(_tensor, _tensor, rows, inputSize, outputSize, _tensor, Tensor.None);
        string[] launches = Launches().Split(", k_");
        Assert.Equal(2, launches.Length);
        Assert.StartsWith(plan.Tile == TileSize.Small ? "k_matmul_weight_small<" : "k_matmul_weight<", launches[0], StringComparison.Ordinal);
        Assert.Equal($"matmul_join<{(outputSize * inputSize + 1023) / 1024}, 256>", launches[1]);
    }

    [Fact]
    public void Products_AfterTheFirstCall_AllocateNothing()
    {
        RunAll();
        long made = _context.Handle.Allocations.Total;
        _driver.IsQuiet = true;
        Andrea.Tests.Cpu.Allocations.AssertNone(RunAll);
        Assert.Equal(made, _context.Handle.Allocations.Total);
    }

    [Fact]
    public void Dispose_GivesBackAllTheProductsTook()
    {
        RunAll();
        Dispose();
        Assert.Equal(0, _driver.AliveCount);
    }

    public void Dispose()
    {
        _scratch.Dispose();
        _loader.Dispose();
        _stream.Dispose();
        _context.Dispose();
        _device.Dispose();
    }

    private void RunAll()
    {
        foreach (int rows in (ReadOnlySpan<int>)[1, 70, 8192])
        {
            _linear.Forward(_tensor, _tensor, _tensor, Tensor.None, rows, 384, 384, _tensor);
            _linear.BackwardInput(_tensor, _tensor, rows, 384, 384, _tensor);
            _linear.BackwardWeight(_tensor, _tensor, rows, 384, 384, _tensor, _tensor);
        }
    }

    private string Launches() => string.Join(
        ", ", _driver.Calls.Where(call => call.StartsWith("k_", StringComparison.Ordinal)).Select(call => call.Split('(')[0]));
}
