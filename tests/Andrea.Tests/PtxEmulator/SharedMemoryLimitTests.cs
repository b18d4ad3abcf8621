using Andrea.PtxEmulator;
using Andrea.PtxEmulator.Execution;
using Andrea.PtxEmulator.Parsing;

namespace Andrea.Tests.PtxEmulator;

/// <summary>How much shared memory a block may have: 48 KB in all, and more only where a kernel asks for it, dynamically.</summary>
public class SharedMemoryLimitTests
{
    private const int Usual = 48 * 1024, Most = 227 * 1024;

    [Theory]
    [InlineData(0, Usual, 0, true)]
    [InlineData(0, Usual + 16, 0, false)]
    [InlineData(1024, Usual - 1024, 0, true)]
    [InlineData(1024, Usual - 1008, 0, false)]
    [InlineData(1024, Usual, Usual, true)]
    [InlineData(1024, Usual + 16, Usual, false)]
    [InlineData(1024, Usual - 1024, 16, true)]
    [InlineData(1024, Most - 1024, Most - 1024, true)]
    [InlineData(1024, Most - 1008, Most, false)]
    [InlineData(0, -16, 0, false)]
    public void Prepare_StaticAndDynamic_MustFitWhatWasAskedFor(int fixedBytes, int dynamicBytes, int asked, bool fits)
    {
        using var device = new EmulatedDevice();
        using LoadedModule module = device.Load(Text(fixedBytes));
        if (asked > 0)
            module.AllowDynamicShared("k", asked);
        void Prepare() => module.Prepare("k", new(1), new(1), dynamicBytes, PtxOperation.Arguments(0, 0), new LaunchOptions());
        if (fits)
            Prepare();
        else
            Assert.Contains("shared memory", Assert.Throws<ArgumentException>(Prepare).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Translate_StaticBeyond48KB_IsRefused()
    {
        using var device = new EmulatedDevice();
        using LoadedModule fits = device.Load(Text(Usual)), exceeds = device.Load(Text(Usual + 1));
        fits.Translate("k");
        exceeds.AllowDynamicShared("k", Most);
        Assert.Contains("it must be dynamic", Assert.Throws<PtxException>(() => exceeds.Translate("k")).Message, StringComparison.Ordinal);
    }

    private static string Text(int fixedBytes) => new PtxTestKernel(fixedBytes > 0 ? "st.shared.u8 [tile], 1;" : "", new(1), new(1))
    {
        Declarations = fixedBytes > 0 ? $".shared .align 16 .b8 tile[{fixedBytes}];" : "",
    }.Text;
}
