using Andrea.Cuda.Linear;
using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda.Linear;

/// <summary>A device's matrix products, computed by the reference on the host: stands in for our own kernels, and counts.</summary>
internal sealed class HostLinear : ILinearOps
{
    public string Description => "the host";

    /// <summary>Operations so far, by name.</summary>
    public List<string> Calls { get; } = [];

    public void Forward(Tensor input, Tensor weight, Tensor bias, Tensor residual, int rows, int inputSize, int outputSize, Tensor output)
    {
        Calls.Add(nameof(Forward));
        using TestDevice host = TestDevice.Open("reference");
        Tensor result = host.Zeros(output.Length);
        host.Backend.LinearForward(
            Copy(host, input), Copy(host, weight), Copy(host, bias), Copy(host, residual), rows, inputSize, outputSize, result);
        output.CopyFrom(result.ToArray());
    }

    public void BackwardInput(Tensor dOutput, Tensor weight, int rows, int inputSize, int outputSize, Tensor dInput)
    {
        Calls.Add(nameof(BackwardInput));
        using TestDevice host = TestDevice.Open("reference");
        Tensor result = host.Zeros(dInput.Length);
        host.Backend.LinearBackwardInput(Copy(host, dOutput), Copy(host, weight), rows, inputSize, outputSize, result);
        dInput.CopyFrom(result.ToArray());
    }

    public void BackwardWeight(Tensor dOutput, Tensor input, int rows, int inputSize, int outputSize, Tensor dWeight, Tensor dBias)
    {
        Calls.Add(nameof(BackwardWeight));
        using TestDevice host = TestDevice.Open("reference");
        Tensor weights = Copy(host, dWeight), biases = Copy(host, dBias);
        host.Backend.LinearBackwardWeight(Copy(host, dOutput), Copy(host, input), rows, inputSize, outputSize, weights, biases);
        dWeight.CopyFrom(weights.ToArray());
        if (!dBias.IsNone)
            dBias.CopyFrom(biases.ToArray());
    }

    private static Tensor Copy(TestDevice host, Tensor tensor) =>
        tensor.IsNone ? Tensor.None : tensor.Length == 0 ? host.Zeros(0) : host.Tensor(tensor.ToArray());
}
