using Andrea.Cuda;
using Andrea.Cuda.Compilation;
using Andrea.Cuda.Linear;
using Andrea.Cuda.Memory;
using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda.Linear;

/// <summary>The tiled products by the plans of a test, so that each kernel runs at sizes that would never choose it.</summary>
/// <remarks>On a stream of its own, so that every operation waits.</remarks>
internal sealed class PlannedLinear : ILinearOps, IDisposable
{
    private readonly CudaStream _stream;
    private readonly KernelLoader _loader;
    private readonly CudaScratch _scratch;
    private readonly TiledLinear _linear;

    public PlannedLinear(TestDevice device, Func<LinearOperation, int, int, int, TilePlan> choose)
    {
        CudaContext context = ((CudaBackend)device.Backend).Context;
        var compiler = new KernelCompiler(
            TestNvrtc.Get(), new KernelLibrary(null), new KernelCache(Path.Combine(AppContext.BaseDirectory, "kernel-cache")));
        KernelTarget target = KernelTarget.For(context.Architecture, compiler.Nvrtc.GetArchitectures(), compiler.Nvrtc.Version);
        _stream = new CudaStream(context.Handle);
        _loader = new KernelLoader(context, _stream, compiler, target);
        _scratch = new CudaScratch(_stream);
        _linear = new TiledLinear(_loader, _scratch, choose);
    }

    /// <summary>Every product in tiles of one size; sums over rows in that many parts.</summary>
    public PlannedLinear(TestDevice device, TileSize tile, int splits = 1)
        : this(device, (product, _, _, k) => TilePlan.Split(tile, k, product == LinearOperation.BackwardWeight ? splits : 1))
    {
    }

    public string Description => _linear.Description;

    public void Forward(Tensor input, Tensor weight, Tensor bias, Tensor residual, int rows, int inputSize, int outputSize, Tensor output)
    {
        _linear.Forward(input, weight, bias, residual, rows, inputSize, outputSize, output);
        _stream.Synchronize();
    }

    public void BackwardInput(Tensor dOutput, Tensor weight, int rows, int inputSize, int outputSize, Tensor dInput)
    {
        _linear.BackwardInput(dOutput, weight, rows, inputSize, outputSize, dInput);
        _stream.Synchronize();
    }

    public void BackwardWeight(Tensor dOutput, Tensor input, int rows, int inputSize, int outputSize, Tensor dWeight, Tensor dBias)
    {
        _linear.BackwardWeight(dOutput, input, rows, inputSize, outputSize, dWeight, dBias);
        _stream.Synchronize();
    }

    public void Dispose()
    {
        _scratch.Dispose();
        _loader.Dispose();
        _stream.Dispose();
    }
}
