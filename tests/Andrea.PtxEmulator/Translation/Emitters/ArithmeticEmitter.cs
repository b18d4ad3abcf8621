using System.Reflection.Emit;
using Andrea.PtxEmulator.Parsing;
using Andrea.PtxEmulator.Semantics;

namespace Andrea.PtxEmulator.Translation.Emitters;

/// <summary>Integer arithmetic, and the way to <see cref="FloatEmitter"/> for opcodes that floats have too.</summary>
internal static class ArithmeticEmitter
{
    public static void Add(KernelBuilder builder, InstructionReader reader) => Sum(builder, reader, OpCodes.Add, IntegerMath.AddSaturated);

    public static void Subtract(KernelBuilder builder, InstructionReader reader) => Sum(builder, reader, OpCodes.Sub, IntegerMath.SubtractSaturated);

    public static void Multiply(KernelBuilder builder, InstructionReader reader)
    {
        PtxType type = reader.Type();
        if (type.IsFloat)
        {
            FloatEmitter.Binary(builder, reader, type, OpCodes.Mul, RoundedMath.Multiply);
            return;
        }
        string half = reader.Needed("lo", "hi", "wide");
        reader.End(3);
        Product(builder, reader, type, half);
        builder.Store(reader.Operands[0], ProductType(type, half), reader);
    }

    public static void MultiplyAdd(KernelBuilder builder, InstructionReader reader)
    {
        PtxType type = reader.Type();
        if (type.IsFloat)
        {
            FloatEmitter.FusedMultiplyAdd(builder, reader, type);
            return;
        }
        string half = reader.Needed("lo", "hi", "wide");
        reader.End(4);
        Product(builder, reader, type, half);
        builder.Load(reader.Operands[3], ProductType(type, half), reader);
        builder.IL.Emit(OpCodes.Add);
        builder.Store(reader.Operands[0], ProductType(type, half), reader);
    }

    public static void Divide(KernelBuilder builder, InstructionReader reader)
    {
        PtxType type = reader.Type();
        if (type.IsFloat)
            FloatEmitter.Divide(builder, reader, type);
        else
            Quotient(builder, reader, type, "Divide");
    }

    public static void Remainder(KernelBuilder builder, InstructionReader reader) =>
        Quotient(builder, reader, reader.Type(type => !type.IsFloat), "Remainder");

    public static void Min(KernelBuilder builder, InstructionReader reader) => Extreme(builder, reader, "Min");

    public static void Max(KernelBuilder builder, InstructionReader reader) => Extreme(builder, reader, "Max");

    public static void Absolute(KernelBuilder builder, InstructionReader reader)
    {
        PtxType type = reader.Type();
        if (type.IsFloat)
        {
            FloatEmitter.Unary(builder, reader, type, MathF.Abs, Math.Abs);
            return;
        }
        reader.End(2);
        builder.Load(reader.Operands[1], Signed(type, reader), reader);
        builder.Call(typeof(IntegerMath), type.Bits == 64 ? nameof(IntegerMath.AbsS64) : nameof(IntegerMath.AbsS32));
        builder.Store(reader.Operands[0], type, reader);
    }

    public static void Negate(KernelBuilder builder, InstructionReader reader)
    {
        PtxType type = reader.Type();
        if (type.IsFloat)
        {
            FloatEmitter.Unary(builder, reader, type, Negated, Negated);
            return;
        }
        reader.End(2);
        builder.Load(reader.Operands[1], Signed(type, reader), reader);
        builder.IL.Emit(OpCodes.Neg);
        builder.Store(reader.Operands[0], type, reader);
    }

    public static void SumOfDifference(KernelBuilder builder, InstructionReader reader)
    {
        PtxType type = reader.Type(t => t == PtxType.S32 || t == PtxType.U32);
        reader.End(4);
        for (int i = 1; i < 4; i++)
            builder.Load(reader.Operands[i], type, reader);
        builder.Call(typeof(IntegerMath), type.IsSigned ? nameof(IntegerMath.SadS32) : nameof(IntegerMath.SadU32));
        builder.Store(reader.Operands[0], type, reader);
    }

    private static void Sum(KernelBuilder builder, InstructionReader reader, OpCode operation, Func<int, int, int> saturated)
    {
        PtxType type = reader.Type();
        if (type.IsFloat)
        {
            FloatEmitter.Binary(builder, reader, type, operation, operation == OpCodes.Add ? RoundedMath.Add : RoundedMath.Subtract);
            return;
        }
        bool saturate = type == PtxType.S32 && reader.Has("sat");
        reader.End(3);
        builder.Load(reader.Operands[1], type, reader);
        builder.Load(reader.Operands[2], type, reader);
        if (saturate)
            builder.Call(saturated);
        else
            builder.IL.Emit(operation);
        builder.Store(reader.Operands[0], type, reader);
    }

    private static PtxType ProductType(PtxType type, string half) => half == "wide" ? type with { Bits = type.Bits * 2 } : type;

    private static void Product(KernelBuilder builder, InstructionReader reader, PtxType type, string half)
    {
        if (type.Bits < 16 || (half == "wide" && type.Bits == 64))
            throw reader.Error($"'{reader.Instruction.Name}' is not known to the emulator.");
        bool widen = half != "lo" && type.Bits == 32;
        for (int i = 1; i <= 2; i++)
        {
            builder.Load(reader.Operands[i], type, reader);
            if (widen)
                builder.IL.Emit(type.IsSigned ? OpCodes.Conv_I8 : OpCodes.Conv_U8);
        }
        if (half == "hi" && type.Bits == 64)
        {
            builder.Call(typeof(IntegerMath), type.IsSigned ? nameof(IntegerMath.HighS64) : nameof(IntegerMath.HighU64));
            return;
        }
        builder.IL.Emit(OpCodes.Mul);
        if (half != "hi")
            return;
        builder.IL.Emit(OpCodes.Ldc_I4, type.Bits);
        builder.IL.Emit(type.IsSigned ? OpCodes.Shr : OpCodes.Shr_Un);
        if (widen)
            builder.IL.Emit(OpCodes.Conv_I4);
    }

    private static void Quotient(KernelBuilder builder, InstructionReader reader, PtxType type, string operation)
    {
        reader.End(3);
        builder.Load(reader.Operands[1], type, reader);
        builder.Load(reader.Operands[2], type, reader);
        builder.IL.Emit(OpCodes.Ldc_I4, reader.Index);
        builder.Call(typeof(IntegerMath), operation + Suffix(type, reader));
        builder.Store(reader.Operands[0], type, reader);
    }

    private static void Extreme(KernelBuilder builder, InstructionReader reader, string operation)
    {
        PtxType type = reader.Type();
        if (type.IsFloat)
        {
            FloatEmitter.Extreme(builder, reader, type, operation);
            return;
        }
        reader.End(3);
        builder.Load(reader.Operands[1], type, reader);
        builder.Load(reader.Operands[2], type, reader);
        builder.Call(typeof(IntegerMath), operation + Suffix(type, reader));
        builder.Store(reader.Operands[0], type, reader);
    }

    private static string Suffix(PtxType type, InstructionReader reader) => type.Kind is PtxTypeKind.Signed or PtxTypeKind.Unsigned
        ? $"{(type.IsSigned ? 'S' : 'U')}{(type.Bits == 64 ? 64 : 32)}"
        : throw reader.Error($"'{reader.Instruction.Name}' of type {type} is not known to the emulator.");

    private static PtxType Signed(PtxType type, InstructionReader reader) =>
        type.IsSigned ? type : throw reader.Error($"'{reader.Instruction.Name}' of type {type} is not known to the emulator.");

    private static float Negated(float value) => -value;

    private static double Negated(double value) => -value;
}
