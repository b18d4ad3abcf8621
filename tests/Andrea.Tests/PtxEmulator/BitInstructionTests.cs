using System.Globalization;
using System.Numerics;
using static Andrea.Tests.PtxEmulator.OperandValues;

namespace Andrea.Tests.PtxEmulator;

/// <summary>Logic, shifts and fields against whole numbers and strings of binary digits.</summary>
public class BitInstructionTests
{
    private static readonly InstructionTable Cases = Build();

    public static TheoryData<string> Names => Cases.Names;

    [Theory, MemberData(nameof(Names))]
    public void Instruction_InterestingValues_GivesTheExactResult(string name) => Cases[name].Check();

    private static InstructionTable Build()
    {
        var table = new InstructionTable();
        foreach (int width in (int[])[16, 32, 64])
            AddLogicAndShifts(table, width);
        foreach (int width in (int[])[32, 64])
            AddCounts(table, width);
        foreach (int width in (int[])[32, 64])
            AddFields(table, width);
        AddPredicates(table);
        table.Add("shf.l.wrap.b32", "b32", "b32 b32 u32", v => Wrap(Pair(v) << (int)(v[2] & 31) >> 32, 32));
        table.Add("shf.r.wrap.b32", "b32", "b32 b32 u32", v => Wrap(Pair(v) >> (int)(v[2] & 31), 32));
        table.Add("shf.l.clamp.b32", "b32", "b32 b32 u32", v => Wrap(Pair(v) << (int)Math.Min(v[2], 32) >> 32, 32));
        table.Add("shf.r.clamp.b32", "b32", "b32 b32 u32", v => Wrap(Pair(v) >> (int)Math.Min(v[2], 32), 32));
        table.Add("prmt.b32", "b32", "b32 b32 b32", Permuted);
        // Truth tables: a & b | c, a ^ b ^ c, and the choice by a.
        table.Add("lop3.b32", "b32", "b32 b32 b32 234", v => (v[0] & v[1]) | v[2]);
        table.Add("lop3.b32", "b32", "b32 b32 b32 150", v => v[0] ^ v[1] ^ v[2]);
        table.Add("lop3.b32", "b32", "b32 b32 b32 0xCA", v => (v[0] & v[1]) | (~v[0] & v[2]));
        return table;
    }

    private static void AddLogicAndShifts(InstructionTable table, int width)
    {
        string b = $"b{width}";
        table.Add($"and.{b}", b, $"{b} {b}", v => v[0] & v[1]);
        table.Add($"or.{b}", b, $"{b} {b}", v => v[0] | v[1]);
        table.Add($"xor.{b}", b, $"{b} {b}", v => v[0] ^ v[1]);
        table.Add($"not.{b}", b, b, v => Wrap(~(BigInteger)v[0], width));
        table.Add($"cnot.{b}", b, b, v => v[0] == 0 ? 1u : 0);
        table.Add($"shl.{b}", b, $"{b} u32", v => v[1] >= (ulong)width ? 0 : Wrap((BigInteger)v[0] << (int)v[1], width));
        table.Add($"shl.{b}", b, $"{b} 3", v => Wrap((BigInteger)v[0] << 3, width));
        table.Add($"shr.u{width}", b, $"u{width} u32", v => Wrap(Unsigned(v[0], width) >> (int)Math.Min(v[1], 64), width));
        table.Add($"shr.s{width}", b, $"s{width} u32", v => Wrap(Signed(v[0], width) >> (int)Math.Min(v[1], 64), width));
        table.Add($"shr.s{width}", b, $"s{width} 5", v => Wrap(Signed(v[0], width) >> 5, width));
        table.Add($"shr.u{width}", b, $"u{width} 5", v => v[0] >> 5);
    }

    private static void AddCounts(InstructionTable table, int width)
    {
        string b = $"b{width}";
        table.Add($"popc.{b}", "u32", b, v => (ulong)Digits(v[0], width).Count(c => c == '1'));
        table.Add($"clz.{b}", "u32", b, v => (ulong)Digits(v[0], width).TakeWhile(c => c == '0').Count());
        table.Add($"brev.{b}", b, b, v => FromDigits(string.Concat(Digits(v[0], width).Reverse())));
        table.Add($"bfind.u{width}", "u32", $"u{width}", v => Highest(v[0], width));
        table.Add($"bfind.s{width}", "u32", $"s{width}", v => Highest(Signed(v[0], width) < 0 ? Wrap(~(BigInteger)v[0], width) : v[0], width));
        table.Add($"bfind.shiftamt.u{width}", "u32", $"u{width}", v => v[0] == 0 ? uint.MaxValue : (ulong)(width - 1) - Highest(v[0], width));
    }

    private static void AddFields(InstructionTable table, int width)
    {
        table.Add($"bfe.u{width}", $"u{width}", $"u{width} u32 u32", v => Wrap((Unsigned(v[0], width) >> (int)(v[1] & 255)) & Ones(v[2]), width));
        table.Add($"bfe.s{width}", $"s{width}", $"s{width} u32 u32", v => SignedField(v, width));
        table.Add($"bfi.b{width}", $"b{width}", $"b{width} b{width} u32 u32", v =>
        {
            BigInteger mask = Ones(v[3]) << (int)(v[2] & 255);
            return Wrap((v[1] & ~mask) | (((BigInteger)v[0] << (int)(v[2] & 255)) & mask), width);
        });
    }

    private static void AddPredicates(InstructionTable table)
    {
        table.Add("and.pred", "pred", "pred pred", v => v[0] & v[1]);
        table.Add("or.pred", "pred", "pred pred", v => v[0] | v[1]);
        table.Add("xor.pred", "pred", "pred pred", v => v[0] ^ v[1]);
        table.Add("not.pred", "pred", "pred", v => 1 - v[0]);
    }

    /// <summary>The manual's own words: the field, sign-extended by its top bit; a field of no length is all zero.</summary>
    private static ulong SignedField(ulong[] v, int width)
    {
        int position = (int)(v[1] & 255);
        int length = (int)(v[2] & 255);
        if (length == 0)
            return 0;
        int signAt = Math.Min(position + length - 1, width - 1);
        bool negative = (v[0] >> signAt & 1) != 0;
        BigInteger field = (Unsigned(v[0], width) >> position) & Ones((ulong)length);
        int real = Math.Max(0, Math.Min(length, width - position));
        return Wrap(negative ? field - (BigInteger.One << real) : field, width);
    }

    private static ulong Permuted(ulong[] v)
    {
        byte[] bytes = [.. BitConverter.GetBytes((uint)v[0]), .. BitConverter.GetBytes((uint)v[1])];
        byte[] chosen = [.. Enumerable.Range(0, 4).Select(i => (int)(v[2] >> (4 * i)) & 15)
            .Select(s => s < 8 ? bytes[s] : (sbyte)bytes[s - 8] < 0 ? (byte)255 : (byte)0)];
        return BitConverter.ToUInt32(chosen);
    }

    private static BigInteger Ones(ulong length) => (BigInteger.One << (int)(length & 255)) - 1;

    private static BigInteger Pair(ulong[] v) => ((BigInteger)v[1] << 32) | v[0];

    private static ulong Highest(ulong bits, int width) =>
        Digits(bits, width).IndexOf('1') is >= 0 and var at ? (ulong)(width - 1 - at) : uint.MaxValue;

    private static string Digits(ulong bits, int width) => bits.ToString($"b{width}", CultureInfo.InvariantCulture);

    private static ulong FromDigits(string digits) => ulong.Parse(digits, NumberStyles.AllowBinarySpecifier, CultureInfo.InvariantCulture);
}
