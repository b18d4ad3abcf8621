using System.Numerics;

namespace Andrea.Tests.PtxEmulator;

/// <summary>Shuffles, votes, matches and reductions of a warp, and the block's barriers. Lane i holds the i-th input.</summary>
public class WarpInstructionTests
{
    private static readonly ulong[] Input = [.. Enumerable.Range(0, 32).Select(i => (ulong)((i * 37 + 11) % 50))];

    [Theory]
    [InlineData("bfly", 5, 31, 32)]
    [InlineData("bfly", 16, 31, 32)]
    [InlineData("bfly", 1, 0x1c1f, 4)]
    [InlineData("up", 3, 0, 32)]
    [InlineData("up", 1, 0x1800, 8)]
    [InlineData("down", 4, 31, 32)]
    [InlineData("down", 2, 0x101f, 16)]
    [InlineData("idx", 7, 31, 32)]
    [InlineData("idx", 9, 0x181f, 8)]
    public void Shuffle_EveryMode_ReadsTheRightLane(string mode, int amount, int clamp, int width)
    {
        ulong[] result = PtxTestKernel.OneWarp($$"""
            mad.wide.u32 %rd1, %tid, 8, %in; ld.global.u32 %r3, [%rd1];
            shfl.sync.{{mode}}.b32 %r4|%p1, %r3, {{amount}}, {{clamp}}, -1;
            selp.u32 %r5, 1, 0, %p1;
            st.global.v2.u32 [%mine], {%r4, %r5};
            """).Run(Input, 32);
        for (int lane = 0; lane < 32; lane++)
        {
            int start = lane / width * width;
            int source = mode switch { "bfly" => lane ^ amount, "up" => lane - amount, "down" => lane + amount, _ => start + amount % width };
            bool inside = source >= start && source < start + width;
            Assert.Equal(Input[inside ? source : lane] | (inside ? 1UL << 32 : 0), result[lane]);
        }
    }

    [Fact]
    public void Shuffle_OfFloats_ReducesAWarp()
    {
        ulong[] result = PtxTestKernel.OneWarp("""
            mad.wide.u32 %rd1, %tid, 8, %in; ld.global.u32 %r3, [%rd1]; cvt.rn.f32.u32 %f1, %r3;
            mov.u32 %r9, 16;
            loop:
            mov.b32 %r4, %f1; shfl.sync.bfly.b32 %r5, %r4, %r9, 31, -1; mov.b32 %f2, %r5; add.f32 %f1, %f1, %f2;
            shr.u32 %r9, %r9, 1; setp.ne.u32 %p1, %r9, 0; @%p1 bra loop;
            cvt.rzi.u64.f32 %rd2, %f1; st.global.u64 [%mine], %rd2;
            """).Run(Input, 32);
        Assert.All(result, sum => Assert.Equal(Input.Aggregate((a, b) => a + b), sum));
    }

    [Theory]
    [InlineData("vote.sync.ballot.b32 %r4, %p1, -1;")]
    [InlineData("vote.sync.any.pred %p2, %p1, -1; selp.u32 %r4, 1, 0, %p2;")]
    [InlineData("vote.sync.all.pred %p2, %p1, -1; selp.u32 %r4, 1, 0, %p2;")]
    [InlineData("vote.sync.uni.pred %p2, %p1, -1; selp.u32 %r4, 1, 0, %p2;")]
    [InlineData("match.any.sync.b32 %r4, %r3, -1;")]
    [InlineData("match.all.sync.b32 %r4|%p2, %r3, -1;")]
    [InlineData("cvt.u64.u32 %rd3, %r3; shl.b64 %rd3, %rd3, 32; match.any.sync.b64 %r4, %rd3, -1;")]
    [InlineData("redux.sync.add.u32 %r4, %r3, -1;")]
    [InlineData("sub.s32 %r3, %r3, 25; redux.sync.min.s32 %r4, %r3, -1;")]
    [InlineData("redux.sync.max.u32 %r4, %r3, -1;")]
    [InlineData("redux.sync.xor.b32 %r4, %r3, -1;")]
    [InlineData("redux.sync.and.b32 %r4, %r3, -1;")]
    [InlineData("activemask.b32 %r4;")]
    public void Collective_OfAWholeWarp_GivesTheSameAsALoop(string instruction)
    {
        ulong[] result = PtxTestKernel.OneWarp($"""
            mad.wide.u32 %rd1, %tid, 8, %in; ld.global.u32 %r3, [%rd1]; setp.gt.u32 %p1, %r3, 25;
            {instruction}
            cvt.u64.u32 %rd2, %r4; st.global.u64 [%mine], %rd2;
            """).Run(Input, 32);
        for (int lane = 0; lane < 32; lane++)
            Assert.Equal(Expected(instruction, lane), (uint)result[lane]);
    }

    [Fact]
    public void ActiveMask_InABranch_IsTheLanesThatTookIt()
    {
        ulong[] result = PtxTestKernel.OneWarp("""
            setp.lt.u32 %p1, %lane, 5; mov.u32 %r4, 0;
            @!%p1 bra rest;
            activemask.b32 %r4; vote.sync.ballot.b32 %r5, %p1, 31; add.u32 %r4, %r4, %r5;
            rest:
            cvt.u64.u32 %rd2, %r4; st.global.u64 [%mine], %rd2;
            """).Run([], 32);
        Assert.Equal(Enumerable.Range(0, 32).Select(lane => lane < 5 ? 62UL : 0), result);
    }

    [Theory]
    [InlineData("popc.u32 %r4, 0, %p1;", 30)]
    [InlineData("and.pred %p2, 0, %p1; selp.u32 %r4, 1, 0, %p2;", 0)]
    [InlineData("or.pred %p2, 0, %p1; selp.u32 %r4, 1, 0, %p2;", 1)]
    [InlineData("popc.u32 %r4, 0, 96, !%p1;", 66)]
    public void Barrier_Reduction_IsOverTheBlock(string operation, ulong expected)
    {
        ulong[] result = new PtxTestKernel($"setp.lt.u32 %p1, %tid, 30; bar.red.{operation} cvt.u64.u32 %rd2, %r4; st.global.u64 [%mine], %rd2;",
            new(1), new(96)).Run([], 96);
        Assert.All(result, word => Assert.Equal(expected, word));
    }

    [Theory]
    [InlineData("bar.sync 0;")]
    [InlineData("barrier.sync 3;")]
    [InlineData("barrier.cta.sync.aligned 1, 128;")]
    public void Barrier_BetweenStoreAndLoad_OrdersTheBlock(string barrier)
    {
        var kernel = new PtxTestKernel($"""
            mov.u32 %r2, tile; mad.lo.u32 %r3, %tid, 4, %r2; st.shared.u32 [%r3], %tid;
            {barrier}
            xor.b32 %r4, %tid, 127; mad.lo.u32 %r3, %r4, 4, %r2; ld.shared.u32 %r5, [%r3];
            cvt.u64.u32 %rd1, %r5; st.global.u64 [%mine], %rd1;
            """, new(1), new(128)) { Declarations = ".shared .align 4 .b8 tile[512];", Options = new() { DetectRaces = true, Seed = 5 } };
        Assert.Equal(Enumerable.Range(0, 128).Select(i => (ulong)(127 - i)), kernel.Run([], 128));
    }

    [Fact]
    public void Barrier_ProducerArrives_ConsumerWaits()
    {
        var kernel = new PtxTestKernel("""
            setp.lt.u32 %p1, %tid, 32; @%p1 bra producer;
            bar.sync 2, 64; ld.shared.u32 %r5, [cell]; cvt.u64.u32 %rd1, %r5; st.global.u64 [%mine], %rd1; bra end;
            producer: setp.eq.u32 %p2, %tid, 3; @%p2 st.shared.u32 [cell], 77; bar.arrive 2, 64;
            end:
            """, new(1), new(64)) { Declarations = ".shared .u32 cell;" };
        Assert.Equal(Enumerable.Range(0, 64).Select(i => i < 32 ? 0UL : 77), kernel.Run([], 64));
    }

    private static uint Expected(string instruction, int lane)
    {
        uint ballot = (uint)Enumerable.Range(0, 32).Sum(i => Input[i] > 25 ? 1L << i : 0);
        uint equal = (uint)Enumerable.Range(0, 32).Sum(i => Input[i] == Input[lane] ? 1L << i : 0);
        IEnumerable<uint> values = Input.Select(v => (uint)v);
        return instruction switch
        {
            _ when instruction.Contains("ballot", StringComparison.Ordinal) => ballot,
            _ when instruction.Contains("vote.sync.any", StringComparison.Ordinal) => BitOperations.PopCount(ballot) > 0 ? 1u : 0,
            _ when instruction.Contains("vote", StringComparison.Ordinal) => 0,
            _ when instruction.Contains("match.any", StringComparison.Ordinal) => equal,
            _ when instruction.Contains("match.all", StringComparison.Ordinal) => 0,
            _ when instruction.Contains("add", StringComparison.Ordinal) => (uint)values.Sum(v => v),
            _ when instruction.Contains("min", StringComparison.Ordinal) => (uint)(Input.Min(v => (int)v) - 25),
            _ when instruction.Contains("max", StringComparison.Ordinal) => values.Max(),
            _ when instruction.Contains("xor", StringComparison.Ordinal) => values.Aggregate((a, b) => a ^ b),
            _ when instruction.Contains("and.b32", StringComparison.Ordinal) => values.Aggregate((a, b) => a & b),
            _ => uint.MaxValue,
        };
    }
}
