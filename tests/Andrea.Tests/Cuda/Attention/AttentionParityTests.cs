using Andrea.Tests.Cpu;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda.Attention;

/// <summary>Attention's kernels against the reference: lengths, tile edges, every kind of head size, forward and backward.</summary>
public class AttentionParityTests
{
    /// <summary>The emulator, and this machine's GPU.</summary>
    public static TheoryData<string> Devices => [TestDevice.Emulator, TestDevice.Gpu];

    /// <summary>Each kind of tiles at its edges and within, and heads of several chunks.</summary>
    public static TheoryData<string, int> HeadSizes => new MatrixTheoryData<string, int>(
        [TestDevice.Emulator, TestDevice.Gpu], [1, 3, 20, 31, 32, 33, 48, 64, 65, 80, 96, 97, 128, 129, 192, 256]);

    [Theory, MemberData(nameof(Devices))]
    public void Attention_EveryShortLength_MatchesReference(string name)
    {
        using TestDevice reference = TestDevice.Open("reference"), device = TestDevice.Open(name);
        for (int tokens = 1; tokens <= 70; tokens++)
            new AttentionCase(1 + tokens % 2, tokens, 1 + tokens % 3 / 2, tokens % 2 == 0 ? 32 : 17).AssertMatches(reference, device);
    }

    [Theory, MemberData(nameof(HeadSizes))]
    public void Attention_AroundTileEdges_MatchesReference(string name, int headSize)
    {
        // Tiles have 8, 16, 32 or 64 rows.
        int[] lengths = headSize > 64 ? [1, 9, 31, 33] : [1, 15, 33, 63, 64, 65];
        using TestDevice reference = TestDevice.Open("reference"), device = TestDevice.Open(name);
        foreach (int tokens in lengths)
            new AttentionCase(1, tokens, 1, headSize).AssertMatches(reference, device);
    }

    [Theory, MemberData(nameof(Devices))]
    public void Attention_SeveralSequencesHeadsAndTiles_MatchesReference(string name)
    {
        using TestDevice reference = TestDevice.Open("reference"), device = TestDevice.Open(name);
        new AttentionCase(3, 70, 4, 32).AssertMatches(reference, device);
        new AttentionCase(2, 130, 3, 20).AssertMatches(reference, device);
        new AttentionCase(1, 129, 2, 64).AssertMatches(reference, device);
        new AttentionCase(1, 257, 1, 8).AssertMatches(reference, device);
    }

    /// <summary>Largest scores of hundreds: weights are nearly one-hot, and 2^x would overflow without the maximum.</summary>
    [Theory, MemberData(nameof(Devices))]
    public void Attention_LargeScores_MatchesReference(string name)
    {
        using TestDevice reference = TestDevice.Open("reference"), device = TestDevice.Open(name);
        foreach (double scale in (double[])[10, 30])
        {
            var problem = new AttentionCase(1, 150, 2, 32, seed: 5, scale);
            (float[] expected, float[] expectedLogSumExp) = problem.Forward(reference);
            (float[] actual, float[] actualLogSumExp) = problem.Forward(device);
            // A score of s is off by about s 2^-24 sqrt(D) / 2, and its weight by as much, relatively.
            var tolerance = new Tolerance(Absolute: scale * scale * scale * 2e-6, Relative: 1e-4, MeanSquare: 1e-7);
            tolerance.AssertClose("output", expected, actual);
            Tolerance.Accumulated.AssertClose("logSumExp", expectedLogSumExp, actualLogSumExp);
        }
    }

    /// <summary>Scores of 1e30 differ by more than exp can tell: each query takes the value of its best key, exactly.</summary>
    [Theory, MemberData(nameof(Devices))]
    public void Attention_HugeScores_TakesTheBestKey(string name)
    {
        using TestDevice reference = TestDevice.Open("reference"), device = TestDevice.Open(name);
        foreach (int headSize in (int[])[8, 130])
        {
            var problem = new AttentionCase(1, 100, 1, headSize, seed: 6);
            for (int i = 0; i < problem.Qkv.Length; i++)
                if (i / headSize % 3 < 2)
                    problem.Qkv[i] *= 1e15f;
            (float[] expected, _) = problem.Forward(reference);
            (float[] actual, float[] logSumExp) = problem.Forward(device);
            Bits.AssertEqual("output", expected, actual);
            float[] dQkv = problem.Backward(device, actual, logSumExp);
            Assert.All(dQkv, value => Assert.True(float.IsFinite(value)));
            // One weight of exactly 1: the gradients of queries and keys vanish.
            for (int t = 0; t < 100; t++)
                Assert.All(dQkv[problem.IndexOf(0, t, 0, 0)..problem.IndexOf(0, t, 2, 0)], value => Assert.Equal(0, value));
        }
    }

    /// <summary>Values near the smallest floats: weights are what they were, and results follow the values.</summary>
    [Theory, MemberData(nameof(Devices))]
    public void Attention_DenormalValues_MatchesReference(string name)
    {
        using TestDevice reference = TestDevice.Open("reference"), device = TestDevice.Open(name);
        var problem = new AttentionCase(1, 40, 1, 16);
        for (int t = 0; t < 40; t++)
            foreach (ref float value in problem.Row(0, t, 2, 0))
                value *= 1e-41f;
        (float[] expected, _) = problem.Forward(reference);
        (float[] actual, _) = problem.Forward(device);
        for (int i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) < 1e-43, $"output[{i}]: expected {expected[i]}, got {actual[i]}");
        Assert.Contains(actual, value => value != 0);
    }

    [Theory, MemberData(nameof(Devices))]
    public void AttentionForward_LaterTokensChanged_LeavesEarlierBitsAlone(string name)
    {
        using TestDevice device = TestDevice.Open(name);
        foreach (int headSize in (int[])[24, 100])
        {
            var problem = new AttentionCase(2, 130, 1, headSize);
            (float[] output, float[] logSumExp) = problem.Forward(device);
            foreach (int changed in (int[])[1, 15, 63, 64, 65, 100, 129])
            {
                var other = new AttentionCase(2, 130, 1, headSize);
                float[] noise = TestDevice.Normal(99, problem.Qkv.Length, 50);
                for (int b = 0; b < 2; b++)
                    noise.AsSpan(0, problem.IndexOf(0, 130 - changed, 0, 0)).CopyTo(other.Qkv.AsSpan(problem.IndexOf(b, changed, 0, 0)));
                (float[] output2, float[] logSumExp2) = other.Forward(device);
                for (int b = 0; b < 2; b++)
                {
                    int first = problem.OutputIndexOf(b, 0, 0), end = problem.OutputIndexOf(b, changed, 0), row = b * 130;
                    Bits.AssertEqual($"output before {changed}", output[first..end], output2[first..end]);
                    Assert.NotEqual(output[end], output2[end]);
                    Bits.AssertEqual($"logSumExp before {changed}", logSumExp[row..(row + changed)], logSumExp2[row..(row + changed)]);
                }
            }
        }
    }

    /// <summary>A token's result does not even depend on how many tokens follow it.</summary>
    [Theory, MemberData(nameof(Devices))]
    public void AttentionForward_SequenceCutShort_LeavesItsBitsAlone(string name)
    {
        using TestDevice device = TestDevice.Open(name);
        var whole = new AttentionCase(1, 140, 2, 32);
        (float[] output, _) = whole.Forward(device);
        foreach (int tokens in (int[])[1, 5, 16, 30, 64, 65, 80, 129])
        {
            var part = new AttentionCase(1, tokens, 2, 32);
            whole.Qkv.AsSpan(0, part.Qkv.Length).CopyTo(part.Qkv);
            Bits.AssertEqual($"the first {tokens} outputs", output[..part.OutputLength], part.Forward(device).Output);
        }
    }
}
