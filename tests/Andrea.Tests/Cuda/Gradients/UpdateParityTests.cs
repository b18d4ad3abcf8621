using Andrea.Clipping;
using Andrea.PtxEmulator.Execution;
using Andrea.Tests.Optim;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda.Gradients;

/// <summary>S3 and stabilized AdamW have the reference's bits on the CPU and in CUDA, and leave everything alone in a skipped step.</summary>
public class UpdateParityTests
{
    private static readonly GradClipperOptions Clip = new() { MaxNorm = 500 };

    public static TheoryData<string, string> Everywhere
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (string device in (string[])["cpu-1", "cpu-3", TestDevice.Emulator, TestDevice.Gpu])
                foreach (string name in UpdateCase.All.Keys)
                    data.Add(device, name);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Everywhere))]
    public void Steps_OfAnyLength_HaveTheReferenceBits(string device, string name)
    {
        foreach (int length in (int[])[0, 1, 15, 16, 17, 129, 1023, 8193])
            AssertSame(device, name, length, Clip, Enumerable.Range(1, length > 2000 ? 3 : 7).Select(step => UpdateCase.Gradients(step, length)));
    }

    [Theory]
    [MemberData(nameof(Everywhere))]
    public void Steps_OverSeveralChunks_HaveTheReferenceBits(string device, string name) =>
        AssertSame(device, name, 70_001, Clip, [UpdateCase.Gradients(3, 70_001), UpdateCase.Gradients(4, 70_001)]);

    [Theory]
    [MemberData(nameof(Everywhere))]
    public void Steps_WithNonFiniteGradients_HaveTheReferenceBits(string device, string name)
    {
        foreach (NonFinitePolicy policy in (NonFinitePolicy[])[NonFinitePolicy.SkipStep, NonFinitePolicy.Propagate])
            foreach (float bad in (float[])[float.NaN, float.NegativeInfinity])
                AssertSame(device, name, 100, Clip with { NonFinite = policy, MaxNorm = double.PositiveInfinity }, Steps(bad));
    }

    [Theory]
    [MemberData(nameof(Everywhere))]
    public void Steps_SkippedInBetween_LeaveAllMemoryAsItWas(string device, string name)
    {
        float[][] bad = UpdateCase.Gradients(2, 50);
        bad[0][3] = float.NaN;
        float[][][] good = [.. Enumerable.Range(1, 6).Select(step => UpdateCase.Gradients(step, 50))];
        using TestDevice test = TestDevice.Open(device);
        // The rate of a step follows its number, so it is the same for both.
        string[] straight = UpdateCase.Run(test, name, 50, Clip, [good[0], good[1], good[1], good[2]], measured: false);
        string[] skipped = UpdateCase.Run(test, name, 50, Clip, [good[0], good[1], bad, good[2]], measured: false);
        Assert.NotEqual(straight, skipped);
        string[] before = UpdateCase.Run(test, name, 50, Clip, [good[0], good[1]], measured: false);
        string[] after = UpdateCase.Run(test, name, 50, Clip, [good[0], good[1], bad, bad], measured: false);
        Assert.Equal(before, after);
    }

    [Theory]
    [MemberData(nameof(UpdateCase.Names), MemberType = typeof(UpdateCase))]
    public void Steps_InAnyOrderOfBlocksAndWarps_HaveTheReferenceBits(string name)
    {
        using TestDevice shuffled = TestDevice.OpenEmulator(new LaunchOptions { Seed = 20_240_607, DetectRaces = true });
        using TestDevice reference = TestDevice.Open("reference");
        float[][][] steps = [.. Enumerable.Range(1, 4).Select(step => UpdateCase.Gradients(step, 9001))];
        Assert.Equal(UpdateCase.Run(reference, name, 9001, Clip, steps), UpdateCase.Run(shuffled, name, 9001, Clip, steps));
    }

    [Theory]
    [InlineData("avx2")]
    [InlineData("scalar")]
    public void Steps_NarrowerRegisters_HaveTheSameBits(string instructionSet) =>
        Assert.Equal(Digest.Fingerprint(), InstructionSetRunner.Fingerprint<Digest>(instructionSet));

    [Fact]
    public void Steps_MeasuredOrNot_AreTheSame()
    {
        using TestDevice test = TestDevice.Open("cpu-2");
        foreach (string name in UpdateCase.All.Keys)
        {
            string[] measured = UpdateCase.Run(test, name, 333, Clip, Enumerable.Range(1, 5).Select(step => UpdateCase.Gradients(step, 333)));
            string[] plain = UpdateCase.Run(test, name, 333, Clip, Enumerable.Range(1, 5).Select(step => UpdateCase.Gradients(step, 333)), measured: false);
            Assert.Equal(plain, measured[..plain.Length]);
            Assert.True(measured.Length > plain.Length);
        }
    }

    private static IEnumerable<float[][]> Steps(float bad)
    {
        for (int step = 1; step <= 4; step++)
        {
            float[][] gradients = UpdateCase.Gradients(step, 100);
            if (step == 2)
                gradients[0][50] = bad;
            yield return gradients;
        }
    }

    private static void AssertSame(string device, string name, int length, GradClipperOptions clip, IEnumerable<float[][]> steps)
    {
        float[][][] all = [.. steps];
        using TestDevice reference = TestDevice.Open("reference"), test = TestDevice.Open(device);
        Assert.Equal(UpdateCase.Run(reference, name, length, clip, all), UpdateCase.Run(test, name, length, clip, all));
    }

    private sealed class Digest : IFingerprint
    {
        public static string Fingerprint()
        {
            using TestDevice test = TestDevice.Open("cpu-2");
            return string.Join(
                ' ', UpdateCase.All.Keys.SelectMany(name =>
                    UpdateCase.Run(test, name, 777, Clip, Enumerable.Range(1, 5).Select(step => UpdateCase.Gradients(step, 777)))));
        }
    }
}
