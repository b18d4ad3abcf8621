using Andrea.PtxEmulator;
using Andrea.PtxEmulator.Parsing;

namespace Andrea.Tests.PtxEmulator;

/// <summary>What the emulator does not know is an error that names it and its line.</summary>
public class ParserTests
{
    [Theory]
    [InlineData("frobnicate.u32 %r1, %r2;", "the instruction 'frobnicate.u32' is not known")]
    [InlineData("add.cc.u32 %r1, %r2, %r3;", "the modifier '.cc' of 'add.cc.u32' is not known")]
    [InlineData("add.fast.f32 %f1, %f2, %f3;", "the modifier '.fast' of 'add.fast.f32' is not known")]
    [InlineData("add.rz.f64 %fd1, %fd2, %fd3;", "directed rounding in 'add.rz.f64' is not known")]
    [InlineData("fma.f32 %f1, %f2, %f3, %f4;", "names no rounding")]
    [InlineData("cvt.f32.f64 %f1, %fd1;", "names no rounding")]
    [InlineData("cvt.rn.f64.f32 %fd1, %f1;", "the rounding '.rn'")]
    [InlineData("ld.global.ship.u32 %r1, [%in];", "the modifier '.ship'")]
    [InlineData("ld.global.v4.u64 {%rd1, %rd2, %rd3, %rd4}, [%in];", "more than 16 bytes")]
    [InlineData("atom.global.add.f32 %f1, [%out], %f2;", "atomics on floats")]
    [InlineData("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 %r1, %r2, %r3, %r4;", "the instruction 'mma")]
    [InlineData("add.u32 %r1, %r2;", "has 2 operands, expected 3")]
    [InlineData("add.u32 %r1, %rd2, %f1, %r2;", "has 4 operands, expected 3")]
    [InlineData("add.f32 %f1, %f2, 1;", "a whole number as an operand")]
    [InlineData("add.u64 %rd1, %r1, %rd2;", "does not hold a .u64")]
    [InlineData("mov.u32 %r1, %clock;", "the register '%clock' is neither declared nor a special register")]
    [InlineData("mov.u32 %r99, 1;", "the register '%r99' is neither declared")]
    [InlineData("bra nowhere;", "there is no label 'nowhere'")]
    [InlineData("call nothing;", "the function 'nothing' has no body")]
    [InlineData("ld.global.u32 %r1, [missing];", "'missing' is neither a register nor a variable")]
    [InlineData("setp.weird.u32 %p1, %r1, %r2;", "without one of")]
    [InlineData("shfl.bfly.b32 %r1, %r2, 1, 31;", "without one of .sync")]
    [InlineData("mov.u32 %r1, 1.5;", "expected an operand, found '1.5'")]
    [InlineData(".branchtargets a, b;", "'.branchtargets' in a function")]
    [InlineData("st.param.u32 [from], %r1;", "parameters cannot be written")]
    public void Unknown_InAKernel_IsNamedWithItsLine(string statement, string message)
    {
        string text = PtxTestKernel.OneThread($"\n\n{statement}").Text;
        int line = text[..text.IndexOf(statement, StringComparison.Ordinal)].Count(c => c == '\n') + 1;
        PtxException error = Assert.Throws<PtxException>(() => Translate(text));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Equal(line, error.Line);
        Assert.StartsWith($"PTX line {line}: ", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("hello", "does not begin with .version")]
    [InlineData("\u007fELF\u0002\u0001", "expected a name|does not begin with .version")]
    [InlineData(".version 8.0\n.address_size 32", "64-bit addresses")]
    [InlineData(".version 8.0\n.tex .u64 t;", "the directive '.tex'")]
    [InlineData(".version 8.0\n.extern .func f;", ".extern .func needs a linker")]
    [InlineData(".version 8.0\n.global .u32 a = {1, 2};", "has 8 bytes, the variable 4")]
    [InlineData(".version 8.0\n.global .u32 a; .global .u32 a;", "declared twice")]
    [InlineData(".version 8.0\n.visible .entry k() {", "does not end")]
    public void Unknown_InAModule_IsNamed(string text, string messages)
    {
        PtxException error = Assert.Throws<PtxException>(() => PtxModule.Parse(text));
        Assert.Contains(messages.Split('|'), message => error.Message.Contains(message, StringComparison.Ordinal));
    }

    [Fact]
    public void Recursion_IsRefused()
    {
        var kernel = new PtxTestKernel("call f;", new(1), new(1)) { Module = ".func f; .func f { call f; ret; }" };
        Assert.Contains("calls itself", Assert.Throws<PtxException>(() => Translate(kernel.Text)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0u, 1u, 0L, 16, "grid")]
    [InlineData(1u, 0u, 0L, 16, "block")]
    [InlineData(1u, 1025u, 0L, 16, "takes 1024 at most")]
    [InlineData(1u, 1u, 300_000L, 16, "shared memory")]
    [InlineData(1u, 1u, 0L, 8, "8 bytes of parameters, expected 16")]
    public void Launch_ThatDoesNotFit_IsRefused(uint grid, uint threads, long shared, int parameterBytes, string message)
    {
        using var device = new EmulatedDevice();
        using LoadedModule module = device.Load(PtxTestKernel.OneThread("").Text);
        ArgumentException error = Assert.Throws<ArgumentException>(() =>
            device.Launch(module, "k", new(grid), new(threads), shared, new byte[parameterBytes]));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    private static void Translate(string text)
    {
        using var device = new EmulatedDevice();
        using LoadedModule module = device.Load(text);
        module.Translate("k");
    }
}
