using System.Numerics;
using static Andrea.Tests.PtxEmulator.OperandValues;

namespace Andrea.Tests.PtxEmulator;

/// <summary>Comparisons and choices; floats that cannot be compared included.</summary>
public class CompareInstructionTests
{
    private static readonly InstructionTable Cases = Build();

    public static TheoryData<string> Names => Cases.Names;

    [Theory, MemberData(nameof(Names))]
    public void Instruction_InterestingValues_GivesTheExactResult(string name) => Cases[name].Check();

    [Theory]
    [InlineData("setp.lt.and.s32 %p1|%p2, 1, 2, %p0;", true, true, false)]
    [InlineData("setp.lt.and.s32 %p1|%p2, 1, 2, %p0;", false, false, false)]
    [InlineData("setp.gt.or.s32 %p1|%p2, 1, 2, %p0;", false, false, true)]
    [InlineData("setp.gt.or.s32 %p0|%p2, 1, 2, !%p0; mov.pred %p1, %p0;", true, false, true)]
    [InlineData("setp.eq.s32 %p1|%p2, 1, 1;", false, true, false)]
    [InlineData("setp.lt.xor.f32 %p1|%p2, 0f3F800000, 0f40000000, %p0;", true, false, true)]
    public void Setp_TwoResults_AreTheComparisonAndItsOpposite(string instruction, bool given, bool first, bool second)
    {
        PtxTestKernel kernel = PtxTestKernel.OneThread($"""
            ld.global.u32 %r1, [%in];
            setp.ne.u32 %p0, %r1, 0;
            {instruction}
            selp.u32 %r2, 1, 0, %p1;
            selp.u32 %r3, 1, 0, %p2;
            st.global.v2.u32 [%out], [r2, r3];
            """.Replace("[r2, r3]", "{%r2, %r3}", StringComparison.Ordinal));
        Assert.Equal((first ? 1UL : 0) | (second ? 1UL << 32 : 0), kernel.Run([given ? 1u : 0], 1)[0]);
    }

    private static InstructionTable Build()
    {
        var table = new InstructionTable();
        foreach (int width in (int[])[16, 32, 64])
        {
            AddIntegers(table, $"s{width}", bits => Signed(bits, width));
            AddIntegers(table, $"u{width}", bits => Unsigned(bits, width));
            foreach ((string name, Func<int, bool> holds) in (ReadOnlySpan<(string, Func<int, bool>)>)[("lo", c => c < 0), ("ls", c => c <= 0),
                ("hi", c => c > 0), ("hs", c => c >= 0)])
                table.Add($"setp.{name}.u{width}", "pred", $"u{width} u{width}", v => holds(v[0].CompareTo(v[1])) ? 1u : 0);
        }
        AddFloats(table, "f32", bits => Single(bits));
        AddFloats(table, "f64", Double);
        foreach (string type in (string[])["b16", "b32", "u64", "f32", "f64"])
            table.Add($"selp.{type}", type, $"{type} {type} pred", v => v[2] != 0 ? v[0] : v[1]);
        table.Add("slct.u32.s32", "u32", "u32 u32 s32", v => (int)v[2] >= 0 ? v[0] : v[1]);
        table.Add("slct.u64.f32", "u64", "u64 u64 f32", v => Single(v[2]) >= 0 ? v[0] : v[1]);
        table.Add("set.lt.u32.s32", "u32", "s32 s32", v => (int)v[0] < (int)v[1] ? uint.MaxValue : 0);
        table.Add("set.gt.f32.f32", "f32", "f32 f32", v => Single(v[0]) > Single(v[1]) ? 0x3f800000u : 0);
        table.Add("setp.lt.ftz.f32", "pred", "f32 f32", v => Flush(v[0]) < Flush(v[1]) ? 1u : 0);
        return table;
    }

    private static void AddIntegers(InstructionTable table, string type, Func<ulong, BigInteger> number)
    {
        foreach ((string name, Func<int, bool> holds) in (ReadOnlySpan<(string, Func<int, bool>)>)
            [("eq", c => c == 0), ("ne", c => c != 0), ("lt", c => c < 0), ("le", c => c <= 0), ("gt", c => c > 0), ("ge", c => c >= 0)])
            table.Add($"setp.{name}.{type}", "pred", $"{type} {type}", v => holds(number(v[0]).CompareTo(number(v[1]))) ? 1u : 0);
    }

    private static void AddFloats(InstructionTable table, string type, Func<ulong, double> number)
    {
        foreach ((string name, Func<int, bool> holds) in (ReadOnlySpan<(string, Func<int, bool>)>)
            [("eq", c => c == 0), ("ne", c => c != 0), ("lt", c => c < 0), ("le", c => c <= 0), ("gt", c => c > 0), ("ge", c => c >= 0)])
        {
            table.Add($"setp.{name}.{type}", "pred", $"{type} {type}", v => Compare(number(v[0]), number(v[1])) is { } c && holds(c) ? 1u : 0);
            table.Add($"setp.{name}u.{type}", "pred", $"{type} {type}", v => Compare(number(v[0]), number(v[1])) is not { } c || holds(c) ? 1u : 0);
        }
        table.Add($"setp.num.{type}", "pred", $"{type} {type}", v => Compare(number(v[0]), number(v[1])) is null ? 0 : 1u);
        table.Add($"setp.nan.{type}", "pred", $"{type} {type}", v => Compare(number(v[0]), number(v[1])) is null ? 1u : 0);
    }

    /// <summary>-1, 0 or 1; null where one of them is no number.</summary>
    private static int? Compare(double a, double b) => double.IsNaN(a) || double.IsNaN(b) ? null : a < b ? -1 : a > b ? 1 : 0;

    private static float Flush(ulong bits) => (bits & 0x7f800000) == 0 ? 0 : Single(bits);
}
