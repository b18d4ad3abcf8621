using Andrea.Cuda.Linear;
using Andrea.Tensors;

namespace Andrea.Cuda;

internal sealed partial class CudaBackend
{
    private ILinearOps? _linear;

    private ILinearOps Linear => _linear ??= new TiledLinear(_loader, _scratch);

    public void LinearForward(
        Tensor input, Tensor weight, Tensor bias, Tensor residual, int rows, int inputSize, int outputSize, Tensor output) =>
        Linear.Forward(input, weight, bias, residual, rows, inputSize, outputSize, output);

    public void LinearBackwardInput(Tensor dOutput, Tensor weight, int rows, int inputSize, int outputSize, Tensor dInput) =>
        Linear.BackwardInput(dOutput, weight, rows, inputSize, outputSize, dInput);

    public void LinearBackwardWeight(Tensor dOutput, Tensor input, int rows, int inputSize, int outputSize, Tensor dWeight, Tensor dBias) =>
        Linear.BackwardWeight(dOutput, input, rows, inputSize, outputSize, dWeight, dBias);
}
