using Andrea.Numerics;
using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cpu;

/// <summary>Inputs of one embedding, forward and backward, that any device can run.</summary>
internal sealed record EmbeddingCase(int Batch, int TokenCount, int Channels, int Vocabulary, int FirstPosition = 0)
{
    public int[] Tokens { get; init; } = RandomTokens(Batch * TokenCount, Vocabulary);

    public float[] TokenTable { get; init; } = TestDevice.Normal(1, Vocabulary * Channels);

    public float[] PositionTable { get; init; } = TestDevice.Normal(2, (FirstPosition + TokenCount) * Channels);

    public float[] DOutput { get; init; } = TestDevice.Normal(3, Batch * TokenCount * Channels);

    public float[] Forward(GuardedDevice device)
    {
        Tensor output = device.Output(DOutput.Length);
        device.Backend.EmbeddingForward(
            device.Tokens(Tokens), device.Input(TokenTable), device.Input(PositionTable), FirstPosition, Batch, TokenCount, Channels, output);
        device.AssertGuards();
        return output.ToArray();
    }

    /// <summary>Gradients of both tables, added to what the tables hold.</summary>
    public float[][] Backward(GuardedDevice device)
    {
        Tensor dTokenTable = device.InOut(TokenTable), dPositionTable = device.InOut(PositionTable);
        device.Backend.EmbeddingBackward(
            device.Input(DOutput), device.Tokens(Tokens), Batch, TokenCount, Channels, dTokenTable, dPositionTable);
        device.AssertGuards();
        return [dTokenTable.ToArray(), dPositionTable.ToArray()];
    }

    /// <summary>Outputs must have the reference's bits, gradients must be close to its.</summary>
    public void AssertAgreesWithReference(GuardedDevice device)
    {
        using var reference = new GuardedDevice("reference");
        Bits.AssertEqual($"output of {TokenCount} x {Channels}", Forward(reference), Forward(device));
        float[][] expected = Backward(reference), actual = Backward(device);
        Tolerance.Accumulated.AssertClose($"dTokenTable of {TokenCount} x {Channels}", expected[0], actual[0]);
        Tolerance.Accumulated.AssertClose($"dPositionTable of {TokenCount} x {Channels}", expected[1], actual[1]);
    }

    private static int[] RandomTokens(int count, int vocabulary)
    {
        var random = new Philox(4);
        var tokens = new int[count];
        for (int i = 0; i < count; i++)
            tokens[i] = random.NextInt32(vocabulary);
        return tokens;
    }
}
