using Andrea.PtxEmulator.Execution;

namespace Andrea.Tests.PtxEmulator;

/// <summary>One block of a grid may run alone, at its own index.</summary>
public class OnlyBlockTests
{
    [Theory]
    [InlineData(0, 0UL)]
    [InlineData(2, 0UL)]
    [InlineData(3, 5UL)]
    public void Run_OnlyOneBlock_LeavesOutTheOthers(int only, ulong seed)
    {
        ulong[] written = Kernel((uint)only, seed).Run([], 8);
        Assert.Equal(Enumerable.Range(0, 8).Select(i => i / 2 == only ? 7UL : 0), written);
    }

    [Fact]
    public void Run_OnlyABlockBeyondTheGrid_IsRefused() => Assert.Throws<ArgumentOutOfRangeException>(() => Kernel(4, 0).Run([], 8));

    private static PtxTestKernel Kernel(uint only, ulong seed) =>
        new("mov.u64 %rd1, 7; st.global.u64 [%mine], %rd1;", new(4), new(2)) { Options = new LaunchOptions { OnlyBlock = only, Seed = seed } };
}
