using Andrea.Tensors;

namespace Andrea.Cuda.Linear;

/// <summary>The matrix products of <see cref="Backends.IModelOps"/>, which say what each computes: by our own kernels, or by cuBLASLt.</summary>
internal interface ILinearOps
{
    /// <summary>For people: whose products these are, and in which precision.</summary>
    string Description { get; }

    void Forward(Tensor input, Tensor weight, Tensor bias, Tensor residual, int rows, int inputSize, int outputSize, Tensor output);

    void BackwardInput(Tensor dOutput, Tensor weight, int rows, int inputSize, int outputSize, Tensor dInput);

    void BackwardWeight(Tensor dOutput, Tensor input, int rows, int inputSize, int outputSize, Tensor dWeight, Tensor dBias);
}
