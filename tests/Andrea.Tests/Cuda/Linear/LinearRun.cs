using Andrea.Backends;
using Andrea.Tensors;
using Andrea.Tests.Cpu;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda.Linear;

/// <summary>All variants of a linear layer's operations at odd addresses between guard zones.</summary>
internal static class LinearRun
{
    /// <summary>The results; what is written starts as NaN, what accumulates starts from values.</summary>
    public static Dictionary<string, float[]> AtOddAddresses(LinearCase layer, TestDevice device)
    {
        var guarded = new GuardedDevice(device);
        IBackend backend = device.Backend;
        (int rows, int inputs, int outputs) = (layer.Rows, layer.InputSize, layer.OutputSize);
        Tensor Forward(bool bias, bool residual, bool inPlace)
        {
            Tensor output = inPlace ? guarded.InOut(layer.Residual) : guarded.Output((long)rows * outputs);
            Tensor addend = inPlace ? output : residual ? guarded.Input(layer.Residual) : Tensor.None;
            backend.LinearForward(
                guarded.Input(layer.Input), guarded.Input(layer.Weight), bias ? guarded.Input(layer.Bias) : Tensor.None, addend,
                rows, inputs, outputs, output);
            return output;
        }

        var results = new Dictionary<string, Tensor>
        {
            ["output"] = Forward(bias: false, residual: false, inPlace: false),
            ["output with bias"] = Forward(bias: true, residual: false, inPlace: false),
            ["output with residual"] = Forward(bias: false, residual: true, inPlace: false),
            ["output with both"] = Forward(bias: true, residual: true, inPlace: false),
            ["output over the residual"] = Forward(bias: true, residual: true, inPlace: true),
        };
        Tensor dInput = guarded.Output((long)rows * inputs), dWeight = guarded.InOut(layer.Weight), dBias = guarded.InOut(layer.Bias);
        backend.LinearBackwardInput(guarded.Input(layer.DOutput), guarded.Input(layer.Weight), rows, inputs, outputs, dInput);
        backend.LinearBackwardWeight(guarded.Input(layer.DOutput), guarded.Input(layer.Input), rows, inputs, outputs, dWeight, dBias);
        (results["dInput"], results["dWeight"], results["dBias"]) = (dInput, dWeight, dBias);
        Dictionary<string, float[]> values = results.ToDictionary(result => result.Key, result => result.Value.ToArray());
        guarded.AssertGuards();
        return values;
    }
}
