using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cpu;

/// <summary>One problem for attention, and its solution by any device.</summary>
internal sealed class AttentionCase
{
    public AttentionCase(int batch, int tokens, int heads, int headSize, ulong seed = 1, double scale = 1)
    {
        (Batch, Tokens, Heads, HeadSize) = (batch, tokens, heads, headSize);
        Qkv = TestDevice.Normal(seed, 3L * OutputLength, scale);
        DOutput = TestDevice.Normal(seed + 1000, OutputLength);
    }

    public int Batch { get; }

    public int Tokens { get; }

    public int Heads { get; }

    public int HeadSize { get; }

    /// <summary>(B, T, 3, H, D).</summary>
    public float[] Qkv { get; }

    /// <summary>(B, T, H, D).</summary>
    public float[] DOutput { get; }

    public int OutputLength => Batch * Tokens * Heads * HeadSize;

    public string Name => $"B{Batch} T{Tokens} H{Heads} D{HeadSize}";

    /// <summary>Where a head's query (part 0), key (1) or value (2) begins in <see cref="Qkv"/>.</summary>
    public int IndexOf(int sequence, int token, int part, int head) => (((sequence * Tokens + token) * 3 + part) * Heads + head) * HeadSize;

    /// <summary>A head's part of one token, for tests to change.</summary>
    public Span<float> Row(int sequence, int token, int part, int head) => Qkv.AsSpan(IndexOf(sequence, token, part, head), HeadSize);

    /// <summary>Where a head's output begins in an array of shape (B, T, H, D).</summary>
    public int OutputIndexOf(int sequence, int token, int head) => ((sequence * Tokens + token) * Heads + head) * HeadSize;

    public (float[] Output, float[] LogSumExp) Forward(TestDevice device)
    {
        Tensor output = device.Poisoned(OutputLength), logSumExp = device.Poisoned(Batch * Heads * Tokens);
        device.Backend.AttentionForward(device.Tensor(Qkv), Batch, Tokens, Heads, HeadSize, output, logSumExp);
        return (output.ToArray(), logSumExp.ToArray());
    }

    /// <summary>The gradient, from the forward pass's results, whoever computed them.</summary>
    public float[] Backward(TestDevice device, float[] output, float[] logSumExp)
    {
        Tensor dQkv = device.Poisoned(Qkv.Length);
        device.Backend.AttentionBackward(
            device.Tensor(DOutput), device.Tensor(Qkv), device.Tensor(output), device.Tensor(logSumExp), Batch, Tokens, Heads, HeadSize, dQkv);
        return dQkv.ToArray();
    }

    public float[] ForwardBackward(TestDevice device)
    {
        (float[] output, float[] logSumExp) = Forward(device);
        return Backward(device, output, logSumExp);
    }

    /// <summary>Everything that attention computes here, one digest for each result.</summary>
    public string Digest(int threads)
    {
        using TestDevice device = TestDevice.Open($"cpu-{threads}");
        (float[] output, float[] logSumExp) = Forward(device);
        float[] dQkv = Backward(device, output, logSumExp);
        return $"{Name}: {BitDigest.Of<float>(output)} {BitDigest.Of<float>(logSumExp)} {BitDigest.Of<float>(dQkv)}";
    }

    /// <summary>Fails unless a device gives the reference's outputs and gradients.</summary>
    public void AssertMatches(TestDevice reference, TestDevice device)
    {
        (float[] expected, float[] expectedLogSumExp) = Forward(reference);
        (float[] actual, float[] actualLogSumExp) = Forward(device);
        Tolerance.Accumulated.AssertClose($"{Name} output", expected, actual);
        Tolerance.Accumulated.AssertClose($"{Name} logSumExp", expectedLogSumExp, actualLogSumExp);
        Tolerance.Accumulated.AssertClose(
            $"{Name} dQkv", Backward(reference, expected, expectedLogSumExp), Backward(device, actual, actualLogSumExp));
    }
}
