using Andrea.Tests.Support;

namespace Andrea.Tests.Cpu;

/// <summary>Tiles against the reference: every length, lengths around tiles, every kind of head size, forward and backward.</summary>
public class AttentionTests
{
    // Around the tile of 64: one, two and four tiles, each with one token less and more.
    private static readonly int[] TileEdges = [63, 64, 65, 127, 128, 129, 257];

    public static TheoryData<int> HeadSizes => [1, 3, 8, 15, 16, 17, 31, 32, 33, 48, 64, 65, 80, 96, 128, 256];

    [Theory, MemberData(nameof(HeadSizes))]
    public void Attention_ShortSequences_MatchesReference(int headSize)
    {
        int[] lengths = headSize is 32 or 17 ? [.. Enumerable.Range(1, 70)] : [1, 2, 3, 5, 8, 13, 16, 17, 31, 33, 47, 49, 61];
        using TestDevice reference = TestDevice.Open("reference"), cpu = TestDevice.Open("cpu-2");
        foreach (int tokens in lengths)
            new AttentionCase(1 + tokens % 3, tokens, 1 + headSize % 3, headSize).AssertMatches(reference, cpu);
    }

    [Theory, MemberData(nameof(HeadSizes))]
    public void Attention_AroundTileEdges_MatchesReference(int headSize)
    {
        using TestDevice reference = TestDevice.Open("reference"), cpu = TestDevice.Open("cpu-2");
        foreach (int tokens in TileEdges.Where(tokens => tokens * headSize <= 129 * 80))
            new AttentionCase(1, tokens, 1, headSize).AssertMatches(reference, cpu);
    }

    [Fact]
    public void Attention_SeveralSequencesAndHeads_MatchesReference()
    {
        using TestDevice reference = TestDevice.Open("reference"), cpu = TestDevice.Open("cpu-2");
        new AttentionCase(3, 70, 4, 32).AssertMatches(reference, cpu);
        new AttentionCase(2, 130, 3, 20).AssertMatches(reference, cpu);
    }

    /// <summary>Largest scores of hundreds: weights are nearly one-hot, and exp would overflow without the maximum.</summary>
    [Theory]
    [InlineData(10)]
    [InlineData(30)]
    public void Attention_LargeScores_MatchesReference(double scale)
    {
        using TestDevice reference = TestDevice.Open("reference"), cpu = TestDevice.Open("cpu-2");
        var problem = new AttentionCase(1, 150, 2, 32, seed: 5, scale);
        (float[] expected, float[] expectedLogSumExp) = problem.Forward(reference);
        (float[] actual, float[] actualLogSumExp) = problem.Forward(cpu);
        // A score of s is off by about s 2^-24 sqrt(D) / 2, and its weight by as much, relatively.
        var tolerance = new Tolerance(Absolute: scale * scale * scale * 2e-6, Relative: 1e-4, MeanSquare: 1e-7);
        tolerance.AssertClose("output", expected, actual);
        Tolerance.Accumulated.AssertClose("logSumExp", expectedLogSumExp, actualLogSumExp);
    }

    /// <summary>Scores of 1e30 differ by more than exp can tell: each query takes the value of its best key, exactly.</summary>
    [Fact]
    public void Attention_HugeScores_TakesTheBestKey()
    {
        var problem = new AttentionCase(1, 100, 1, 8, seed: 6);
        for (int i = 0; i < problem.Qkv.Length; i++)
            if (i / 8 % 3 < 2)
                problem.Qkv[i] *= 1e15f;
        using TestDevice reference = TestDevice.Open("reference"), cpu = TestDevice.Open("cpu-1");
        (float[] expected, _) = problem.Forward(reference);
        (float[] actual, float[] logSumExp) = problem.Forward(cpu);
        Bits.AssertEqual("output", expected, actual);
        float[] dQkv = problem.Backward(cpu, actual, logSumExp);
        Assert.All(dQkv, value => Assert.True(float.IsFinite(value)));
        for (int t = 0; t < 100; t++)
        {
            // One weight of exactly 1: the gradients of queries and keys vanish.
            Assert.All(dQkv[problem.IndexOf(0, t, 0, 0)..problem.IndexOf(0, t, 2, 0)], value => Assert.Equal(0, value));
        }
    }

    [Fact]
    public void AttentionForward_LaterTokensChanged_LeavesEarlierBitsAlone()
    {
        using TestDevice cpu = TestDevice.Open("cpu-2");
        foreach (int changed in (int[])[1, 7, 15, 16, 40, 63, 64, 65, 100, 129])
        {
            var problem = new AttentionCase(2, 130, 2, 24);
            (float[] output, float[] logSumExp) = problem.Forward(cpu);
            float[] noise = TestDevice.Normal(99, problem.Qkv.Length, 50);
            for (int b = 0; b < 2; b++)
                noise.AsSpan(0, problem.IndexOf(0, 130 - changed, 0, 0)).CopyTo(problem.Qkv.AsSpan(problem.IndexOf(b, changed, 0, 0)));
            (float[] output2, float[] logSumExp2) = problem.Forward(cpu);
            for (int b = 0; b < 2; b++)
            {
                int first = problem.OutputIndexOf(b, 0, 0), end = problem.OutputIndexOf(b, changed, 0);
                Bits.AssertEqual($"output before {changed}", output[first..end], output2[first..end]);
                Assert.NotEqual(output[end], output2[end]);
                for (int h = 0; h < 2; h++)
                {
                    int row = (b * 2 + h) * 130;
                    Bits.AssertEqual($"logSumExp before {changed}", logSumExp[row..(row + changed)], logSumExp2[row..(row + changed)]);
                }
            }
        }
    }

    /// <summary>A token's result does not even depend on how many tokens follow it.</summary>
    [Fact]
    public void AttentionForward_SequenceCutShort_LeavesItsBitsAlone()
    {
        using TestDevice cpu = TestDevice.Open("cpu-2");
        var whole = new AttentionCase(1, 140, 2, 32);
        (float[] output, _) = whole.Forward(cpu);
        foreach (int tokens in (int[])[1, 5, 16, 30, 64, 65, 80, 129])
        {
            var part = new AttentionCase(1, tokens, 2, 32);
            whole.Qkv.AsSpan(0, part.Qkv.Length).CopyTo(part.Qkv);
            Bits.AssertEqual($"the first {tokens} outputs", output[..part.OutputLength], part.Forward(cpu).Output);
        }
    }
}
