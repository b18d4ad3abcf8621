using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cpu;

/// <summary>Activations that any device can run, and their comparison with the reference.</summary>
internal static class ActivationCase
{
    /// <summary>f(x).</summary>
    public static float[] Forward(GuardedDevice device, ActivationKind kind, float[] x)
    {
        Tensor output = device.Output(x.Length);
        device.Backend.ActivationForward(kind, device.Input(x), x.Length, output);
        device.AssertGuards();
        return output.ToArray();
    }

    /// <summary>dy f'(x).</summary>
    public static float[] Backward(GuardedDevice device, ActivationKind kind, float[] x, float[] dy)
    {
        Tensor dInput = device.Output(x.Length);
        device.Backend.ActivationBackward(kind, device.Input(x), device.Input(dy), x.Length, dInput);
        device.AssertGuards();
        return dInput.ToArray();
    }

    /// <summary>Forward and backward of <paramref name="x"/> with some gradients, compared with the reference; element <paramref name="skip"/> is left out.</summary>
    public static void Compare(GuardedDevice reference, GuardedDevice device, ActivationKind kind, float[] x, int skip = -1)
    {
        float[] dy = TestDevice.Normal(99, x.Length);
        float[][] expected = [Forward(reference, kind, x), Backward(reference, kind, x, dy)];
        float[][] actual = [Forward(device, kind, x), Backward(device, kind, x, dy)];
        if (skip >= 0)
            expected[0][skip] = actual[0][skip] = expected[1][skip] = actual[1][skip] = 0;
        Tolerance.Elementwise.AssertClose($"{kind} of {x.Length}", expected[0], actual[0]);
        Tolerance.Elementwise.AssertClose($"slope of {kind} of {x.Length}", expected[1], actual[1]);
    }

    /// <summary>From the smallest denormal to the largest number.</summary>
    public static void CompareAllMagnitudes(GuardedDevice device, ActivationKind kind)
    {
        // Every 20,011th float from the smallest denormal to the largest number, both signs: some 200,000.
        var values = new List<float>();
        for (uint bits = 1; bits < 0x7F80_0000; bits += 20_011)
        {
            values.Add(BitConverter.UInt32BitsToSingle(bits));
            values.Add(-BitConverter.UInt32BitsToSingle(bits));
        }
        values.AddRange([0, -0f, float.MaxValue, -float.MaxValue]);
        using var reference = new GuardedDevice("reference");
        float[] x = [.. values];
        Compare(reference, device, kind, x);

        // Near 0 the result must be good relative to itself, not only to 1.
        float[] expected = Forward(reference, kind, x), actual = Forward(device, kind, x);
        for (int i = 0; i < x.Length; i++)
            if (Math.Abs(x[i]) is > 1e-30f and < 1)
                Assert.InRange(actual[i], expected[i] - 4e-7f * Math.Abs(expected[i]), expected[i] + 4e-7f * Math.Abs(expected[i]));
    }

    /// <summary>NaN and infinities at either end and in the middle.</summary>
    public static void CompareNonFinite(GuardedDevice device, ActivationKind kind)
    {
        using var reference = new GuardedDevice("reference");
        foreach (float bad in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity])
            foreach (int position in (int[])[0, 18, 36])
            {
                float[] x = TestDevice.Normal(1, 37), dy = TestDevice.Normal(2, 37);
                x[position] = bad;
                Compare(reference, device, kind, x, skip: position);
                float expected = Forward(reference, kind, x)[position], actual = Forward(device, kind, x)[position];
                float expectedSlope = Backward(reference, kind, x, dy)[position], actualSlope = Backward(device, kind, x, dy)[position];
                Bits.AssertEqual($"{kind} of {bad}", [expected, expectedSlope], [actual, actualSlope]);
                if (float.IsNaN(bad))
                    Assert.True(float.IsNaN(actual));
            }
    }
}
