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

    private static int[] RandomTargets(int rows, int vocabulary)
    {
        var random = new Philox(2);
        var targets = new int[rows];
        for (int i = 0; i < rows; i++)
            targets[i] = random.NextInt32(vocabulary);
        return targets;
    }
}
