using Andrea.Cuda.CrossEntropy;
using Andrea.Tests.Cpu;

namespace Andrea.Tests.Cuda.CrossEntropy;

/// <summary><see cref="LogitKernels"/>, and the cross-entropy kernel's zero-sum gradient.</summary>
public class LogitKernelTests
{
    public static TheoryData<string> Devices => KernelRuns.Devices;

    [Theory, MemberData(nameof(Devices))]
    public void MarginsSumsAndZeroSums_HaveTheReferencesBits(string name) => LogitChecks.All(name);
}
