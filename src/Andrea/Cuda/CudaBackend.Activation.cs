using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Cuda;

internal sealed partial class CudaBackend
{
    public void ActivationForward(ActivationKind kind, Tensor input, long length, Tensor output) =>
        throw new NotImplementedException();

    public void ActivationBackward(ActivationKind kind, Tensor input, Tensor dOutput, long length, Tensor dInput) =>
        throw new NotImplementedException();
}
