using Andrea.Cuda.Handles;
using Andrea.Cuda.Interop;
using Andrea.Cuda.Memory;
using Andrea.Tensors;

namespace Andrea.Cuda.Linear;

/// <summary>Matrix products by cuBLASLt. What it cannot do goes to other operations, which are made when first needed.</summary>
/// <remarks>
/// The first product of a kind (operation, sizes, what is added, alignment of the addresses) is planned, which takes some microseconds to
/// milliseconds on the host; later ones allocate nothing. Every run gives the same bits on the same GPU with the same version of cuBLASLt:
/// the algorithm depends on the kind alone, all work is on one stream with one workspace, and algorithms that join partial sums in the order
/// in which they finish are ruled out. Another version, GPU or number of rows may give other bits.
/// </remarks>
internal sealed class CublasLtLinear : ILinearOps, IDisposable
{
    /// <summary>More kinds than any training has; generation makes one for each length of a prompt.</summary>
    public const int MaxPlans = 512;

    // What NVIDIA recommends for Hopper and newer, and for older GPUs.
    private const long HopperWorkspaceBytes = 32 << 20, WorkspaceBytes = 4 << 20;
    private const int Hopper = 90;

    // The search for an algorithm does not ask for the bias's alignment, and kernels load it in pieces of this size.
    private const int BiasAlignment = 16;

    private readonly ICublasLt _library;
    private readonly CublasHandle _cublas;
    private readonly CudaStream _stream;
    private readonly CudaScratch _scratch;
    private readonly CudaMemory _workspace;
    private readonly BiasGradient _biasGradient;
    private readonly CublasCompute _compute;
    private readonly Func<ILinearOps> _makeFallback;
    private readonly Dictionary<MatmulKey, MatmulPlan> _plans = [];
    private ILinearOps? _fallback;

    /// <summary>Gets cuBLASLt ready.</summary>
    /// <param name="library">cuBLASLt.</param>
    /// <param name="cublas">Its handle; owned from now on.</param>
    /// <param name="loader">The stream, and the kernels that products leave to us.</param>
    /// <param name="scratch">Memory within one operation.</param>
    /// <param name="allowTf32">Whether factors may be rounded to TF32.</param>
    /// <param name="fallback">Makes what computes the products that cuBLASLt refuses.</param>
    public CublasLtLinear(
        ICublasLt library, CublasHandle cublas, KernelLoader loader, CudaScratch scratch, bool allowTf32, Func<ILinearOps> fallback)
    {
        (_library, _cublas, _stream, _scratch, _makeFallback) = (library, cublas, loader.Stream, scratch, fallback);
        _compute = allowTf32 ? CublasCompute.Float32FastTf32 : CublasCompute.Float32;
        _biasGradient = new BiasGradient(loader, scratch);
        _workspace = new CudaMemory(_stream, loader.Context.Architecture >= Hopper ? HopperWorkspaceBytes : WorkspaceBytes);
    }

    public string Description => $"cuBLASLt {_library.Version}, {(_compute == CublasCompute.Float32 ? "float32" : "TF32 factors")}";

    /// <summary>Kinds of products planned so far.</summary>
    public int PlanCount => _plans.Count;

    public void Forward(Tensor input, Tensor weight, Tensor bias, Tensor residual, int rows, int inputSize, int outputSize, Tensor output)
    {
        if (rows == 0 || outputSize == 0)
            return;
        var product = new LinearProduct(LinearOperation.Forward, rows, inputSize, outputSize);
        nint addend = residual.IsNone ? output.Address : residual.Address;
        var addresses = new MatmulAddresses(weight.Address, input.Address, addend, output.Address);
        // Without inputs there is no product, only bias and residual.
        if (inputSize == 0 || !TryMultiply(product, addresses, bias, accumulates: !residual.IsNone))
            Fallback.Forward(input, weight, bias, residual, rows, inputSize, outputSize, output);
    }

    public void BackwardInput(Tensor dOutput, Tensor weight, int rows, int inputSize, int outputSize, Tensor dInput)
    {
        if (rows == 0 || inputSize == 0)
            return;
        var product = new LinearProduct(LinearOperation.BackwardInput, rows, inputSize, outputSize);
        var addresses = new MatmulAddresses(weight.Address, dOutput.Address, dInput.Address, dInput.Address);
        if (outputSize == 0 || !TryMultiply(product, addresses, bias: Tensor.None, accumulates: false))
            Fallback.BackwardInput(dOutput, weight, rows, inputSize, outputSize, dInput);
    }

    public void BackwardWeight(Tensor dOutput, Tensor input, int rows, int inputSize, int outputSize, Tensor dWeight, Tensor dBias)
    {
        if (rows == 0 || outputSize == 0)
            return;
        var product = new LinearProduct(LinearOperation.BackwardWeight, rows, inputSize, outputSize);
        var addresses = new MatmulAddresses(input.Address, dOutput.Address, dWeight.Address, dWeight.Address);
        if (inputSize > 0 && !TryMultiply(product, addresses, bias: Tensor.None, accumulates: true))
            Fallback.BackwardWeight(dOutput, input, rows, inputSize, outputSize, dWeight, dBias);
        else if (!dBias.IsNone)
            _biasGradient.Add(dOutput, rows, outputSize, dBias);
    }

    public void Dispose()
    {
        DropPlans();
        _cublas.Dispose();
        _workspace.Dispose();
        (_fallback as IDisposable)?.Dispose();
    }

    private ILinearOps Fallback => _fallback ??= _makeFallback();

    private bool TryMultiply(LinearProduct product, in MatmulAddresses addresses, Tensor bias, bool accumulates)
    {
        var key = new MatmulKey(product, HasBias: !bias.IsNone, accumulates, MatmulAlignments.Of(addresses));
        using (_stream.Context.Enter())
        {
            nint biasAddress = bias.IsNone ? 0 : Aligned(bias, product.OutputSize);
            if (!_plans.TryGetValue(key, out MatmulPlan? plan))
                plan = Plan(key, biasAddress);
            bool done = plan.TryMultiply(addresses, biasAddress, _workspace.Address, _workspace.LengthBytes, _stream.Value);
            GC.KeepAlive(this);
            return done;
        }
    }

    private MatmulPlan Plan(in MatmulKey key, nint bias)
    {
        // What is enqueued already does not need its plan any more.
        if (_plans.Count == MaxPlans)
            DropPlans();
        var plan = new MatmulPlan(_stream.Context, _library, _cublas, key, bias, _compute, _workspace.LengthBytes);
        _plans.Add(key, plan);
        return plan;
    }

    private void DropPlans()
    {
        foreach (MatmulPlan plan in _plans.Values)
            plan.Dispose();
        _plans.Clear();
    }

    /// <summary>The bias, or a copy of it where kernels can load it.</summary>
    private nint Aligned(Tensor bias, int length)
    {
        if (bias.Address % BiasAlignment == 0)
            return bias.Address;
        long bytes = (long)length * sizeof(float);
        nint copy = _scratch.Take(bytes);
        _stream.Context.Driver.CopyDeviceToDeviceAsync(copy, bias.Address, bytes, _stream.Value);
        return copy;
    }
}
