using Andrea.Cuda.Linear;
using Andrea.Tensors;

namespace Andrea.Cuda;

internal sealed partial class CudaBackend
{
    private readonly LinearSources _linearSources;
    private LinearChoice? _linear;

    /// <summary>Whose matrix products these are, and why; chosen when first needed.</summary>
    public LinearChoice Linear => _linear ??= LinearChoice.Make(_loader, _scratch, _options, _linearSources);

    public void LinearForward(
        Tensor input, Tensor weight, Tensor bias, Tensor residual, int rows, int inputSize, int outputSize, Tensor output) =>
        Linear.Ops.Forward(input, weight, bias, residual, rows, inputSize, outputSize, output);

    public void LinearBackwardInput(Tensor dOutput, Tensor weight, int rows, int inputSize, int outputSize, Tensor dInput) =>
        Linear.Ops.BackwardInput(dOutput, weight, rows, inputSize, outputSize, dInput);

    public void LinearBackwardWeight(Tensor dOutput, Tensor input, int rows, int inputSize, int outputSize, Tensor dWeight, Tensor dBias) =>
        Linear.Ops.BackwardWeight(dOutput, input, rows, inputSize, outputSize, dWeight, dBias);
}
