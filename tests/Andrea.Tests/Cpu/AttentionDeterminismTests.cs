using Andrea.Cpu.Attention;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cpu;

/// <summary>The same bits for any number of threads, on every run and on every instruction set.</summary>
public class AttentionDeterminismTests : IFingerprint
{
    // Small, since a child without hardware intrinsics calls a function for each fused multiply-add. The last goes by tiles on two threads.
    private static readonly AttentionCase[] Problems =
        [new(1, 1, 1, 1), new(2, 19, 2, 8), new(1, 70, 1, 20), new(1, 33, 1, 40), new(1, 20, 2, 64), new(1, 9, 1, 80), new(1, 200, 1, 8)];

    static string IFingerprint.Fingerprint() => Digests(threads: 2);

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    public void Attention_SeveralThreads_SameBitsAsOne(int threads) => Assert.Equal(Digests(1), Digests(threads));

    /// <summary>One pair and few pairs, so that threads share a pair's tiles; then many.</summary>
    [Theory]
    [InlineData(1, 300, 1)]
    [InlineData(1, 300, 2)]
    [InlineData(8, 130, 8)]
    public void Attention_LargerProblem_SameBitsForAnyThreads(int batch, int tokens, int heads)
    {
        var problem = new AttentionCase(batch, tokens, heads, 32);
        string one = problem.Digest(1);
        foreach (int threads in (int[])[2, 3, 7])
            Assert.Equal(one, problem.Digest(threads));
    }

    [Theory]
    [InlineData(1, 1024, 1, 2, true)]
    [InlineData(4, 1024, 12, 2, false)]
    [InlineData(1, 1024, 12, 16, false)]
    [InlineData(1, 1024, 12, 64, true)]
    [InlineData(3, 1024, 1, 2, false)]
    [InlineData(1, 192, 1, 2, false)]
    [InlineData(1, 193, 1, 2, true)]
    [InlineData(1, 1024, 1, 1, false)]
    public void BackwardByTiles_OnlyWhereThreadsWouldIdle(int batch, int tokens, int heads, int threads, bool expected) =>
        Assert.Equal(expected, BackwardWork.IsFasterByTiles(new AttentionShape(batch, tokens, heads, headSize: 64), threads));

    [Fact]
    public void Attention_Repeated_SameBits()
    {
        var problem = new AttentionCase(2, 200, 3, 24);
        using TestDevice device = TestDevice.Open("cpu-3");
        (float[] output, float[] logSumExp) = problem.Forward(device);
        float[] dQkv = problem.Backward(device, output, logSumExp);
        for (int run = 0; run < 5; run++)
        {
            // Something else in between: nothing may remain in scratch memory from one call to the next.
            new AttentionCase(1, 100 + run, 2, 40, seed: 9).ForwardBackward(device);
            (float[] output2, float[] logSumExp2) = problem.Forward(device);
            Bits.AssertEqual("output", output, output2);
            Bits.AssertEqual("logSumExp", logSumExp, logSumExp2);
            Bits.AssertEqual("dQkv", dQkv, problem.Backward(device, output, logSumExp));
        }
    }

    /// <summary>Workers keep the keys of their last head in scratch memory, but not into the next call.</summary>
    [Fact]
    public void AttentionForward_OtherValuesOfTheSameShape_SameBitsAsOnANewDevice()
    {
        AttentionCase first = new(1, 100, 1, 24, seed: 1), second = new(1, 100, 1, 24, seed: 2);
        using TestDevice used = TestDevice.Open("cpu-1"), fresh = TestDevice.Open("cpu-1");
        first.Forward(used);
        Bits.AssertEqual("output", second.Forward(fresh).Output, second.Forward(used).Output);
    }

    [Theory, MemberData(nameof(InstructionSetRunner.Narrower), MemberType = typeof(InstructionSetRunner))]
    public void Attention_NarrowerInstructionSet_SameBits(string instructionSet) =>
        Assert.Equal(Digests(2), InstructionSetRunner.Fingerprint<AttentionDeterminismTests>(instructionSet));

    private static string Digests(int threads) =>
        string.Join('\n', Problems.Select(problem => problem.Digest(threads)).Append(AttentionDecodeTests.Digest(threads)));
}
