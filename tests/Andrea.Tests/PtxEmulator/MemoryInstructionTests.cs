using Andrea.PtxEmulator.Execution;

namespace Andrea.Tests.PtxEmulator;

/// <summary>Loads, stores and atomics in every space.</summary>
public class MemoryInstructionTests
{
    [Theory]
    [InlineData("ld.global.u8 %r1, [%in+1]; st.global.u32 [%out], %r1;", 0xf2UL)]
    [InlineData("ld.global.s8 %r1, [%in+1]; st.global.u32 [%out], %r1;", 0xfffffff2UL)]
    [InlineData("ld.global.nc.s8 %rs1, [%in+1]; st.global.u16 [%out], %rs1;", 0xfff2UL)]
    [InlineData("ld.global.u16 %r1, [%in+2]; st.global.u32 [%out], %r1;", 0xf4f3UL)]
    [InlineData("ld.global.s16 %rd1, [%in+2]; st.global.u64 [%out], %rd1;", 0xfffffffffffff4f3UL)]
    [InlineData("ld.volatile.global.u32 %rd1, [%in+4]; st.global.u64 [%out], %rd1;", 0xf8f7f6f5UL)]
    [InlineData("ld.global.L1::no_allocate.L2::128B.b64 %rd1, [%in]; st.global.cs.b64 [%out], %rd1;", 0xf8f7f6f5f4f3f2f1UL)]
    [InlineData("add.s64 %rd2, %in, 8; ld.relaxed.gpu.global.u32 %r1, [%rd2+-8]; st.release.gpu.global.u32 [%out], %r1;", 0xf4f3f2f1UL)]
    [InlineData("ld.global.f32 %r1, [%in]; st.global.f32 [%out], %r1;", 0xf4f3f2f1UL)]
    [InlineData("ld.u32 %r1, [%in]; st.u32 [%out], %r1;", 0xf4f3f2f1UL)]
    [InlineData("ld.global.v2.u32 {%r1, %r2}, [%in]; st.global.v2.u32 [%out], {%r2, %r1};", 0xf4f3f2f1f8f7f6f5UL)]
    [InlineData("ld.global.v4.u16 {%rs1, %rs2, _, %rs3}, [%in]; st.global.v2.u16 [%out], {%rs3, %rs1};", 0xf2f1f8f7UL)]
    [InlineData("ld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%in]; st.global.v2.f32 [%out], {%f4, %f3};", 0x0000000500000006UL)]
    [InlineData("ld.global.u64 %rd1, [%in]; st.global.u8 [%out+3], %rd1;", 0xf1000000UL)]
    [InlineData("ld.global.u32 %r1, [%in]; @!%p1 st.global.u32 [%out], %r1; @%p1 st.global.u32 [%out+4], %r1;", 0xf4f3f2f1UL)]
    public void LoadStore_Global_MovesTheBytes(string body, ulong expected) =>
        Assert.Equal(expected, PtxTestKernel.OneThread("setp.ne.u32 %p1, 0, 0;" + body).Run([0xf8f7f6f5f4f3f2f1, 0x0000000600000005], 1)[0]);

    [Theory]
    [InlineData("st.shared.u32 [table+4], %r5; ld.shared.u32 %r6, [table+4];")]
    [InlineData("mov.u32 %r2, table; add.s32 %r2, %r2, 8; st.shared.u32 [%r2], %r5; ld.shared.u32 %r6, [table+8];")]
    [InlineData("mov.u64 %rd1, table; cvta.shared.u64 %rd2, %rd1; st.u32 [%rd2+4], %r5; cvta.to.shared.u64 %rd3, %rd2; ld.shared.u32 %r6, [%rd3+4];")]
    [InlineData("st.shared.u32 [dynamic+4], %r5; mov.u32 %r2, dynamic; ld.shared.u32 %r6, [%r2+4];")]
    [InlineData("st.local.u32 [depot+4], %r5; mov.u64 %rd1, depot; cvta.local.u64 %rd2, %rd1; ld.u32 %r6, [%rd2+4];")]
    [InlineData("ld.const.u32 %r6, [constants+4];")]
    [InlineData("mov.u64 %rd1, constants; ld.const.u32 %r6, [%rd1+4];")]
    [InlineData("ld.global.u64 %rd1, [pointer]; ld.global.u32 %r6, [%rd1];")]
    [InlineData("st.global.u32 [scratch], %r5; mov.u64 %rd1, scratch; ld.global.u32 %r6, [%rd1];")]
    [InlineData("mov.f32 %f1, 0f0001E240; st.shared.f32 [table], %f1; ld.shared.b32 %r6, [table];")]
    [InlineData("ld.const.u8 %r6, [bytes+1]; mad.lo.s32 %r6, %r6, 123000, 456;")]
    public void LoadStore_EverySpace_GivesWhatWasStored(string body)
    {
        var kernel = new PtxTestKernel($"mov.u32 %r5, 123456; {body} st.global.u32 [%out], %r6;", new(1), new(1))
        {
            Module = """
                .const .align 4 .u32 constants[3] = {1, 123456};
                .const .b8 bytes[2] = {7, 1};
                .global .align 8 .u64 pointer = generic(constants)+4;
                .global .u32 scratch;
                .extern .shared .align 16 .b8 dynamic[];
                """,
            Declarations = ".shared .align 4 .b8 table[12]; .local .align 4 .b8 depot[16];",
            DynamicShared = 8,
        };
        Assert.Equal(123456UL, kernel.Run([0], 1)[0]);
    }

    [Theory]
    [InlineData("add.u32", 10u, 5u, 15u)]
    [InlineData("add.s32", uint.MaxValue, 2u, 1u)]
    [InlineData("min.s32", 3u, uint.MaxValue, uint.MaxValue)]
    [InlineData("min.u32", 3u, uint.MaxValue, 3u)]
    [InlineData("max.s32", 3u, uint.MaxValue, 3u)]
    [InlineData("max.u32", 3u, uint.MaxValue, uint.MaxValue)]
    [InlineData("inc.u32", 4u, 5u, 5u)]
    [InlineData("inc.u32", 5u, 5u, 0u)]
    [InlineData("dec.u32", 0u, 5u, 5u)]
    [InlineData("dec.u32", 4u, 5u, 3u)]
    [InlineData("dec.u32", 9u, 5u, 5u)]
    [InlineData("exch.b32", 1u, 7u, 7u)]
    [InlineData("and.b32", 12u, 10u, 8u)]
    [InlineData("or.b32", 12u, 10u, 14u)]
    [InlineData("xor.b32", 12u, 10u, 6u)]
    public void Atomic_Operation_GivesTheOldValueAndLeavesTheNew(string operation, uint old, uint operand, uint expected)
    {
        string body = $"""
            ld.global.u32 %r1, [%in]; ld.global.u32 %r2, [%in+4];
            st.global.u32 [%out], %r1; st.shared.u32 [cell], %r1;
            atom.global.{operation} %r3, [%out], %r2;
            red.shared.{operation} [cell], %r2;
            ld.shared.u32 %r4, [cell];
            st.global.u32 [%out+4], %r3; st.global.u32 [%out+8], %r4;
            """;
        // PTX has no red for exch.
        if (operation.StartsWith("exch", StringComparison.Ordinal))
            body = body.Replace("red.shared.exch.b32 [cell], %r2;", "atom.shared.exch.b32 %r6, [cell], %r2;", StringComparison.Ordinal);
        var kernel = new PtxTestKernel(body, new(1), new(1)) { Declarations = ".shared .u32 cell;" };
        Assert.Equal([expected | (ulong)old << 32, expected], kernel.Run([old | (ulong)operand << 32], 2));
    }

    [Theory]
    [InlineData(5u, 9u)]
    [InlineData(6u, 6u)]
    public void Atomic_CompareAndSwap_SwapsOnlyTheExpected(uint old, uint expected)
    {
        PtxTestKernel kernel = PtxTestKernel.OneThread("""
            ld.global.u64 %rd1, [%in]; st.global.u64 [%out], %rd1;
            atom.global.cas.b64 %rd2, [%out], 5, 9;
            st.global.u64 [%out+8], %rd2;
            """);
        Assert.Equal([expected, (ulong)old], kernel.Run([old], 2));
    }

    [Fact]
    public void Atomic_Ticket_OfManyBlocks_CountsEachOnce()
    {
        var kernel = new PtxTestKernel("""
            atom.global.add.u32 %r3, [counter], 1;
            mad.wide.u32 %rd1, %r3, 8, %out;
            st.global.u64 [%rd1], 1;
            """, new(10), new(64)) { Module = ".global .u32 counter = 0;", Options = new LaunchOptions { Workers = 4, Seed = 7 } };
        Assert.All(kernel.Run([0], 640), word => Assert.Equal(1UL, word));
    }
}
