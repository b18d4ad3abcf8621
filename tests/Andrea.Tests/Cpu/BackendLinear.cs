using Andrea.Backends;
using Andrea.Cuda.Linear;
using Andrea.Tensors;

namespace Andrea.Tests.Cpu;

/// <summary>A backend's matrix products by the names that they have within CUDA, so that cases run on either.</summary>
internal sealed class BackendLinear(IBackend backend) : ILinearOps
{
    public string Description => backend.Description;

    public void Forward(Tensor input, Tensor weight, Tensor bias, Tensor residual, int rows, int inputSize, int outputSize, Tensor output) =>
        backend.LinearForward(input, weight, bias, residual, rows, inputSize, outputSize, output);

    public void BackwardInput(Tensor dOutput, Tensor weight, int rows, int inputSize, int outputSize, Tensor dInput) =>
        backend.LinearBackwardInput(dOutput, weight, rows, inputSize, outputSize, dInput);

    public void BackwardWeight(Tensor dOutput, Tensor input, int rows, int inputSize, int outputSize, Tensor dWeight, Tensor dBias) =>
        backend.LinearBackwardWeight(dOutput, input, rows, inputSize, outputSize, dWeight, dBias);
}
