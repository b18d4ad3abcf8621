using System.Numerics;
using static Andrea.Tests.PtxEmulator.OperandValues;

namespace Andrea.Tests.PtxEmulator;

/// <summary>Integer arithmetic against whole numbers without limits.</summary>
public class IntegerInstructionTests
{
    private static readonly InstructionTable Cases = Build();

    public static TheoryData<string> Names => Cases.Names;

    [Theory, MemberData(nameof(Names))]
    public void Instruction_InterestingValues_GivesTheExactResult(string name) =>
        Cases[name].Check(row =>
            !name.StartsWith("div", StringComparison.Ordinal) && !name.StartsWith("rem", StringComparison.Ordinal) || row[1] != 0);

    private static InstructionTable Build()
    {
        var table = new InstructionTable();
        foreach (int width in (int[])[16, 32, 64])
        {
            AddNumbers(table, "s", width, bits => Signed(bits, width));
            AddNumbers(table, "u", width, bits => Unsigned(bits, width));
            table.Add($"abs.s{width}", $"s{width}", $"s{width}", v => Wrap(BigInteger.Abs(Signed(v[0], width)), width));
            table.Add($"neg.s{width}", $"s{width}", $"s{width}", v => Wrap(-Signed(v[0], width), width));
        }
        table.Add("add.sat.s32", "s32", "s32 s32", v => Saturated(Signed(v[0], 32) + Signed(v[1], 32)));
        table.Add("sub.sat.s32", "s32", "s32 s32", v => Saturated(Signed(v[0], 32) - Signed(v[1], 32)));
        table.Add("sad.s32", "s32", "s32 s32 s32", v => Wrap(Signed(v[2], 32) + BigInteger.Abs(Signed(v[0], 32) - Signed(v[1], 32)), 32));
        table.Add("sad.u32", "u32", "u32 u32 u32", v => Wrap(v[2] + BigInteger.Abs(Unsigned(v[0], 32) - Unsigned(v[1], 32)), 32));
        return table;
    }

    private static void AddNumbers(InstructionTable table, string sign, int width, Func<ulong, BigInteger> number)
    {
        string type = sign + width;
        table.Add($"add.{type}", type, $"{type} {type}", v => Wrap(number(v[0]) + number(v[1]), width));
        table.Add($"sub.{type}", type, $"{type} {type}", v => Wrap(number(v[0]) - number(v[1]), width));
        table.Add($"min.{type}", type, $"{type} {type}", v => Wrap(BigInteger.Min(number(v[0]), number(v[1])), width));
        table.Add($"max.{type}", type, $"{type} {type}", v => Wrap(BigInteger.Max(number(v[0]), number(v[1])), width));
        table.Add($"div.{type}", type, $"{type} {type}", v => Wrap(BigInteger.Divide(number(v[0]), number(v[1])), width));
        table.Add($"rem.{type}", type, $"{type} {type}", v => Wrap(BigInteger.Remainder(number(v[0]), number(v[1])), width));
        table.Add($"mul.lo.{type}", type, $"{type} {type}", v => Wrap(number(v[0]) * number(v[1]), width));
        table.Add($"mul.hi.{type}", type, $"{type} {type}", v => Wrap((number(v[0]) * number(v[1])) >> width, width));
        table.Add($"mad.lo.{type}", type, $"{type} {type} {type}", v => Wrap(number(v[0]) * number(v[1]) + number(v[2]), width));
        table.Add($"mad.hi.{type}", type, $"{type} {type} {type}", v => Wrap(((number(v[0]) * number(v[1])) >> width) + number(v[2]), width));
        if (width == 64)
            return;
        string wide = sign + 2 * width;
        table.Add($"mul.wide.{type}", wide, $"{type} {type}", v => Wrap(number(v[0]) * number(v[1]), 2 * width));
        table.Add($"mad.wide.{type}", wide, $"{type} {type} {wide}", v => Wrap(number(v[0]) * number(v[1]) + v[2], 2 * width));
    }

    private static ulong Saturated(BigInteger value) => Wrap(BigInteger.Max(int.MinValue, BigInteger.Min(int.MaxValue, value)), 32);
}
