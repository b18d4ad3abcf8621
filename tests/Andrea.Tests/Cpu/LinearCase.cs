using Andrea.Backends;
using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cpu;

/// <summary>One size of a linear layer with its arrays, and all that its three operations make of them.</summary>
internal sealed class LinearCase(int rows, int inputSize, int outputSize)
{
    public int Rows => rows;

    public int InputSize => inputSize;

    public int OutputSize => outputSize;

    public float[] Input { get; } = TestDevice.Normal(1, rows * inputSize);

    // Scaled as in a network, so that all results are of size 1 or less whatever the sizes.
    public float[] Weight { get; } = TestDevice.Normal(2, outputSize * inputSize, 1 / Math.Sqrt(inputSize));

    public float[] DOutput { get; } = TestDevice.Normal(3, rows * outputSize, 1 / Math.Sqrt(Math.Max(rows, outputSize)));

    public float[] Bias { get; } = TestDevice.Normal(4, outputSize);

    public float[] Residual { get; } = TestDevice.Normal(5, rows * outputSize);

    public override string ToString() => $"{rows} x {inputSize} x {outputSize}";

    /// <summary>Runs every operation in every variant; what is written starts as NaN, what accumulates starts from values.</summary>
    public Dictionary<string, float[]> Run(TestDevice device)
    {
        var results = new Dictionary<string, float[]>
        {
            ["output"] = Forward(device, bias: false, residual: false, inPlace: false),
            ["output with bias"] = Forward(device, bias: true, residual: false, inPlace: false),
            ["output with residual"] = Forward(device, bias: false, residual: true, inPlace: false),
            ["output with both"] = Forward(device, bias: true, residual: true, inPlace: false),
            ["output over the residual"] = Forward(device, bias: true, residual: true, inPlace: true),
        };
        IBackend backend = device.Backend;
        Tensor dOutput = device.Tensor(DOutput), dInput = device.Poisoned(rows, inputSize);
        backend.LinearBackwardInput(dOutput, device.Tensor(Weight), rows, inputSize, outputSize, dInput);
        results["dInput"] = dInput.ToArray();
        Tensor dWeight = device.Tensor(Weight), dBias = device.Tensor(Bias);
        backend.LinearBackwardWeight(dOutput, device.Tensor(Input), rows, inputSize, outputSize, dWeight, dBias);
        results["dWeight"] = dWeight.ToArray();
        results["dBias"] = dBias.ToArray();
        return results;
    }

    /// <summary>A digest of all results on the CPU backend.</summary>
    public string Digest(int threads)
    {
        using TestDevice device = TestDevice.Open($"cpu-{threads}");
        return $"{this}: {string.Join(' ', Run(device).Values.Select(values => BitDigest.Of<float>(values)))}";
    }

    private float[] Forward(TestDevice device, bool bias, bool residual, bool inPlace)
    {
        Tensor addend = residual ? device.Tensor(Residual) : Tensor.None;
        Tensor output = inPlace ? addend : device.Poisoned(rows, outputSize);
        device.Backend.LinearForward(
            device.Tensor(Input), device.Tensor(Weight), bias ? device.Tensor(Bias) : Tensor.None, addend, rows, inputSize, outputSize, output);
        return output.ToArray();
    }
}
