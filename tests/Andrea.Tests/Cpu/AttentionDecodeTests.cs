using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cpu;

/// <summary>Token by token over a cache gives what the forward pass gives for the whole sequence.</summary>
public class AttentionDecodeTests
{
    public static TheoryData<string, int> DevicesAndHeadSizes => new MatrixTheoryData<string, int>(
        ["reference", "cpu-1", "cpu-3"], [1, 3, 8, 17, 31, 32, 64, 80, 128]);

    [Theory, MemberData(nameof(DevicesAndHeadSizes))]
    public void AttentionDecode_EveryPosition_MatchesForward(string name, int headSize)
    {
        // Beyond two blocks of 128 keys.
        int tokens = headSize is 17 or 32 ? 270 : 40;
        var problem = new AttentionCase(1, tokens, 2, headSize);
        using TestDevice reference = TestDevice.Open("reference"), device = TestDevice.Open(name);
        (float[] expected, _) = problem.Forward(reference);
        Tolerance.Accumulated.AssertClose("output", expected, Decode(problem, device, tokens + 3));
    }

    [Fact]
    public void AttentionDecode_StoresKeyAndValue_AtThePositionOnly()
    {
        var problem = new AttentionCase(1, 1, 3, 5);
        foreach (string name in (string[])["reference", "cpu-2"])
        {
            using TestDevice device = TestDevice.Open(name);
            Tensor keys = device.Zeros(3, 7, 5), values = device.Zeros(3, 7, 5);
            device.Backend.AttentionDecode(device.Tensor(problem.Qkv), 4, 3, 5, keys, values, device.Poisoned(3, 5));
            for (int h = 0; h < 3; h++)
            {
                Assert.Equal(problem.Row(0, 0, 1, h), keys.ToArray().AsSpan((h * 7 + 4) * 5, 5));
                Assert.Equal(problem.Row(0, 0, 2, h), values.ToArray().AsSpan((h * 7 + 4) * 5, 5));
            }
            Assert.Equal(6 * 15, keys.ToArray().Count(value => value == 0));
            Assert.Equal(6 * 15, values.ToArray().Count(value => value == 0));
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void AttentionDecode_NonFiniteAnywhere_MatchesReference(float bad)
    {
        for (int part = 0; part < 3; part++)
        {
            var problem = new AttentionCase(1, 20, 2, 20);
            problem.Row(0, 9, part, 1)[3] = bad;
            using TestDevice reference = TestDevice.Open("reference"), cpu = TestDevice.Open("cpu-1");
            float[] expected = Decode(problem, reference, 20), actual = Decode(problem, cpu, 20);
            for (int i = 0; i < expected.Length; i++)
                Assert.True(
                    float.IsFinite(expected[i]) ? Math.Abs(expected[i] - actual[i]) < 1e-5 : expected[i].Equals(actual[i]),
                    $"part {part}, output[{i}]: expected {expected[i]}, got {actual[i]}");
        }
    }

    [Fact]
    public void AttentionDecode_HugeScores_TakesTheBestKey()
    {
        var problem = new AttentionCase(1, 200, 1, 8, seed: 6);
        for (int i = 0; i < problem.Qkv.Length; i++)
            if (i / 8 % 3 < 2)
                problem.Qkv[i] *= 1e15f;
        using TestDevice reference = TestDevice.Open("reference"), cpu = TestDevice.Open("cpu-1");
        Bits.AssertEqual("output", Decode(problem, reference, 200), Decode(problem, cpu, 200));
    }

    internal static string Digest(int threads)
    {
        using TestDevice device = TestDevice.Open($"cpu-{threads}");
        IEnumerable<AttentionCase> problems = ((int[])[1, 8, 20, 40]).Select(headSize => new AttentionCase(1, 135, 1 + headSize % 3, headSize));
        return string.Join(' ', problems.Select(problem => BitDigest.Of<float>(Decode(problem, device, 135))));
    }

    /// <summary>Feeds the tokens one by one; returns all outputs, (T, H, D). The cache is NaN where nothing has been stored yet.</summary>
    private static float[] Decode(AttentionCase problem, TestDevice device, int maximumTokens)
    {
        int row = problem.Heads * problem.HeadSize;
        Tensor keys = device.Poisoned(problem.Heads, maximumTokens, problem.HeadSize);
        Tensor values = device.Poisoned(problem.Heads, maximumTokens, problem.HeadSize);
        Tensor token = device.Zeros(3 * row), output = device.Poisoned(row);
        var outputs = new float[problem.OutputLength];
        for (int position = 0; position < problem.Tokens; position++)
        {
            token.CopyFrom(problem.Qkv.AsSpan(position * 3 * row, 3 * row));
            device.Backend.AttentionDecode(token, position, problem.Heads, problem.HeadSize, keys, values, output);
            output.CopyTo(outputs.AsSpan(position * row, row));
        }
        return outputs;
    }
}
