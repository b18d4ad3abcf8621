using Andrea.Cuda;
using Andrea.Cuda.Compilation;

namespace Andrea.Tests.Cuda.Compilation;

public class KernelTargetTests
{
    private static readonly int[] Cuda12 = [50, 70, 75, 80, 86, 89, 90];

    [Theory]
    [InlineData(80, 80, true)]
    [InlineData(86, 86, true)]
    [InlineData(87, 86, true)]
    [InlineData(72, 70, true)]
    [InlineData(60, 50, false)]
    [InlineData(100, 90, false)]
    [InlineData(120, 90, false)]
    public void For_ADevice_IsMachineCodeWithinAMajorVersionAndPtxBeyond(int device, int architecture, bool cubin) =>
        Assert.Equal(new KernelTarget(architecture, cubin), KernelTarget.For(device, Cuda12, new Version(12, 4)));

    [Fact]
    public void For_ADeviceTooOld_NamesBoth()
    {
        var error = Assert.Throws<CudaUnavailableException>(() => KernelTarget.For(61, [75, 80], new Version(13, 0)));
        Assert.Contains("compute capability 6.1, and NVRTC 13.0 compiles for 7.5, 8.0", error.Message, StringComparison.Ordinal);
    }
}
