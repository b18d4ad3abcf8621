using Andrea.Tensors;

namespace Andrea.Cuda;

internal sealed partial class CudaBackend
{
    public void LinearForward(
        Tensor input, Tensor weight, Tensor bias, Tensor residual, int rows, int inputSize, int outputSize, Tensor output) =>
        throw new NotImplementedException();

    public void LinearBackwardInput(Tensor dOutput, Tensor weight, int rows, int inputSize, int outputSize, Tensor dInput) =>
        throw new NotImplementedException();

    public void LinearBackwardWeight(Tensor dOutput, Tensor input, int rows, int inputSize, int outputSize, Tensor dWeight, Tensor dBias) =>
        throw new NotImplementedException();
}
