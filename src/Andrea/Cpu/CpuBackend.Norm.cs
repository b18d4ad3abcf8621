using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Cpu;

internal sealed partial class CpuBackend
{
    public void NormForward(NormKind kind, Tensor input, Tensor weight, Tensor bias, float epsilon, int rows, int channels, Tensor output, Tensor mean, Tensor inverseScale) => throw new NotSupportedException();

    public void NormBackward(NormKind kind, Tensor dOutput, Tensor input, Tensor weight, Tensor mean, Tensor inverseScale, int rows, int channels, Tensor dInput, Tensor dWeight, Tensor dBias) => throw new NotSupportedException();
}
