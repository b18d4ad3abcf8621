using Andrea.PtxEmulator.Execution;

namespace Andrea.Tests.PtxEmulator;

/// <summary>Branches, calls, guards, special registers, and what depends on the order of threads.</summary>
public class ControlInstructionTests
{
    [Fact]
    public void Loop_WithBarrierInside_KeepsEveryRegister()
    {
        // Registers of all four kinds live across the wait, and a guarded write in between.
        var kernel = new PtxTestKernel("""
            mov.u32 %r5, 0; mov.u64 %rd5, 1; mov.f32 %f5, 0f3F800000; mov.f64 %fd5, 0d3FF0000000000000; setp.lt.u32 %p5, %tid, 3; mov.u16 %rs5, 9;
            loop:
            bar.sync 0;
            add.u32 %r5, %r5, 1; shl.b64 %rd5, %rd5, 1; add.f32 %f5, %f5, %f5; add.f64 %fd5, %fd5, %fd5; @%p5 add.u16 %rs5, %rs5, 1;
            setp.lt.u32 %p1, %r5, 10; @%p1 bra loop;
            cvt.rzi.u64.f32 %rd6, %f5; cvt.rzi.u64.f64 %rd7, %fd5; add.u64 %rd6, %rd6, %rd7; add.u64 %rd6, %rd6, %rd5;
            cvt.u64.u16 %rd8, %rs5; add.u64 %rd6, %rd6, %rd8; st.global.u64 [%mine], %rd6;
            """, new(1), new(48));
        Assert.Equal(Enumerable.Range(0, 48).Select(i => 3 * 1024 + (i < 3 ? 19UL : 9)), kernel.Run([], 48));
    }

    [Fact]
    public void Call_OfAFunction_IsInlinedWithItsOwnRegistersAndMemory()
    {
        var kernel = new PtxTestKernel("""
            mov.u32 %r1, 5;
            { .param .b32 p; .param .b32 q; st.param.u32 [p], %r1; call.uni (q), twice_plus, (p); ld.param.u32 %r2, [q]; }
            { .param .b32 p; .param .b32 q; st.param.u32 [p+0], %r2; call (q), twice_plus, (p); ld.param.u32 %r3, [q+0]; }
            st.global.v2.u32 [%out], {%r1, %r3};
            """, new(1), new(1))
        {
            Module = """
                .func (.param .b32 result) twice_plus (.param .b32 value);
                .func (.param .b32 result) twice_plus (.param .b32 value)
                {
                .reg .b32 %r<4>; .reg .pred %p<2>; .local .align 4 .b8 depot[4];
                ld.param.u32 %r1, [value]; st.local.u32 [depot], %r1; setp.gt.u32 %p1, %r1, 10; @%p1 bra big;
                ld.local.u32 %r2, [depot]; add.u32 %r1, %r1, %r2; st.param.u32 [result], %r1; ret;
                big: add.u32 %r1, %r1, 1000; st.param.u32 [result], %r1; ret;
                }
                """,
        };
        // 5 -> 10, not above 10 -> 20.
        Assert.Equal(5UL | 20UL << 32, kernel.Run([], 1)[0]);
    }

    [Fact]
    public void SpecialRegisters_OfEveryThread_AreItsPlace()
    {
        var kernel = new PtxTestKernel("""
            mov.u32 %r2, %tid.y; mov.u32 %r3, %tid.z; mov.u32 %r4, %ctaid.y; mov.u32 %r5, %nctaid.y; mov.u32 %r6, %ntid.z; mov.u32 %r7, %warpid;
            mov.u32 %r8, %lanemask_lt; popc.b32 %r8, %r8; mov.u32 %r9, %lanemask_ge; popc.b32 %r9, %r9; mov.u32 %tid, %tid.x;
            mad.lo.u32 %r10, %r2, 4, %tid; mad.lo.u32 %r10, %r3, 12, %r10; mad.lo.u32 %r11, %r4, 60, %r10; mad.wide.u32 %mine, %r11, 8, %out;
            shl.b32 %r12, %r7, 8; or.b32 %r12, %r12, %r8; shl.b32 %r9, %r9, 16; or.b32 %r12, %r12, %r9; shl.b32 %r5, %r5, 24; or.b32 %r12, %r12, %r5;
            cvt.u64.u32 %rd1, %r12; st.global.u64 [%mine], %rd1;
            """, new(1, 2), new(4, 3, 5));
        ulong[] result = kernel.Run([], 120);
        for (int i = 0; i < 120; i++)
        {
            int index = i % 60;
            Assert.Equal((uint)(index / 32 << 8 | index % 32 | (32 - index % 32) << 16 | 2 << 24), (uint)result[i]);
        }
    }

    [Theory]
    [InlineData(0UL)]
    [InlineData(1UL)]
    [InlineData(2UL)]
    public void Seed_OfTheOrder_ShufflesBlocksTheSameWayEachTime(ulong seed)
    {
        PtxTestKernel Kernel() => new("atom.global.add.u32 %r3, [counter], 1; cvt.u64.u32 %rd1, %r3; st.global.u64 [%mine], %rd1;", new(20), new(40))
        {
            Module = ".global .u32 counter = 0;",
            Options = new LaunchOptions { Seed = seed, Workers = 3 },
        };
        ulong[] order = Kernel().Run([], 800);
        Assert.Equal(order, Kernel().Run([], 800));
        Assert.Equal(Enumerable.Range(0, 800).Select(i => (ulong)i), order.Order());
        Assert.Equal(seed == 0, order.SequenceEqual(order.Order()));
    }

    [Fact]
    public void Blocks_OnSeveralCores_GiveTheSameAsOnOne()
    {
        PtxTestKernel Kernel(int workers) => new("""
            mad.wide.u32 %rd1, %tid, 8, %in; ld.global.u64 %rd2, [%rd1]; mul.lo.u64 %rd2, %rd2, %rd2;
            cvt.u32.u64 %r3, %rd2; shfl.sync.bfly.b32 %r4, %r3, 1, 31, -1; cvt.u64.u32 %rd2, %r4; st.global.u64 [%mine], %rd2;
            """, new(50), new(64)) { Options = new LaunchOptions { Workers = workers } };
        ulong[] input = [.. Enumerable.Range(0, 3200).Select(i => (ulong)i)];
        Assert.Equal(input.Select(i => (i ^ 1) * (i ^ 1)), Kernel(4).Run(input, 3200));
        Assert.Equal(Kernel(1).Run(input, 3200), Kernel(4).Run(input, 3200));
    }

    [Fact]
    public void NothingInstructions_AreLetThrough() =>
        Assert.Equal(7UL, PtxTestKernel.OneThread("""
            membar.gl; fence.acq_rel.gpu; fence.sc.cta; prefetch.global.L2 [%in]; nanosleep.u32 20; bar.warp.sync 1;
            st.global.u64 [%out], 7; exit;
            """).Run([], 1)[0]);
}
