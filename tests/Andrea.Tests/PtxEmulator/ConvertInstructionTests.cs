using System.Globalization;
using System.Numerics;
using static Andrea.Tests.PtxEmulator.OperandValues;

namespace Andrea.Tests.PtxEmulator;

/// <summary>cvt, mov with parts, and the address conversions.</summary>
public class ConvertInstructionTests
{
    private static readonly InstructionTable Cases = Build();

    public static TheoryData<string> Names => Cases.Names;

    [Theory, MemberData(nameof(Names))]
    public void Instruction_InterestingValues_GivesTheExactResult(string name) => Cases[name].Check();

    private static InstructionTable Build()
    {
        var table = new InstructionTable();
        string[] integers = ["s16", "u16", "s32", "u32", "s64", "u64"];
        foreach (string to in integers.Append("s8").Append("u8"))
            foreach (string from in integers)
                AddIntegers(table, to, from);
        foreach (string integer in integers)
            foreach (string mode in (string[])["rn", "rz", "rm", "rp"])
                AddIntegerAndFloat(table, integer, mode);
        AddFloats(table);
        return table;
    }

    private static void AddIntegers(InstructionTable table, string to, string from)
    {
        if (to != from)
            table.Add($"cvt.{to}.{from}", $"b{Math.Max(16, Width(to))}", from, v =>
                Wrap(Number(Wrap(Number(v[0], from), Width(to)), to), Math.Max(16, Width(to))));
        if (to is "s64" or "u64" or "s16")
            return;
        (BigInteger min, BigInteger max) = Range(to);
        table.Add($"cvt.sat.{to}.{from}", $"b{Math.Max(16, Width(to))}", from,
            v => Wrap(BigInteger.Max(min, BigInteger.Min(max, Number(v[0], from))), Math.Max(16, Width(to))));
    }

    private static void AddIntegerAndFloat(InstructionTable table, string integer, string mode)
    {
        table.Add($"cvt.{mode}.f32.{integer}", "f32", integer, v => new ExactFloat(Number(v[0], integer), 0).ToSingleBits(mode));
        table.Add($"cvt.{mode}.f64.{integer}", "f64", integer, v => new ExactFloat(Number(v[0], integer), 0).ToDoubleBits(mode));
        table.Add($"cvt.{mode}i.{integer}.f32", integer, "f32", v => ToInteger(Single(v[0]), integer, mode, isWide: Width(integer) == 64));
        table.Add($"cvt.{mode}i.{integer}.f64", integer, "f64", v => ToInteger(Double(v[0]), integer, mode, isWide: true));
    }

    private static void AddFloats(InstructionTable table)
    {
        table.Add("cvt.f64.f32", "f64", "f32", v => BitConverter.DoubleToUInt64Bits(Single(v[0])));
        foreach (string mode in (string[])["rn", "rz", "rm", "rp"])
        {
            table.Add($"cvt.{mode}.f32.f64", "f32", "f64", v => double.IsFinite(Double(v[0]))
                ? ExactFloat.From(Double(v[0])).ToSingleBits(mode, (float)Double(v[0]))
                : Canonical((float)Double(v[0])));
            table.Add($"cvt.{mode}i.f32.f32", "f32", "f32", v => Canonical((float)Whole(Single(v[0]), mode)));
            table.Add($"cvt.{mode}i.f64.f64", "f64", "f64", v => BitConverter.DoubleToUInt64Bits(Whole(Double(v[0]), mode)));
        }
        table.Add("cvt.sat.f32.f32", "f32", "f32", v => Single(v[0]) > 0 ? Canonical(MathF.Min(Single(v[0]), 1)) : 0);
        table.Add("cvt.ftz.f64.f32", "f64", "f32", v =>
            BitConverter.DoubleToUInt64Bits((v[0] & 0x7f800000) == 0 ? Single(v[0] & (1UL << 31)) : Single(v[0])));
        table.Add("cvt.f32.f16", "f32", "f16", v => Canonical((float)BitConverter.UInt16BitsToHalf((ushort)v[0])));
        table.Add("cvt.rn.f16.f32", "b16", "f32", v =>
            float.IsNaN(Single(v[0])) ? 0x7fffu : (ulong)BitConverter.HalfToUInt16Bits((Half)Single(v[0])));
        table.Add("cvt.rn.bf16.f32", "b16", "f32", Brain);
    }

    [Fact]
    public void Mov_OfParts_PacksAndUnpacks()
    {
        PtxTestKernel kernel = PtxTestKernel.OneThread("""
            ld.global.u64 %rd5, [%in];
            mov.b64 {%r1, %r2}, %rd5;
            mov.b64 %rd6, {%r2, %r1};
            st.global.u64 [%out], %rd6;
            ld.global.f64 %fd1, [%in];
            mov.b64 {_, %r3}, %fd1;
            st.global.u32 [%out+8], %r3;
            mov.b32 {%rs1, %rs2}, %r3;
            mov.b32 %r4, {%rs2, %rs1};
            st.global.u32 [%out+12], %r4;
            """);
        ulong[] result = kernel.Run([0x0123456789abcdef], 2);
        Assert.Equal([0x89abcdef01234567UL, 0x4567012301234567UL], result);
    }

    private static ulong Brain(ulong[] v)
    {
        if (float.IsNaN(Single(v[0])))
            return 0x7fff;
        // Of the two neighbours in the upper half of the bits, the nearer one; of two equally near, the even one.
        ulong low = v[0] & 0xffff;
        ulong high = v[0] >> 16;
        return low > 0x8000 || (low == 0x8000 && (high & 1) != 0) ? high + 1 : high;
    }

    private static ulong ToInteger(double value, string integer, string mode, bool isWide)
    {
        if (double.IsNaN(value))
            return isWide ? 1UL << (Width(integer) - 1) : 0;
        (BigInteger min, BigInteger max) = Range(integer);
        if (double.IsInfinity(value))
            return Wrap(value > 0 ? max : min, Width(integer));
        return Wrap(BigInteger.Max(min, BigInteger.Min(max, new BigInteger(Whole(value, mode)))), Width(integer));
    }

    private static double Whole(double value, string mode) => mode switch
    {
        "rn" => Math.Round(value, MidpointRounding.ToEven),
        "rz" => Math.Truncate(value),
        "rm" => Math.Floor(value),
        _ => Math.Ceiling(value),
    };

    private static BigInteger Number(ulong bits, string type) => type[0] == 's' ? Signed(bits, Width(type)) : Unsigned(bits, Width(type));

    private static (BigInteger Min, BigInteger Max) Range(string type) => type[0] == 's'
        ? (-(BigInteger.One << (Width(type) - 1)), (BigInteger.One << (Width(type) - 1)) - 1)
        : (0, (BigInteger.One << Width(type)) - 1);

    private static int Width(string type) => int.Parse(type.AsSpan(1), CultureInfo.InvariantCulture);

    private static ulong Canonical(float value) => float.IsNaN(value) ? 0x7fffffff : BitConverter.SingleToUInt32Bits(value);
}
