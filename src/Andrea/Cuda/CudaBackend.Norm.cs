using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Cuda;

internal sealed partial class CudaBackend
{
    public void NormForward(
        NormKind kind, Tensor input, Tensor weight, Tensor bias, float epsilon, int rows, int channels, Tensor output, Tensor mean, Tensor inverseScale) =>
        throw new NotImplementedException();

    public void NormBackward(
        NormKind kind, Tensor dOutput, Tensor input, Tensor weight, Tensor mean, Tensor inverseScale, int rows, int channels,
        Tensor dInput, Tensor dWeight, Tensor dBias) =>
        throw new NotImplementedException();
}
