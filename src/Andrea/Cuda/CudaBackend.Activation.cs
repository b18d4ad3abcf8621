using Andrea.Cuda.Activation;
using Andrea.Tensors;

namespace Andrea.Cuda;

internal sealed partial class CudaBackend
{
    private ActivationKernels? _activation;

    private ActivationKernels ActivationKernels => _activation ??= new ActivationKernels(_loader);

    public void ActivationForward(ActivationKind kind, Tensor input, long length, Tensor output) =>
        ActivationKernels.Forward(kind, input, length, output);

    public void ActivationBackward(ActivationKind kind, Tensor input, Tensor dOutput, long length, Tensor dInput) =>
        ActivationKernels.Backward(kind, input, dOutput, length, dInput);
}
