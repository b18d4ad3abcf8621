using System.Reflection.Emit;
using Andrea.PtxEmulator.Parsing;
using Andrea.PtxEmulator.Semantics;

namespace Andrea.PtxEmulator.Translation.Emitters;

/// <summary>Logic, shifts and fields.</summary>
internal static class BitEmitter
{
    /// <summary>and, or, xor on bits and predicates.</summary>
    public static Action<KernelBuilder, InstructionReader> Logic(OpCode operation) => (builder, reader) =>
    {
        PtxType type = BitsOrPredicate(reader);
        reader.End(3);
        builder.Load(reader.Operands[1], type, reader);
        builder.Load(reader.Operands[2], type, reader);
        builder.IL.Emit(operation);
        builder.Store(reader.Operands[0], type, reader);
    };

    public static void Not(KernelBuilder builder, InstructionReader reader)
    {
        PtxType type = BitsOrPredicate(reader);
        reader.End(2);
        builder.Load(reader.Operands[1], type, reader);
        if (type.IsPredicate)
        {
            builder.IL.Emit(OpCodes.Ldc_I4_0);
            builder.IL.Emit(OpCodes.Ceq);
        }
        else
            builder.IL.Emit(OpCodes.Not);
        builder.Store(reader.Operands[0], type, reader);
    }

    /// <summary>1 if the operand is zero, else 0.</summary>
    public static void LogicalNot(KernelBuilder builder, InstructionReader reader)
    {
        PtxType type = reader.Type(t => t.Kind == PtxTypeKind.Untyped && t.Bits > 8);
        reader.End(2);
        builder.Load(reader.Operands[1], type, reader);
        builder.IL.Emit(OpCodes.Ldc_I4_0);
        if (type.Bits == 64)
            builder.IL.Emit(OpCodes.Conv_I8);
        builder.IL.Emit(OpCodes.Ceq);
        if (type.Bits == 64)
            builder.IL.Emit(OpCodes.Conv_I8);
        builder.Store(reader.Operands[0], type, reader);
    }

    public static void ShiftLeft(KernelBuilder builder, InstructionReader reader) =>
        Shift(builder, reader, reader.Type(t => t.Kind == PtxTypeKind.Untyped && t.Bits > 8), "ShiftLeft", "", OpCodes.Shl);

    public static void ShiftRight(KernelBuilder builder, InstructionReader reader)
    {
        PtxType type = reader.Type(t => t.IsInteger && t.Bits > 8);
        Shift(builder, reader, type, "ShiftRight", type.IsSigned ? "S" : "U", type.IsSigned ? OpCodes.Shr : OpCodes.Shr_Un);
    }

    public static void FunnelShift(KernelBuilder builder, InstructionReader reader)
    {
        bool left = reader.Needed("l", "r") == "l";
        bool wrap = reader.Needed("wrap", "clamp") == "wrap";
        reader.Type(t => t == PtxType.B32);
        reader.End(4);
        Load(builder, reader, PtxType.B32, 3);
        builder.IL.Emit(wrap ? OpCodes.Ldc_I4_1 : OpCodes.Ldc_I4_0);
        builder.Call(typeof(BitMath), left ? nameof(BitMath.FunnelLeft) : nameof(BitMath.FunnelRight));
        builder.Store(reader.Operands[0], PtxType.B32, reader);
    }

    /// <summary>popc, clz: a number of bits, always in 32.</summary>
    public static Action<KernelBuilder, InstructionReader> Count(Func<int, int> narrow, Func<long, int> wide) => (builder, reader) =>
    {
        PtxType type = reader.Type(t => t == PtxType.B32 || t == PtxType.B64);
        reader.End(2);
        builder.Load(reader.Operands[1], type, reader);
        if (type.Bits == 64)
            builder.Call(wide);
        else
            builder.Call(narrow);
        builder.Store(reader.Operands[0], PtxType.U32, reader);
    };

    public static void Reverse(KernelBuilder builder, InstructionReader reader)
    {
        PtxType type = reader.Type(t => t == PtxType.B32 || t == PtxType.B64);
        reader.End(2);
        builder.Load(reader.Operands[1], type, reader);
        if (type.Bits == 64)
            builder.Call(BitMath.Reverse64);
        else
            builder.Call(BitMath.Reverse32);
        builder.Store(reader.Operands[0], type, reader);
    }

    public static void FindHighest(KernelBuilder builder, InstructionReader reader)
    {
        bool shiftAmount = reader.Has("shiftamt");
        PtxType type = NumberType(reader);
        reader.End(2);
        builder.Load(reader.Operands[1], type, reader);
        builder.IL.Emit(shiftAmount ? OpCodes.Ldc_I4_1 : OpCodes.Ldc_I4_0);
        builder.Call(typeof(BitMath), $"Find{Suffix(type)}");
        builder.Store(reader.Operands[0], PtxType.U32, reader);
    }

    public static void ExtractField(KernelBuilder builder, InstructionReader reader)
    {
        PtxType type = NumberType(reader);
        reader.End(4);
        builder.Load(reader.Operands[1], type, reader);
        builder.Load(reader.Operands[2], PtxType.U32, reader);
        builder.Load(reader.Operands[3], PtxType.U32, reader);
        builder.Call(typeof(BitMath), $"Extract{Suffix(type)}");
        builder.Store(reader.Operands[0], type, reader);
    }

    public static void InsertField(KernelBuilder builder, InstructionReader reader)
    {
        PtxType type = reader.Type(t => t == PtxType.B32 || t == PtxType.B64);
        reader.End(5);
        builder.Load(reader.Operands[1], type, reader);
        builder.Load(reader.Operands[2], type, reader);
        builder.Load(reader.Operands[3], PtxType.U32, reader);
        builder.Load(reader.Operands[4], PtxType.U32, reader);
        builder.Call(typeof(BitMath), type.Bits == 64 ? nameof(BitMath.Insert64) : nameof(BitMath.Insert32));
        builder.Store(reader.Operands[0], type, reader);
    }

    public static void Permute(KernelBuilder builder, InstructionReader reader)
    {
        reader.Type(t => t == PtxType.B32);
        reader.End(4);
        Load(builder, reader, PtxType.B32, 3);
        builder.Call(BitMath.Permute);
        builder.Store(reader.Operands[0], PtxType.B32, reader);
    }

    public static void Lop3(KernelBuilder builder, InstructionReader reader)
    {
        reader.Type(t => t == PtxType.B32);
        reader.End(5);
        Load(builder, reader, PtxType.B32, 4);
        builder.Call(BitMath.Lop3);
        builder.Store(reader.Operands[0], PtxType.B32, reader);
    }

    private static void Shift(KernelBuilder builder, InstructionReader reader, PtxType type, string method, string sign, OpCode direct)
    {
        reader.End(3);
        builder.Load(reader.Operands[1], type, reader);
        builder.Load(reader.Operands[2], PtxType.U32, reader);
        // By a constant within the width, as nearly always, it is one instruction here too.
        int width = type.Bits == 64 ? 64 : 32;
        if (reader.Operands[2] is ImmediateOperand { Bits: var bits } && bits < (ulong)width)
            builder.IL.Emit(direct);
        else
            builder.Call(typeof(BitMath), $"{method}{sign}{width}");
        builder.Store(reader.Operands[0], type, reader);
    }

    private static void Load(KernelBuilder builder, InstructionReader reader, PtxType type, int count)
    {
        for (int i = 1; i <= count; i++)
            builder.Load(reader.Operands[i], type, reader);
    }

    private static PtxType BitsOrPredicate(InstructionReader reader) =>
        reader.Type(t => t.IsPredicate || (t.Kind == PtxTypeKind.Untyped && t.Bits > 8));

    private static PtxType NumberType(InstructionReader reader) =>
        reader.Type(t => t.Kind is PtxTypeKind.Signed or PtxTypeKind.Unsigned && t.Bits >= 32);

    private static string Suffix(PtxType type) => $"{(type.IsSigned ? 'S' : 'U')}{type.Bits}";
}
