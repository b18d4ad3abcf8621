using Andrea.Numerics;
using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cpu;

/// <summary>Inputs of one cross-entropy that any device can run.</summary>
internal sealed record CrossEntropyCase(int Rows, int Vocabulary)
{
    public float[] Logits { get; init; } = TestDevice.Normal(1, (long)Rows * Vocabulary, 3);

    public int[] Targets { get; init; } = RandomTargets(Rows, Vocabulary);

    public float GradientScale { get; init; } = 0.25f;

    public float[] Forward(GuardedDevice device)
    {
        Tensor losses = device.Output(Rows);
        device.Backend.CrossEntropyForward(device.Input(Logits), device.Tokens(Targets), Rows, Vocabulary, losses);
        device.AssertGuards();
        return losses.ToArray();
    }

    /// <summary>Losses, and dLogits.</summary>
    public float[][] ForwardBackward(GuardedDevice device)
    {
        Tensor losses = device.Output(Rows), logits = device.InOut(Logits);
        device.Backend.CrossEntropyForwardBackward(device.Tokens(Targets), GradientScale, Rows, Vocabulary, logits, losses);
        device.AssertGuards();
        return [losses.ToArray(), logits.ToArray()];
    }

    /// <summary>Losses and gradients, each compared with the reference.</summary>
    public void AssertAgreesWithReference(GuardedDevice device)
    {
        using var reference = new GuardedDevice("reference");
        string size = $"{Rows} x {Vocabulary}";
        float[][] expected = ForwardBackward(reference), actual = ForwardBackward(device);
        AssertClose($"losses of {size}", expected[0], actual[0]);
        AssertClose($"losses without gradient of {size}", expected[0], Forward(device));
        AssertClose($"dLogits of {size}", expected[1], actual[1]);
    }

    /// <summary>Non-finite results must be the same in the same places; the rest must be close.</summary>
    private static void AssertClose(string name, float[] expected, float[] actual)
    {
        float[] expectedFinite = (float[])expected.Clone(), actualFinite = (float[])actual.Clone();
        for (int i = 0; i < expected.Length; i++)
            if (!float.IsFinite(expected[i]))
            {
                Bits.AssertEqual($"{name}, element {i}", [expected[i]], [actual[i]]);
                expectedFinite[i] = actualFinite[i] = 0;
            }
        Tolerance.Elementwise.AssertClose(name, expectedFinite, actualFinite);
    }

    private static int[] RandomTargets(int rows, int vocabulary)
    {
        var random = new Philox(2);
        var targets = new int[rows];
        for (int i = 0; i < rows; i++)
            targets[i] = random.NextInt32(vocabulary);
        return targets;
    }
}
