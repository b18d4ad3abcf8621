using static Andrea.Tests.PtxEmulator.OperandValues;

namespace Andrea.Tests.PtxEmulator;

/// <summary>Float arithmetic: finite numbers against exact arithmetic, the rest against what the PTX manual says.</summary>
public class FloatInstructionTests
{
    private const uint Nan = 0x7fffffff;

    private static readonly InstructionTable Cases = Build();

    public static TheoryData<string> Names => Cases.Names;

    [Theory, MemberData(nameof(Names))]
    public void Instruction_InterestingValues_GivesTheExactResult(string name) => Cases[name].Check();

    [Fact]
    public void NewNan_OfFloat32_IsTheOneThatGpusMake() =>
        Assert.Equal([Nan, Nan, 0x7f801234u], [Bits("sub.f32", float.PositiveInfinity), Bits("mul.f32", float.NaN), MovedNan()]);

    private static uint Bits(string instruction, float value)
    {
        ulong bits = BitConverter.SingleToUInt32Bits(value);
        return (uint)PtxOperation.Evaluate(instruction, "f32", "f32 f32", [[bits, bits]])[0];
    }

    /// <summary>A NaN that is only moved keeps its bits.</summary>
    private static uint MovedNan() => (uint)PtxOperation.Evaluate("mov.f32", "f32", "f32", [[0x7f801234]])[0];

    private static InstructionTable Build()
    {
        var table = new InstructionTable();
        foreach (string mode in (string[])["", ".rn", ".rz", ".rm", ".rp"])
        {
            string by = mode == "" ? "rn" : mode[1..];
            table.Add($"add{mode}.f32", "f32", "f32 f32", v => Single32(v, (a, b) => a + b, (a, b) => (a + b).ToSingleBits(by, ZeroSum(v, 1, by))));
            table.Add($"sub{mode}.f32", "f32", "f32 f32", v => Single32(v, (a, b) => a - b, (a, b) => (a + -b).ToSingleBits(by, ZeroSum(v, -1, by))));
            table.Add($"mul{mode}.f32", "f32", "f32 f32", v =>
                Single32(v, (a, b) => a * b, (a, b) => (a * b).ToSingleBits(by, Single(v[0]) * Single(v[1]))));
            if (mode == "")
                continue;
            table.Add($"fma{mode}.f32", "f32", "f32 f32 f32", v => Fused(v, by));
            table.Add($"div{mode}.f32", "f32", "f32 f32", v => Single(v[1]) == 0
                ? Canonical(Single(v[0]) / Single(v[1]))
                : Single32(v, (a, b) => a / b, (a, b) => (a / b).ToSingleBits(by, Single(v[0]) / Single(v[1]))));
            table.Add($"sqrt{mode}.f32", "f32", "f32", v => Root(Single(v[0]), by));
            table.Add($"rcp{mode}.f32", "f32", "f32", v => Reciprocal(Single(v[0]), by));
        }
        AddDoubles(table);
        AddChoices(table);
        AddModifiers(table);
        return table;
    }

    private static void AddDoubles(InstructionTable table)
    {
        table.Add("add.f64", "f64", "f64 f64", v => Double64(v, (a, b) => a + b, (a, b) => (a + b).ToDoubleBits("rn", Double(v[0]) + Double(v[1]))));
        table.Add("sub.rn.f64", "f64", "f64 f64", v =>
            Double64(v, (a, b) => a - b, (a, b) => (a + -b).ToDoubleBits("rn", Double(v[0]) - Double(v[1]))));
        table.Add("mul.f64", "f64", "f64 f64", v => Double64(v, (a, b) => a * b, (a, b) => (a * b).ToDoubleBits("rn", Double(v[0]) * Double(v[1]))));
        table.Add("div.rn.f64", "f64", "f64 f64", v => Double(v[1]) == 0
            ? BitConverter.DoubleToUInt64Bits(Double(v[0]) / Double(v[1]))
            : Double64(v, (a, b) => a / b, (a, b) => (a / b).ToDoubleBits("rn", Double(v[0]) / Double(v[1]))));
        table.Add("fma.rn.f64", "f64", "f64 f64 f64", v =>
            double.IsFinite(Double(v[0])) && double.IsFinite(Double(v[1])) && double.IsFinite(Double(v[2]))
                ? (ExactFloat.From(Double(v[0])) * ExactFloat.From(Double(v[1])) + ExactFloat.From(Double(v[2])))
                    .ToDoubleBits("rn", Double(v[0]) * Double(v[1]) + Double(v[2]) is 0 and var zero ? zero : 0)
                : BitConverter.DoubleToUInt64Bits(Math.FusedMultiplyAdd(Double(v[0]), Double(v[1]), Double(v[2]))));
        table.Add("sqrt.rn.f64", "f64", "f64", v => Double(v[0]) > 0 && double.IsFinite(Double(v[0]))
            ? ExactFloat.From(Double(v[0])).Root().ToDoubleBits()
            : BitConverter.DoubleToUInt64Bits(Math.Sqrt(Double(v[0]))));
        table.Add("abs.f64", "f64", "f64", v => v[0] & long.MaxValue);
        table.Add("neg.f64", "f64", "f64", v => v[0] ^ (1UL << 63));
    }

    private static void AddChoices(InstructionTable table)
    {
        table.Add("min.f32", "f32", "f32 f32", v => Chosen(v, smaller: true));
        table.Add("max.f32", "f32", "f32 f32", v => Chosen(v, smaller: false));
        table.Add("min.NaN.f32", "f32", "f32 f32", v => float.IsNaN(Single(v[0])) || float.IsNaN(Single(v[1])) ? Nan : Chosen(v, smaller: true));
        table.Add("max.NaN.f32", "f32", "f32 f32", v => float.IsNaN(Single(v[0])) || float.IsNaN(Single(v[1])) ? Nan : Chosen(v, smaller: false));
        table.Add("abs.f32", "f32", "f32", v => float.IsNaN(Single(v[0])) ? Nan : v[0] & int.MaxValue);
        table.Add("neg.f32", "f32", "f32", v => float.IsNaN(Single(v[0])) ? Nan : v[0] ^ (1UL << 31));
        table.Add("copysign.f32", "f32", "f32 f32", v => float.IsNaN(Single(v[1])) ? Nan : (v[1] & int.MaxValue) | (v[0] & (1UL << 31)));
        table.Add("testp.finite.f32", "pred", "f32", v => (v[0] & 0x7f800000) != 0x7f800000 ? 1u : 0);
        table.Add("testp.infinite.f32", "pred", "f32", v => (v[0] & int.MaxValue) == 0x7f800000 ? 1u : 0);
        table.Add("testp.notanumber.f32", "pred", "f32", v => (v[0] & int.MaxValue) > 0x7f800000 ? 1u : 0);
        table.Add("testp.number.f64", "pred", "f64", v => (v[0] & long.MaxValue) <= 0x7ff0000000000000 ? 1u : 0);
    }

    private static void AddModifiers(InstructionTable table)
    {
        table.Add("add.ftz.f32", "f32", "f32 f32", v => Flushed(v, w => Single(w[0]) + Single(w[1])));
        table.Add("mul.ftz.f32", "f32", "f32 f32", v => Flushed(v, w => Single(w[0]) * Single(w[1])));
        table.Add("fma.rn.ftz.f32", "f32", "f32 f32 f32", v => Flushed(v, w => MathF.FusedMultiplyAdd(Single(w[0]), Single(w[1]), Single(w[2]))));
        table.Add("add.sat.f32", "f32", "f32 f32", v => Single(v[0]) + Single(v[1]) is > 0 and var sum ? Canonical(sum > 1 ? 1 : sum) : 0);
        table.Add("fma.rn.sat.f32", "f32", "f32 f32 f32", v =>
            MathF.FusedMultiplyAdd(Single(v[0]), Single(v[1]), Single(v[2])) is > 0 and var sum ? Canonical(sum > 1 ? 1 : sum) : 0);
    }

    private static ulong Flushed(ulong[] v, Func<ulong[], float> compute)
    {
        static ulong Flush(ulong bits) => (bits & 0x7f800000) == 0 ? bits & (1UL << 31) : bits;
        return Flush(Canonical(compute([.. v.Select(Flush)])));
    }

    private static ulong Chosen(ulong[] v, bool smaller)
    {
        (float a, float b) = (Single(v[0]), Single(v[1]));
        if (float.IsNaN(a) || float.IsNaN(b))
            return float.IsNaN(a) ? Canonical(b) : v[0];
        // Without NaN the order of signed magnitudes is that of the bits: -0 below +0.
        long x = (int)v[0] < 0 ? -(long)(v[0] & int.MaxValue) - 1 : (long)v[0];
        long y = (int)v[1] < 0 ? -(long)(v[1] & int.MaxValue) - 1 : (long)v[1];
        return x < y == smaller ? v[0] : v[1];
    }

    private static ulong Single32(ulong[] v, Func<float, float, float> special, Func<ExactFloat, ExactFloat, uint> exact)
    {
        (float a, float b) = (Single(v[0]), Single(v[1]));
        return float.IsFinite(a) && float.IsFinite(b) ? exact(ExactFloat.From(a), ExactFloat.From(b)) : Canonical(special(a, b));
    }

    private static ulong Double64(ulong[] v, Func<double, double, double> special, Func<ExactFloat, ExactFloat, ulong> exact)
    {
        (double a, double b) = (Double(v[0]), Double(v[1]));
        return double.IsFinite(a) && double.IsFinite(b)
            ? exact(ExactFloat.From(a), ExactFloat.From(b))
            : BitConverter.DoubleToUInt64Bits(special(a, b));
    }

    private static ulong Fused(ulong[] v, string mode)
    {
        (float a, float b, float c) = (Single(v[0]), Single(v[1]), Single(v[2]));
        if (!float.IsFinite(a) || !float.IsFinite(b) || !float.IsFinite(c))
            return Canonical(MathF.FusedMultiplyAdd(a, b, c));
        // An exact zero: of the sum of a product and a number, by the signs of both.
        bool product = (a < 0 || (a == 0 && float.IsNegative(a))) != (b < 0 || (b == 0 && float.IsNegative(b)));
        float zero = product == float.IsNegative(c) ? (product ? -0f : 0) : mode == "rm" ? -0f : 0;
        return (ExactFloat.From(a) * ExactFloat.From(b) + ExactFloat.From(c)).ToSingleBits(mode, zero);
    }

    private static float ZeroSum(ulong[] v, int sign, string mode)
    {
        bool a = float.IsNegative(Single(v[0]));
        bool b = float.IsNegative(Single(v[1])) != (sign < 0);
        return a == b ? (a ? -0f : 0) : mode == "rm" ? -0f : 0;
    }

    private static ulong Root(float value, string mode) =>
        value > 0 && float.IsFinite(value) ? ExactFloat.From(value).Root().ToSingleBits(mode) : Canonical(MathF.Sqrt(value));

    private static ulong Reciprocal(float value, string mode) => value != 0 && float.IsFinite(value)
        ? (ExactFloat.From(1f) / ExactFloat.From(value)).ToSingleBits(mode)
        : Canonical(1 / value);

    private static ulong Canonical(float value) => float.IsNaN(value) ? Nan : BitConverter.SingleToUInt32Bits(value);
}
