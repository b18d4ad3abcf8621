using Andrea.PtxEmulator.Execution;
using Andrea.PtxEmulator.Memory;

namespace Andrea.Tests.PtxEmulator;

/// <summary>Mistakes planted into kernels, each of which the emulator must find, and name with its place.</summary>
public class FaultTests
{
    [Theory]
    [InlineData("st.global.u32 [%out+64], 1;", "OutOfBounds", "a write of 4 bytes", "64 bytes after the start of an allocation of 64 bytes")]
    [InlineData("ld.global.u32 %r3, [%in+-4];", "OutOfBounds", "a read of 4 bytes", "4 bytes before an allocation of 24 bytes")]
    [InlineData("ld.global.v4.u32 {%r3, %r4, %r5, %r6}, [%in+16];", "OutOfBounds", "a read of 16 bytes", "of 24 bytes")]
    [InlineData("mov.u64 %rd1, 0; ld.global.u32 %r3, [%rd1+8];", "NullPointer", "null pointer", "0x8")]
    [InlineData("mov.u64 %rd1, 0; st.u64 [%rd1], 1;", "NullPointer", "null pointer", "0x0")]
    [InlineData("mov.u64 %rd1, -16; ld.global.u32 %r3, [%rd1];", "OutOfBounds", "out of bounds", "in no allocation")]
    [InlineData("ld.global.u32 %r3, [%in+2];", "Misaligned", "misaligned", "no multiple of 4")]
    [InlineData("ld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%in+8];", "Misaligned", "misaligned", "no multiple of 16")]
    [InlineData("ld.global.u32 %r3, [%out];", "Uninitialized", "uninitialized", "offset 0 of 64 bytes")]
    [InlineData("st.global.u8 [%out], 1; ld.global.u16 %r3, [%out];", "Uninitialized", "uninitialized", "a read of 2 bytes")]
    [InlineData("ld.shared.u32 %r3, [tile+4];", "Uninitialized", "uninitialized", "offset 4")]
    [InlineData("st.shared.u32 [tile+16], 1;", "OutOfBounds", "a write of 4 bytes at offset 16", "of 16 bytes")]
    [InlineData("mov.u32 %r3, tile; ld.shared.u32 %r4, [%r3+-4];", "OutOfBounds", "a read of 4 bytes", "offset -4")]
    [InlineData("st.shared.u32 [tile+2], 1;", "Misaligned", "misaligned", "offset 2")]
    [InlineData("mov.u64 %rd1, tile; cvta.shared.u64 %rd1, %rd1; st.u32 [%rd1+16], 1;", "OutOfBounds", "offset 16", "of 16 bytes")]
    [InlineData("ld.local.u32 %r3, [depot+4];", "Uninitialized", "uninitialized", "offset 4")]
    [InlineData("atom.global.add.u32 %r3, [%out], 1;", "Uninitialized", "uninitialized", "a read of 4 bytes")]
    [InlineData("mov.u32 %r3, 0; div.u32 %r4, 1, %r3;", "DivisionByZero", "division by zero", "div.u32")]
    [InlineData("trap;", "Trap", "trap", "trap on")]
    [InlineData("again: bra again;", "EndlessLoop", "endless loop", "bra on")]
    public void Mistake_OfOneThread_IsNamedWithItsPlace(string body, string kind, string what, string detail)
    {
        DeviceFaultException fault = Assert.Throws<DeviceFaultException>(() =>
            Kernel($"setp.eq.u32 %p1, %tid, 37; @!%p1 bra end;\n.loc 1 77 3\n{body}\nend:").Run([1, 2, 3], 8));
        Assert.Equal(kind, fault.Kind.ToString());
        Assert.Contains(what, fault.Message, StringComparison.Ordinal);
        Assert.Contains(detail, fault.Message, StringComparison.Ordinal);
        Assert.Contains("kernel k, ", fault.Message, StringComparison.Ordinal);
        Assert.Contains("test.cu line 77", fault.Message, StringComparison.Ordinal);
        Assert.Contains("PTX line ", fault.Message, StringComparison.Ordinal);
        Assert.Contains("block (1, 0, 0), thread (5, 0, 0)", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OffByOneTail_OfAGuardedLoop_IsFound()
    {
        const string Copy = """
            setp.{0}.u32 %p1, %tid, 8; @%p1 bra end;
            mad.wide.u32 %rd1, %tid, 8, %in; ld.global.u64 %rd2, [%rd1]; st.global.u64 [%mine], %rd2;
            end:
            """;
        ulong[] input = [1, 2, 3, 4, 5, 6, 7, 8];
        Assert.Equal(input, Kernel(Copy.Replace("{0}", "ge", StringComparison.Ordinal)).Run(input, 8));
        DeviceFaultException fault = Assert.Throws<DeviceFaultException>(() =>
            Kernel(Copy.Replace("{0}", "gt", StringComparison.Ordinal)).Run(input, 8));
        Assert.Equal(FaultKind.OutOfBounds, fault.Kind);
        Assert.Contains("thread (8, 0, 0)", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("setp.lt.u32 %p1, %tid, 16; @%p1 bar.sync 0;", "16 of 32 threads wait", "16 have ended")]
    [InlineData("setp.lt.u32 %p1, %tid, 16; @%p1 bra a; bar.sync 0; bra end; a: bar.sync 0; end:", "bar.sync on PTX line",
        "the others at bar.sync on PTX line")]
    [InlineData("setp.lt.u32 %p1, %tid, 16; @%p1 bra a; bar.sync 0; bra end; a: bar.sync 1; end:", "16 of 32 threads wait at bar.sync",
        "16 wait at bar.sync")]
    public void Barrier_NotReachedByAll_IsFound(string body, string what, string others)
    {
        DeviceFaultException fault = Assert.Throws<DeviceFaultException>(() => new PtxTestKernel(body, new(1), new(32)).Run([], 1));
        Assert.Equal(FaultKind.BarrierDivergence, fault.Kind);
        Assert.Contains("barrier divergence", fault.Message, StringComparison.Ordinal);
        Assert.Contains(what, fault.Message, StringComparison.Ordinal);
        Assert.Contains(others, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("setp.lt.u32 %p1, %lane, 20; @%p1 shfl.sync.bfly.b32 %r3, %r1, 16, 31, 0xFFFFF;", "reads lane 20")]
    [InlineData("setp.lt.u32 %p1, %lane, 20; @!%p1 ret; shfl.sync.down.b32 %r3, %r1, 1, 31, -1;", "reads lane 20")]
    [InlineData("vote.sync.ballot.b32 %r3, 1, 1;", "leaves out the lane itself")]
    [InlineData("setp.lt.u32 %p1, %lane, 20; @%p1 vote.sync.ballot.b32 %r3, 1, -1; @!%p1 bar.sync 0;",
        "20 of 32 threads wait at vote.sync.ballot.b32")]
    public void WarpInstruction_WithoutItsLanes_IsFound(string body, string what)
    {
        DeviceFaultException fault = Assert.Throws<DeviceFaultException>(() => PtxTestKernel.OneWarp(body).Run([], 1));
        Assert.Equal(FaultKind.WarpDivergence, fault.Kind);
        Assert.Contains(what, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fault_OfSeveralBlocks_IsTheEarliestOnAnyNumberOfCores()
    {
        static string Message(int workers) => Assert.Throws<DeviceFaultException>(() => new PtxTestKernel(
            "setp.lt.u32 %p1, %tid, 900; @!%p1 trap;", new(64), new(32)) { Options = new LaunchOptions { Workers = workers } }.Run([], 1)).Message;
        Assert.Contains("block (28, 0, 0), thread (4, 0, 0)", Message(1), StringComparison.Ordinal);
        Assert.Equal(Message(1), Message(4));
    }

    [Fact]
    public void Memory_Freed_IsFound()
    {
        using var device = new Andrea.PtxEmulator.EmulatedDevice();
        using Andrea.PtxEmulator.LoadedModule module = device.Load(PtxTestKernel.OneThread("ld.global.u32 %r1, [%in];").Text);
        ulong address = device.Memory.Allocate(8);
        Assert.True(device.Memory.Free(address));
        Assert.False(device.Memory.Free(address));
        DeviceFaultException fault = Assert.Throws<DeviceFaultException>(() =>
            device.Launch(module, "k", new(1), new(1), 0, PtxOperation.Arguments(address, address)));
        Assert.Equal(FaultKind.UseAfterFree, fault.Kind);
        Assert.Contains("freed", fault.Message, StringComparison.Ordinal);
    }

    private static PtxTestKernel Kernel(string body) => new(body, new(2), new(32))
    {
        Declarations = ".shared .align 16 .b8 tile[16]; .local .align 4 .b8 depot[8];",
        Options = new LaunchOptions { Workers = 1, LoopLimit = 100_000 },
    };
}
