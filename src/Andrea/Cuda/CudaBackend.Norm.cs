using Andrea.Cuda.Norm;
using Andrea.Tensors;

namespace Andrea.Cuda;

internal sealed partial class CudaBackend
{
    private NormKernels? _norm;

    private NormKernels NormKernels => _norm ??= new NormKernels(_loader, _scratch);

    public void NormForward(
        NormKind kind, Tensor input, Tensor weight, Tensor bias, float epsilon, int rows, int channels, Tensor output, Tensor mean, Tensor inverseScale) =>
        NormKernels.Forward(kind, input, weight, bias, epsilon, rows, channels, output, mean, inverseScale);

    public void NormBackward(
        NormKind kind, Tensor dOutput, Tensor input, Tensor weight, Tensor mean, Tensor inverseScale, int rows, int channels,
        Tensor dInput, Tensor dWeight, Tensor dBias) =>
        NormKernels.Backward(kind, dOutput, input, weight, mean, inverseScale, rows, channels, dInput, dWeight, dBias);
}
