using Andrea.Tests.Cpu;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda.Attention;

/// <summary>NaN and infinities go exactly where the formula takes them: to the rows that see them, and to no other.</summary>
public class AttentionNonFiniteParityTests
{
    private const int Tokens = 70, Heads = 2, HeadSize = 20;

    // The first and last token, and both sides of a group of rows and of a tile.
    private static readonly int[] Places = [0, 5, 8, 31, 32, 63, 64, 69];

    public static TheoryData<string> Devices => AttentionParityTests.Devices;

    [Theory, MemberData(nameof(Devices))]
    public void AttentionForward_NaN_SpoilsTheRowsThatSeeItOnly(string name)
    {
        using TestDevice device = TestDevice.Open(name);
        (float[] clean, _) = new AttentionCase(1, Tokens, Heads, HeadSize).Forward(device);
        foreach (int place in Places)
        {
            for (int part = 0; part < 3; part++)
            {
                AttentionCase problem = With(float.NaN, place, part, HeadSize);
                (float[] output, float[] logSumExp) = problem.Forward(device);
                for (int t = 0; t < Tokens; t++)
                {
                    bool sees = part == 0 ? t == place : t >= place;
                    Assert.Equal(sees && part < 2, float.IsNaN(logSumExp[Tokens + t]));
                    for (int d = 0; d < HeadSize; d++)
                    {
                        // A sum of values has the bad value's own column only; other rows keep their bits.
                        int index = problem.OutputIndexOf(0, t, 1) + d;
                        bool spoilt = sees && (part < 2 || d == HeadSize - 1);
                        Assert.Equal(spoilt ? float.NaN : clean[index], output[index]);
                        Assert.False(float.IsNaN(output[problem.OutputIndexOf(0, t, 0) + d]));
                    }
                }
            }
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void Attention_NonFiniteAnywhere_MatchesReference(string name)
    {
        using TestDevice reference = TestDevice.Open("reference"), device = TestDevice.Open(name);
        foreach (float bad in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity])
            foreach (int place in Places)
                for (int part = 0; part < 3; part++)
                    AssertSameClasses(With(bad, place, part, HeadSize), $"{bad} at token {place}, part {part}", reference, device);
        // Other tiles, and chunks of a head.
        foreach (int headSize in (int[])[64, 90, 128, 130])
            for (int part = 0; part < 3; part++)
                AssertSameClasses(With(float.NaN, 20, part, headSize, 40), $"NaN at token 20, part {part}, D {headSize}", reference, device);
    }

    [Theory, MemberData(nameof(Devices))]
    public void AttentionBackward_NonFiniteOutputGradient_MatchesReference(string name)
    {
        using TestDevice reference = TestDevice.Open("reference"), device = TestDevice.Open(name);
        foreach (float bad in (float[])[float.NaN, float.PositiveInfinity])
        {
            foreach (int place in Places)
            {
                var problem = new AttentionCase(1, Tokens, Heads, HeadSize);
                problem.DOutput[problem.OutputIndexOf(0, place, 1) + 3] = bad;
                AssertSameClasses(problem, $"{bad} in the gradient of output {place}", reference, device);
            }
        }
    }

    /// <summary>Scores of -Inf weigh nothing, be they the first that a query sees or all that it has seen so far.</summary>
    [Theory, MemberData(nameof(Devices))]
    public void AttentionForward_FirstKeysMinusInfinity_MatchesReference(string name)
    {
        using TestDevice reference = TestDevice.Open("reference"), device = TestDevice.Open(name);
        var problem = new AttentionCase(1, 140, 1, 4);
        for (int t = 0; t < 140; t++)
        {
            problem.Row(0, t, 0, 0)[0] = 1;
            problem.Row(0, t, 1, 0)[0] = t < 100 ? float.NegativeInfinity : 1;
        }
        AssertSameClasses(problem, "-Inf up to token 99", reference, device);
    }

    [Fact]
    public void Comparison_NaNInsteadOfANumber_Fails()
    {
        // Negative control.
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => AssertSameClasses("a", [1, 2], [1, float.NaN]));
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => AssertSameClasses("a", [1, float.NaN], [1, 2]));
    }

    /// <summary>NaN where it is expected, the same infinities, and finite values that are close.</summary>
    internal static void AssertSameClasses(string name, float[] expected, float[] actual)
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

    private static void AssertSameClasses(AttentionCase problem, string name, TestDevice reference, TestDevice device)
    {
        (float[] expected, float[] expectedLogSumExp) = problem.Forward(reference);
        (float[] actual, float[] actualLogSumExp) = problem.Forward(device);
        AssertSameClasses($"{name}, output", expected, actual);
        AssertSameClasses($"{name}, logSumExp", expectedLogSumExp, actualLogSumExp);
        AssertSameClasses(
            $"{name}, dQkv", problem.Backward(reference, expected, expectedLogSumExp), problem.Backward(device, actual, actualLogSumExp));
    }

    private static AttentionCase With(float bad, int token, int part, int headSize, int tokens = Tokens)
    {
        var problem = new AttentionCase(1, tokens, Heads, headSize);
        problem.Row(0, token, part, 1)[headSize - 1] = bad;
        return problem;
    }
}
