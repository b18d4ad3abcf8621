using System.Reflection.Emit;
using Andrea.PtxEmulator.Parsing;
using Andrea.PtxEmulator.Semantics;

namespace Andrea.PtxEmulator.Translation.Emitters;

/// <summary>Comparisons and choices.</summary>
internal static class CompareEmitter
{
    private static readonly string[] Names =
    [
        "eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs",
        "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan",
    ];

    /// <summary>setp: a predicate, possibly combined with another one, and possibly its opposite.</summary>
    public static void SetPredicate(KernelBuilder builder, InstructionReader reader)
    {
        string comparison = reader.Needed(Names);
        string? combination = reader.OneOf("and", "or", "xor");
        PtxType type = reader.Type(t => t.Bits > 8 && (!t.IsFloat || t.Bits > 16));
        bool flush = type == PtxType.F32 && reader.Has("ftz");
        reader.End(combination is null ? 3 : 4);
        Compare(builder, reader, type, comparison, flush);
        var both = reader.Operands[0] as PairOperand;
        PtxOperand first = both?.First ?? reader.Operands[0];
        if (both is not null)
            builder.IL.Emit(OpCodes.Dup);
        Combine(builder, reader, combination, opposite: false);
        if (both is null)
        {
            builder.Store(first, PtxType.Predicate, reader);
            return;
        }
        // The first result may be an operand of the second combination, so both are computed before either is stored.
        LocalBuilder held = builder.Scratch(typeof(int));
        builder.IL.Emit(OpCodes.Stloc, held);
        Combine(builder, reader, combination, opposite: true);
        builder.Store(both.Second, PtxType.Predicate, reader);
        builder.IL.Emit(OpCodes.Ldloc, held);
        builder.Store(first, PtxType.Predicate, reader);
    }

    /// <summary>set: all ones or 1.0 where the comparison holds.</summary>
    public static void Set(KernelBuilder builder, InstructionReader reader)
    {
        string comparison = reader.Needed(Names);
        bool flush = reader.Has("ftz");
        PtxType result = reader.Type(t => t == PtxType.U32 || t == PtxType.S32 || t == PtxType.F32);
        PtxType type = reader.Type(t => t.Bits > 8 && (!t.IsFloat || t.Bits > 16));
        reader.End(3);
        Compare(builder, reader, type, comparison, flush && type == PtxType.F32);
        if (result == PtxType.F32)
            builder.IL.Emit(OpCodes.Conv_R4);
        else
            builder.IL.Emit(OpCodes.Neg);
        builder.Store(reader.Operands[0], result, reader);
    }

    public static void Select(KernelBuilder builder, InstructionReader reader)
    {
        // A choice moves bits; a float stays one if the registers are floats.
        PtxType type = reader.Type(t => t.Bits > 8);
        reader.End(4);
        Label otherwise = builder.IL.DefineLabel();
        Label end = builder.IL.DefineLabel();
        builder.Load(reader.Operands[3], PtxType.Predicate, reader);
        builder.IL.Emit(OpCodes.Brfalse, otherwise);
        builder.Load(reader.Operands[1], type, reader);
        builder.Store(reader.Operands[0], type, reader);
        builder.IL.Emit(OpCodes.Br, end);
        builder.IL.MarkLabel(otherwise);
        builder.Load(reader.Operands[2], type, reader);
        builder.Store(reader.Operands[0], type, reader);
        builder.IL.MarkLabel(end);
    }

    /// <summary>slct: chooses by the sign of the third operand.</summary>
    public static void SelectBySign(KernelBuilder builder, InstructionReader reader)
    {
        bool flush = reader.Has("ftz");
        PtxType type = reader.Type(t => t.Bits > 8);
        PtxType by = reader.Type(t => t == PtxType.S32 || t == PtxType.F32);
        reader.End(4);
        Label otherwise = builder.IL.DefineLabel();
        Label end = builder.IL.DefineLabel();
        builder.Load(reader.Operands[3], by, reader);
        if (flush && by == PtxType.F32)
            builder.Call(FloatMath.Flush);
        if (by == PtxType.F32)
            builder.IL.Emit(OpCodes.Ldc_R4, 0f);
        else
            builder.IL.Emit(OpCodes.Ldc_I4_0);
        // Below zero, or NaN.
        builder.IL.Emit(by == PtxType.F32 ? OpCodes.Blt_Un : OpCodes.Blt, otherwise);
        builder.Load(reader.Operands[1], type, reader);
        builder.Store(reader.Operands[0], type, reader);
        builder.IL.Emit(OpCodes.Br, end);
        builder.IL.MarkLabel(otherwise);
        builder.Load(reader.Operands[2], type, reader);
        builder.Store(reader.Operands[0], type, reader);
        builder.IL.MarkLabel(end);
    }

    public static void CopySign(KernelBuilder builder, InstructionReader reader)
    {
        PtxType type = reader.Type(t => t.IsFloat && t.Bits >= 32);
        reader.End(3);
        builder.Load(reader.Operands[1], type, reader);
        builder.Load(reader.Operands[2], type, reader);
        if (type.Bits == 64)
            builder.Call(FloatMath.CopySign64);
        else
            builder.Call(FloatMath.CopySign);
        builder.Store(reader.Operands[0], type, reader);
    }

    public static void Test(KernelBuilder builder, InstructionReader reader)
    {
        string question = reader.Needed("finite", "infinite", "number", "notanumber");
        PtxType type = reader.Type(t => t.IsFloat && t.Bits >= 32);
        reader.End(2);
        builder.Load(reader.Operands[1], type, reader);
        builder.IL.Emit(OpCodes.Conv_R8);
        builder.Call(question switch
        {
            "finite" => FloatMath.TestFinite,
            "infinite" => FloatMath.TestInfinite,
            "number" => FloatMath.TestNumber,
            _ => FloatMath.TestNotANumber,
        });
        builder.Store(reader.Operands[0], PtxType.Predicate, reader);
    }

    private static void Combine(KernelBuilder builder, InstructionReader reader, string? combination, bool opposite)
    {
        if (opposite)
        {
            builder.IL.Emit(OpCodes.Ldc_I4_0);
            builder.IL.Emit(OpCodes.Ceq);
        }
        if (combination is null)
            return;
        builder.Load(reader.Operands[3], PtxType.Predicate, reader);
        builder.IL.Emit(combination switch { "and" => OpCodes.And, "or" => OpCodes.Or, _ => OpCodes.Xor });
    }

    private static void Compare(KernelBuilder builder, InstructionReader reader, PtxType type, string comparison, bool flush)
    {
        for (int i = 1; i <= 2; i++)
        {
            builder.Load(reader.Operands[i], type, reader);
            if (flush)
                builder.Call(FloatMath.Flush);
        }
        if (type.IsFloat)
            CompareFloats(builder, reader, comparison);
        else
            CompareIntegers(builder, reader, type, comparison);
    }

    private static void CompareIntegers(KernelBuilder builder, InstructionReader reader, PtxType type, string comparison)
    {
        bool signed = type.IsSigned;
        (OpCode operation, bool negate) = comparison switch
        {
            "eq" => (OpCodes.Ceq, false),
            "ne" => (OpCodes.Ceq, true),
            "lt" => (signed ? OpCodes.Clt : OpCodes.Clt_Un, false),
            "ge" => (signed ? OpCodes.Clt : OpCodes.Clt_Un, true),
            "gt" => (signed ? OpCodes.Cgt : OpCodes.Cgt_Un, false),
            "le" => (signed ? OpCodes.Cgt : OpCodes.Cgt_Un, true),
            "lo" when !signed => (OpCodes.Clt_Un, false),
            "hs" when !signed => (OpCodes.Clt_Un, true),
            "hi" when !signed => (OpCodes.Cgt_Un, false),
            "ls" when !signed => (OpCodes.Cgt_Un, true),
            _ => throw reader.Error($"the comparison '.{comparison}' of type {type} is not known to the emulator."),
        };
        Emit(builder, operation, negate);
    }

    private static void CompareFloats(KernelBuilder builder, InstructionReader reader, string comparison)
    {
        // clt and cgt are false for a NaN, clt.un and cgt.un true.
        switch (comparison)
        {
            case "eq":
                Emit(builder, OpCodes.Ceq, negate: false);
                break;
            case "neu":
                Emit(builder, OpCodes.Ceq, negate: true);
                break;
            case "lt":
                Emit(builder, OpCodes.Clt, negate: false);
                break;
            case "ltu":
                Emit(builder, OpCodes.Clt_Un, negate: false);
                break;
            case "ge":
                Emit(builder, OpCodes.Clt_Un, negate: true);
                break;
            case "geu":
                Emit(builder, OpCodes.Clt, negate: true);
                break;
            case "gt":
                Emit(builder, OpCodes.Cgt, negate: false);
                break;
            case "gtu":
                Emit(builder, OpCodes.Cgt_Un, negate: false);
                break;
            case "le":
                Emit(builder, OpCodes.Cgt_Un, negate: true);
                break;
            case "leu":
                Emit(builder, OpCodes.Cgt, negate: true);
                break;
            default:
                CompareByCall(builder, reader, comparison);
                break;
        }
    }

    private static void CompareByCall(KernelBuilder builder, InstructionReader reader, string comparison)
    {
        // Both operands as doubles, which is exact.
        LocalBuilder second = builder.Scratch(typeof(double));
        builder.IL.Emit(OpCodes.Conv_R8);
        builder.IL.Emit(OpCodes.Stloc, second);
        builder.IL.Emit(OpCodes.Conv_R8);
        builder.IL.Emit(OpCodes.Ldloc, second);
        bool equality = comparison is "ne" or "equ";
        if (!equality && comparison is not ("num" or "nan"))
            throw reader.Error($"the comparison '.{comparison}' of floats is not known to the emulator.");
        builder.Call(equality ? FloatMath.NotEqualOrdered : FloatMath.IsOrdered);
        if (comparison is "equ" or "nan")
        {
            builder.IL.Emit(OpCodes.Ldc_I4_0);
            builder.IL.Emit(OpCodes.Ceq);
        }
    }

    private static void Emit(KernelBuilder builder, OpCode operation, bool negate)
    {
        builder.IL.Emit(operation);
        if (!negate)
            return;
        builder.IL.Emit(OpCodes.Ldc_I4_0);
        builder.IL.Emit(OpCodes.Ceq);
    }
}
