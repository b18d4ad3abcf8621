using Andrea.Tests.Support;

namespace Andrea.Tests.Cpu;

/// <summary>NaN and infinities go exactly where the formula takes them: to the rows that see them, and to no other.</summary>
public class AttentionNonFiniteTests
{
    private const int Tokens = 70, Heads = 2, HeadSize = 20;

    // The first and last token, and both sides of a block of 4 and 8 rows, of a vector and of a tile.
    public static TheoryData<int> Places => [0, 3, 4, 7, 8, 15, 16, 21, 63, 64, 69];

    [Theory, MemberData(nameof(Places))]
    public void AttentionForward_NaNInAQuery_SpoilsThatRowOnly(int place)
    {
        AttentionCase problem = With(float.NaN, place, part: 0);
        (float[] output, float[] logSumExp) = Forward(problem, "cpu-1");
        for (int t = 0; t < Tokens; t++)
            AssertSpoilt(problem, output, t, head: 1, t == place);
        for (int t = 0; t < Tokens; t++)
            Assert.Equal(t == place, float.IsNaN(logSumExp[Tokens + t]));
    }

    [Theory, MemberData(nameof(Places))]
    public void AttentionForward_NaNInAKey_SpoilsTheRowsThatSeeIt(int place)
    {
        AttentionCase problem = With(float.NaN, place, part: 1);
        (float[] output, float[] logSumExp) = Forward(problem, "cpu-1");
        for (int t = 0; t < Tokens; t++)
            AssertSpoilt(problem, output, t, head: 1, t >= place);
        for (int t = 0; t < Tokens; t++)
            Assert.Equal(t >= place, float.IsNaN(logSumExp[Tokens + t]));
    }

    /// <summary>The value's own element only: a sum of values has no other.</summary>
    [Theory, MemberData(nameof(Places))]
    public void AttentionForward_NaNInAValue_SpoilsItsColumnOfTheRowsThatSeeIt(int place)
    {
        AttentionCase problem = With(float.NaN, place, part: 2);
        (float[] output, float[] logSumExp) = Forward(problem, "cpu-1");
        for (int t = 0; t < Tokens; t++)
            for (int d = 0; d < HeadSize; d++)
                Assert.Equal(t >= place && d == HeadSize - 1, float.IsNaN(output[problem.OutputIndexOf(0, t, 1) + d]));
        Assert.DoesNotContain(logSumExp, float.IsNaN);
    }

    /// <summary>Rows that do not see the bad token keep their bits, although sums then take another way.</summary>
    [Theory, MemberData(nameof(Places))]
    public void AttentionForward_NonFiniteToken_LeavesEarlierBitsAlone(int place)
    {
        var clean = new AttentionCase(1, Tokens, Heads, HeadSize);
        (float[] expected, _) = Forward(clean, "cpu-1");
        AttentionCase problem = With(float.PositiveInfinity, place, part: 2);
        (float[] actual, _) = Forward(problem, "cpu-1");
        int end = problem.OutputIndexOf(0, place, 0);
        Bits.AssertEqual("output", expected[..end], actual[..end]);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void Attention_NonFiniteAnywhere_MatchesReference(float bad)
    {
        foreach (int place in (int[])[0, 5, 16, 30, 63, 64, 69])
            for (int part = 0; part < 3; part++)
                AssertSameClasses(With(bad, place, part), $"{bad} at token {place}, part {part}");
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void AttentionBackward_NonFiniteOutputGradient_MatchesReference(float bad)
    {
        foreach (int place in (int[])[0, 5, 16, 30, 63, 64, 69])
        {
            var problem = new AttentionCase(1, Tokens, Heads, HeadSize);
            problem.DOutput[problem.OutputIndexOf(0, place, 1) + 3] = bad;
            AssertSameClasses(problem, $"{bad} in the gradient of output {place}");
        }
    }

    /// <summary>One thread goes pair by pair, two cut one pair into tiles.</summary>
    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void AttentionBackward_NonFiniteByTiles_SameBitsAsByPairs(float bad)
    {
        using TestDevice one = TestDevice.Open("cpu-1"), two = TestDevice.Open("cpu-2");
        foreach (int place in (int[])[0, 63, 64, 130, 199])
        {
            for (int part = 0; part < 3; part++)
            {
                var problem = new AttentionCase(1, 200, 1, HeadSize);
                problem.Row(0, place, part, 0)[HeadSize - 1] = bad;
                (float[] output, float[] logSumExp) = problem.Forward(one);
                float[] expected = problem.Backward(one, output, logSumExp);
                Assert.Contains(expected, value => !float.IsFinite(value));
                Bits.AssertEqual($"{bad} at token {place}, part {part}", expected, problem.Backward(two, output, logSumExp));
            }
        }
    }

    /// <summary>Scores of -Inf weigh nothing, be they the first that a query sees or all that it has seen so far.</summary>
    [Fact]
    public void AttentionForward_FirstKeysMinusInfinity_MatchesReference()
    {
        var problem = new AttentionCase(1, 140, 1, 4);
        for (int t = 0; t < 140; t++)
        {
            problem.Row(0, t, 0, 0)[0] = 1;
            problem.Row(0, t, 1, 0)[0] = t < 100 ? float.NegativeInfinity : 1;
        }
        AssertSameClasses(problem, "-Inf up to token 99");
    }

    private static AttentionCase With(float bad, int token, int part)
    {
        var problem = new AttentionCase(1, Tokens, Heads, HeadSize);
        problem.Row(0, token, part, 1)[HeadSize - 1] = bad;
        return problem;
    }

    private static (float[] Output, float[] LogSumExp) Forward(AttentionCase problem, string device)
    {
        using TestDevice opened = TestDevice.Open(device);
        return problem.Forward(opened);
    }

    private static void AssertSpoilt(AttentionCase problem, float[] output, int token, int head, bool spoilt)
    {
        for (int h = 0; h < Heads; h++)
            for (int d = 0; d < HeadSize; d++)
                Assert.Equal(spoilt && h == head, float.IsNaN(output[problem.OutputIndexOf(0, token, h) + d]));
    }

    /// <summary>NaN where the reference has NaN, the same infinities, and finite values close to it.</summary>
    private static void AssertSameClasses(AttentionCase problem, string name)
    {
        using TestDevice reference = TestDevice.Open("reference"), cpu = TestDevice.Open("cpu-1");
        (float[] expected, float[] expectedLogSumExp) = problem.Forward(reference);
        (float[] actual, float[] actualLogSumExp) = problem.Forward(cpu);
        AssertSameClasses($"{name}, output", expected, actual);
        AssertSameClasses($"{name}, logSumExp", expectedLogSumExp, actualLogSumExp);
        AssertSameClasses(
            $"{name}, dQkv", problem.Backward(reference, expected, expectedLogSumExp), problem.Backward(cpu, actual, actualLogSumExp));
    }

    private static void AssertSameClasses(string name, float[] expected, float[] actual)
    {
        (expected, actual) = ([.. expected], [.. actual]);
        for (int i = 0; i < expected.Length; i++)
        {
            if (float.IsFinite(expected[i]))
                continue;
            Assert.True(expected[i].Equals(actual[i]), $"{name}[{i}]: expected {expected[i]}, got {actual[i]}");
            expected[i] = actual[i] = 0;
        }
        Tolerance.Accumulated.AssertClose(name, expected, actual);
    }
}
