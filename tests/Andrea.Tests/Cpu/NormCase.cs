using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cpu;

/// <summary>Inputs of one normalisation, forward and backward, that any device can run.</summary>
internal sealed record NormCase(NormKind Kind, bool HasBias, int Rows, int Channels)
{
    public const float Epsilon = 1e-5f;

    private int Length => Rows * Channels;

    // Off centre and unequal in scale, as activations are.
    public float[] Input { get; init; } = Shift(TestDevice.Normal(1, Rows * Channels, 2), 0.5f);

    public float[] Weight { get; init; } = Shift(TestDevice.Normal(2, Channels, 0.3), 1);

    public float[] Bias { get; init; } = TestDevice.Normal(3, Channels);

    public float[] DOutput { get; init; } = TestDevice.Normal(4, Rows * Channels);

    /// <summary>Output, mean, inverse scale.</summary>
    public float[][] Forward(GuardedDevice device)
    {
        bool centered = Kind == NormKind.LayerNorm;
        Tensor output = device.Output(Length), mean = centered ? device.Output(Rows) : Tensor.None, inverseScale = device.Output(Rows);
        device.Backend.NormForward(
            Kind, device.Input(Input), device.Input(Weight), HasBias ? device.Input(Bias) : Tensor.None, Epsilon, Rows, Channels,
            output, mean, inverseScale);
        device.AssertGuards();
        return [output.ToArray(), centered ? mean.ToArray() : [], inverseScale.ToArray()];
    }

    /// <summary>Gradients of input, weight and bias, each added to what <paramref name="start"/> stands for.</summary>
    public float[][] Backward(GuardedDevice device, float start = 0)
    {
        // Row statistics come from the reference, so that only the backward pass is compared.
        using var reference = new GuardedDevice("reference");
        float[][] forward = Forward(reference);
        bool centered = Kind == NormKind.LayerNorm;
        Tensor dInput = device.InOut(Filled(Length, start)), dWeight = device.InOut(Filled(Channels, start));
        Tensor dBias = HasBias ? device.InOut(Filled(Channels, start)) : Tensor.None;
        device.Backend.NormBackward(
            Kind, device.Input(DOutput), device.Input(Input), device.Input(Weight), centered ? device.Input(forward[1]) : Tensor.None,
            device.Input(forward[2]), Rows, Channels, dInput, dWeight, dBias);
        device.AssertGuards();
        return [dInput.ToArray(), dWeight.ToArray(), HasBias ? dBias.ToArray() : []];
    }

    /// <summary>Forward and backward, each compared with the reference.</summary>
    public void AssertAgreesWithReference(GuardedDevice device)
    {
        using var reference = new GuardedDevice("reference");
        string[] forwardNames = ["output", "mean", "inverseScale"], backwardNames = ["dInput", "dWeight", "dBias"];
        float[][] expected = Forward(reference), actual = Forward(device);
        for (int i = 0; i < 3; i++)
            Tolerance.Elementwise.AssertClose($"{forwardNames[i]} of {Rows} x {Channels}", expected[i], actual[i]);
        expected = Backward(reference);
        actual = Backward(device);
        for (int i = 0; i < 3; i++)
            Tolerance.Accumulated.AssertClose($"{backwardNames[i]} of {Rows} x {Channels}", expected[i], actual[i]);
    }

    /// <summary>A non-finite element of the second row makes NaN where it does in the reference, and leaves other rows alone.</summary>
    public void AssertSpoilsItsRow(GuardedDevice device, int position, float bad)
    {
        Input[Channels + position] = bad;
        using var reference = new GuardedDevice("reference");
        float[] expected = Forward(reference)[0], actual = Forward(device)[0];
        for (int i = 0; i < Length; i++)
            Assert.Equal(float.IsNaN(expected[i]), float.IsNaN(actual[i]));
        Assert.True(float.IsNaN(actual[Channels + position]));
        Assert.All(actual[..Channels], value => Assert.True(float.IsFinite(value)));
        Assert.All(actual[(2 * Channels)..], value => Assert.True(float.IsFinite(value)));
    }

    private static float[] Shift(float[] values, float offset) => [.. values.Select(value => value + offset)];

    private static float[] Filled(int length, float value)
    {
        var values = new float[length];
        Array.Fill(values, value);
        return values;
    }
}
