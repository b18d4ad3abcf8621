using System.Runtime.InteropServices;
using static Andrea.Tests.Support.InstructionSetRunner;

namespace Andrea.Tests.Support;

public class InstructionSetRunnerTests
{
    [Fact]
    public void Fingerprint_NothingSwitchedOff_IsThisProcess() =>
        Assert.Equal(VectorSupport.Fingerprint(), Fingerprint<VectorSupport>("all"));

    [Theory]
    [InlineData("avx2", "512 True")]
    [InlineData("sse", "256 True")]
    [InlineData("scalar", "128 True")]
    public void Fingerprint_NarrowerSet_HasNoWiderVectors(string instructionSet, string absent)
    {
        Assert.SkipUnless(RuntimeInformation.ProcessArchitecture == Architecture.X64, "The switches are those of x64.");
        Assert.DoesNotContain(absent, Fingerprint<VectorSupport>(instructionSet), StringComparison.Ordinal);
    }

    [Fact]
    public void Fingerprint_ChildFails_FailsWithItsError()
    {
        Exception failure = Assert.ThrowsAny<Exception>(() => Fingerprint<Failing>("all"));
        Assert.Contains("no fingerprint today", failure.Message, StringComparison.Ordinal);
    }

    private sealed class Failing : IFingerprint
    {
        public static string Fingerprint() => throw new InvalidOperationException("no fingerprint today");
    }
}
