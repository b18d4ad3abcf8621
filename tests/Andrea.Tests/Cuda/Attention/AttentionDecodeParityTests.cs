using Andrea.Tensors;
using Andrea.Tests.Cpu;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda.Attention;

/// <summary>Token by token over a cache gives what the forward pass gives for the whole sequence.</summary>
public class AttentionDecodeParityTests
{
    public static TheoryData<string> Devices => AttentionParityTests.Devices;

    public static TheoryData<string, int> HeadSizes => new MatrixTheoryData<string, int>(
        [TestDevice.Emulator, TestDevice.Gpu], [1, 3, 8, 17, 31, 32, 33, 64, 80, 128, 300]);

    [Theory, MemberData(nameof(HeadSizes))]
    public void AttentionDecode_EveryPosition_MatchesForward(string name, int headSize)
    {
        // Beyond two pieces of 128 keys.
        int tokens = headSize is 17 or 32 ? 270 : 40;
        var problem = new AttentionCase(1, tokens, 2, headSize);
        using TestDevice reference = TestDevice.Open("reference"), device = TestDevice.Open(name);
        (float[] expected, _) = problem.Forward(reference);
        Tolerance.Accumulated.AssertClose("output", expected, Decode(problem, device, tokens + 3));
    }

    [Theory, MemberData(nameof(Devices))]
    public void AttentionDecode_StoresKeyAndValue_AtThePositionOnly(string name)
    {
        var problem = new AttentionCase(1, 1, 3, 5);
        using TestDevice device = TestDevice.Open(name);
        foreach (int position in (int[])[0, 127, 128, 255, 256])
        {
            Tensor keys = device.Zeros(3, 260, 5), values = device.Zeros(3, 260, 5);
            device.Backend.AttentionDecode(device.Tensor(problem.Qkv), position, 3, 5, keys, values, device.Poisoned(3, 5));
            for (int h = 0; h < 3; h++)
            {
                Assert.Equal(problem.Row(0, 0, 1, h), keys.ToArray().AsSpan((h * 260 + position) * 5, 5));
                Assert.Equal(problem.Row(0, 0, 2, h), values.ToArray().AsSpan((h * 260 + position) * 5, 5));
            }
            Assert.Equal(259 * 15, keys.ToArray().Count(value => value == 0));
            Assert.Equal(259 * 15, values.ToArray().Count(value => value == 0));
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void AttentionDecode_NonFiniteAnywhere_MatchesReference(string name)
    {
        using TestDevice reference = TestDevice.Open("reference"), device = TestDevice.Open(name);
        foreach (float bad in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity])
        {
            for (int part = 0; part < 3; part++)
            {
                var problem = new AttentionCase(1, 140, 2, 20);
                problem.Row(0, 9, part, 1)[3] = bad;
                AttentionNonFiniteParityTests.AssertSameClasses(
                    $"{bad} in part {part}", Decode(problem, reference, 140), Decode(problem, device, 140));
            }
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void AttentionDecode_FirstKeysMinusInfinity_MatchesReference(string name)
    {
        using TestDevice reference = TestDevice.Open("reference"), device = TestDevice.Open(name);
        var problem = new AttentionCase(1, 140, 1, 4);
        for (int t = 0; t < 140; t++)
        {
            problem.Row(0, t, 0, 0)[0] = 1;
            problem.Row(0, t, 1, 0)[0] = t < 131 ? float.NegativeInfinity : 1;
        }
        AttentionNonFiniteParityTests.AssertSameClasses("output", Decode(problem, reference, 140), Decode(problem, device, 140));
    }

    [Theory, MemberData(nameof(Devices))]
    public void AttentionDecode_HugeScores_TakesTheBestKey(string name)
    {
        var problem = new AttentionCase(1, 200, 1, 8, seed: 6);
        for (int i = 0; i < problem.Qkv.Length; i++)
            if (i / 8 % 3 < 2)
                problem.Qkv[i] *= 1e15f;
        using TestDevice reference = TestDevice.Open("reference"), device = TestDevice.Open(name);
        Bits.AssertEqual("output", Decode(problem, reference, 200), Decode(problem, device, 200));
    }

    /// <summary>Feeds the tokens one by one; returns all outputs, (T, H, D). The cache is NaN where nothing has been stored yet.</summary>
    internal static float[] Decode(AttentionCase problem, TestDevice device, int maximumTokens)
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
