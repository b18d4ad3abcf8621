using Andrea.PtxEmulator.Execution;
using Andrea.PtxEmulator.Memory;

namespace Andrea.Tests.PtxEmulator;

/// <summary>Unordered accesses to shared memory are found if one asks for it, and only they.</summary>
public class RaceTests
{
    private const string StoreThenLoadOfNeighbour = """
        mov.u32 %r2, tile; mad.lo.u32 %r3, %tid, 4, %r2; st.shared.u32 [%r3], %tid;
        {0}
        xor.b32 %r4, %tid, {1}; mad.lo.u32 %r3, %r4, 4, %r2; ld.shared.u32 %r5, [%r3];
        """;

    [Theory]
    [InlineData("", "64", 0UL)]
    [InlineData("", "1", 0UL)]
    [InlineData("", "64", 9UL)]
    [InlineData("bar.warp.sync -1;", "64", 3UL)]
    [InlineData("shfl.sync.idx.b32 %r6, %r2, 0, 31, -1;", "1", 4UL)]
    [InlineData("vote.sync.ballot.b32 %r6, %p1, -1;", "1", 4UL)]
    [InlineData("activemask.b32 %r6;", "1", 4UL)]
    [InlineData("match.any.sync.b32 %r6, %r2, -1;", "1", 4UL)]
    [InlineData("redux.sync.add.u32 %r6, %r2, -1;", "1", 4UL)]
    [InlineData("and.b32 %r6, %tid, 1; shl.b32 %r6, 0x55555555, %r6; bar.warp.sync %r6;", "1", 4UL)]
    public void MissingBarrier_IsFound(string between, string distance, ulong seed)
    {
        // Something that was never written would be found in any case, so the tile is written first.
        string body = "mov.u32 %r2, tile; mad.lo.u32 %r3, %tid, 4, %r2; st.shared.u32 [%r3], %tid; bar.sync 0;" + Body(between, distance);
        DeviceFaultException fault = Assert.Throws<DeviceFaultException>(() => Run(body, seed, detect: true));
        Assert.Equal(FaultKind.Race, fault.Kind);
        Assert.Contains("with no barrier in between", fault.Message, StringComparison.Ordinal);
        Assert.Contains("PTX line", fault.Message, StringComparison.Ordinal);
        Run(body, seed, detect: false);
    }

    [Theory]
    [InlineData("bar.sync 0;", "64")]
    [InlineData("bar.sync 0;", "1")]
    [InlineData("bar.warp.sync -1;", "1")]
    [InlineData("and.b32 %r6, %tid, 30; shl.b32 %r6, 3, %r6; bar.warp.sync %r6;", "1")]
    [InlineData("", "0")]
    public void OrderedAccesses_AreNoRace(string between, string distance) => Run(Body(between, distance), 4, detect: true);

    [Fact]
    public void WriteAfterRead_WithoutBarrier_IsFound()
    {
        string body = Body("bar.sync 0;", "64") + "st.shared.u32 [%r2], 5;";
        Assert.Equal(FaultKind.Race, Assert.Throws<DeviceFaultException>(() => Run(body, 0, detect: true)).Kind);
    }

    /// <summary>An early read of another lane, ordered by a barrier, must not hide one that is not ordered.</summary>
    [Fact]
    public void WriteAfterReads_SomeOfThemOrdered_IsFoundInAnyOrder()
    {
        const string Reads = """
            mov.u32 %r2, tile; mad.lo.u32 %r3, %tid, 4, %r2; st.shared.u32 [%r3], %tid; bar.sync 0;
            setp.eq.u32 %p1, %tid, 0; @%p1 ld.shared.u32 %r4, [tile]; bar.warp.sync -1;
            setp.eq.u32 %p1, %tid, {0}; @%p1 ld.shared.u32 %r4, [tile];
            setp.eq.u32 %p1, %tid, 2; @%p1 ld.shared.u32 %r5, [tile];
            {1}
            @%p1 st.shared.u32 [tile], %r5;
            """;
        string Text(string reader, string between) =>
            Reads.Replace("{0}", reader, StringComparison.Ordinal).Replace("{1}", between, StringComparison.Ordinal);
        for (ulong seed = 0; seed < 20; seed++)
        {
            foreach (string reader in (string[])["1", "33"])
                Assert.Equal(FaultKind.Race, Assert.Throws<DeviceFaultException>(() => Run(Text(reader, ""), seed, detect: true)).Kind);
            Run(Text("1", "bar.warp.sync -1;"), seed, detect: true);
        }
    }

    [Fact]
    public void Atomics_AmongThemselves_AreNoRace()
    {
        const string Body = "setp.eq.u32 %p1, %tid, 0; @%p1 st.shared.u32 [tile], 0; bar.sync 0; red.shared.add.u32 [tile], 1;";
        Run(Body + "bar.sync 0; ld.shared.u32 %r5, [tile];", 6, detect: true);
        Assert.Equal(FaultKind.Race, Assert.Throws<DeviceFaultException>(() => Run(Body + "ld.shared.u32 %r5, [tile];", 6, detect: true)).Kind);
    }

    private static string Body(string between, string distance) =>
        StoreThenLoadOfNeighbour.Replace("{0}", between, StringComparison.Ordinal).Replace("{1}", distance, StringComparison.Ordinal);

    private static void Run(string body, ulong seed, bool detect) => new PtxTestKernel(body, new(1), new(128))
    {
        Declarations = ".shared .align 4 .b8 tile[512];",
        Options = new LaunchOptions { DetectRaces = detect, Seed = seed, Workers = 1 },
    }.Run([], 1);
}
