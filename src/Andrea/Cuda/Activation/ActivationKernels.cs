using Andrea.Cuda.Interop;
using Andrea.Tensors;

namespace Andrea.Cuda.Activation;

/// <summary>The MLP's nonlinearity on a GPU: <c>activation.cu</c>. One launch for each call.</summary>
internal sealed class ActivationKernels
{
    public const string File = "activation.cu";
    public const string GeluForwardName = "k_gelu_fwd", GeluBackwardName = "k_gelu_bwd";
    public const string ReluForwardName = "k_relu_fwd", ReluBackwardName = "k_relu_bwd";

    // Two quads for each thread.
    private const int BlockThreads = 256, BlockElements = 8 * BlockThreads;

    private readonly CudaStream _stream;
    private readonly CudaKernel _geluForward, _geluBackward, _reluForward, _reluBackward;

    public ActivationKernels(KernelLoader loader)
    {
        _stream = loader.Stream;
        CudaModule module = loader.Load(File);
        _geluForward = module.GetKernel(GeluForwardName);
        _geluBackward = module.GetKernel(GeluBackwardName);
        _reluForward = module.GetKernel(ReluForwardName);
        _reluBackward = module.GetKernel(ReluBackwardName);
    }

    public void Forward(ActivationKind kind, Tensor input, long length, Tensor output)
    {
        if (length == 0)
            return;
        var arguments = default(KernelArguments);
        arguments.Add(input.Address);
        arguments.Add(length);
        arguments.Add(output.Address);
        (kind == ActivationKind.Gelu ? _geluForward : _reluForward).Launch(Shape(length), _stream, ref arguments);
    }

    public void Backward(ActivationKind kind, Tensor input, Tensor dOutput, long length, Tensor dInput)
    {
        if (length == 0)
            return;
        var arguments = default(KernelArguments);
        arguments.Add(input.Address);
        arguments.Add(dOutput.Address);
        arguments.Add(length);
        arguments.Add(dInput.Address);
        (kind == ActivationKind.Gelu ? _geluBackward : _reluBackward).Launch(Shape(length), _stream, ref arguments);
    }

    private static LaunchShape Shape(long length) =>
        LaunchShape.Linear(checked((int)((length + BlockElements - 1) / BlockElements)), BlockThreads);
}
