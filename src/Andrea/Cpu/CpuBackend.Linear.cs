using Andrea.Tensors;

namespace Andrea.Cpu;

internal sealed partial class CpuBackend
{
    public void LinearForward(Tensor input, Tensor weight, Tensor bias, Tensor residual, int rows, int inputSize, int outputSize, Tensor output) => throw new NotSupportedException();

    public void LinearBackwardInput(Tensor dOutput, Tensor weight, int rows, int inputSize, int outputSize, Tensor dInput) => throw new NotSupportedException();

    public void LinearBackwardWeight(Tensor dOutput, Tensor input, int rows, int inputSize, int outputSize, Tensor dWeight, Tensor dBias) => throw new NotSupportedException();
}
