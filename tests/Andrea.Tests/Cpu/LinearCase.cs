using Andrea.Cuda.Linear;
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
    public Dictionary<string, float[]> Run(TestDevice device) => Run(new BackendLinear(device.Backend), new DeviceTensors(device));

    /// <summary>The same on tensors between guard zones at odd addresses, which are checked.</summary>
    public Dictionary<string, float[]> Run(GuardedDevice device, ILinearOps? operations = null)
    {
        Dictionary<string, float[]> results = Run(operations ?? new BackendLinear(device.Backend), new GuardedTensors(device));
        device.AssertGuards();
        return results;
    }

    /// <summary>The same by any operations on any tensors.</summary>
    public Dictionary<string, float[]> Run(ILinearOps operations, ICaseTensors tensors)
    {
        Dictionary<string, float[]> results = RunForward(operations, tensors);
        Tensor dOutput = tensors.Input(DOutput), dInput = tensors.Output(rows * inputSize);
        operations.BackwardInput(dOutput, tensors.Input(Weight), rows, inputSize, outputSize, dInput);
        results["dInput"] = dInput.ToArray();
        Tensor dWeight = tensors.InOut(Weight), dBias = tensors.InOut(Bias);
        operations.BackwardWeight(dOutput, tensors.Input(Input), rows, inputSize, outputSize, dWeight, dBias);
        results["dWeight"] = dWeight.ToArray();
        results["dBias"] = dBias.ToArray();
        return results;
    }

    /// <summary>Runs the forward product in every variant.</summary>
    public Dictionary<string, float[]> RunForward(ILinearOps operations, ICaseTensors tensors) => new()
    {
        ["output"] = Forward(operations, tensors, bias: false, residual: false, inPlace: false),
        ["output with bias"] = Forward(operations, tensors, bias: true, residual: false, inPlace: false),
        ["output with residual"] = Forward(operations, tensors, bias: false, residual: true, inPlace: false),
        ["output with both"] = Forward(operations, tensors, bias: true, residual: true, inPlace: false),
        ["output over the residual"] = Forward(operations, tensors, bias: true, residual: true, inPlace: true),
    };

    /// <summary>A digest of all results on the CPU backend.</summary>
    public string Digest(int threads)
    {
        using TestDevice device = TestDevice.Open($"cpu-{threads}");
        return $"{this}: {string.Join(' ', Run(device).Values.Select(values => BitDigest.Of<float>(values)))}";
    }

    private float[] Forward(ILinearOps operations, ICaseTensors tensors, bool bias, bool residual, bool inPlace)
    {
        Tensor addend = !residual ? Tensor.None : inPlace ? tensors.InOut(Residual) : tensors.Input(Residual);
        Tensor output = inPlace ? addend : tensors.Output(rows * outputSize);
        operations.Forward(
            tensors.Input(Input), tensors.Input(Weight), bias ? tensors.Input(Bias) : Tensor.None, addend, rows, inputSize, outputSize, output);
        return output.ToArray();
    }
}
