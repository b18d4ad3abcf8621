using System.Reflection.Emit;
using Andrea.PtxEmulator.Parsing;
using Andrea.PtxEmulator.Semantics;

namespace Andrea.PtxEmulator.Translation.Emitters;

/// <summary>cvt.</summary>
internal static class ConvertEmitter
{
    public static void Convert(KernelBuilder builder, InstructionReader reader)
    {
        string? rounding = reader.OneOf("rni", "rzi", "rmi", "rpi", "rn", "rz", "rm", "rp");
        bool flush = reader.Has("ftz");
        bool saturate = reader.Has("sat");
        PtxType to = reader.Type(t => !t.IsPredicate && t.Kind != PtxTypeKind.Untyped);
        PtxType from = reader.Type(t => !t.IsPredicate && t.Kind != PtxTypeKind.Untyped);
        reader.End(2);
        if (flush && to != PtxType.F32 && from != PtxType.F32)
            throw reader.Error($"'.ftz' of '{reader.Instruction.Name}' is not known to the emulator.");
        builder.Load(reader.Operands[1], from, reader);
        if (flush && from == PtxType.F32)
            builder.Call(FloatMath.Flush);
        if (from.IsFloat && to.IsFloat)
            FloatToFloat(builder, reader, to, from, rounding);
        else if (from.IsFloat)
            FloatToInteger(builder, reader, to, from, rounding);
        else if (to.IsFloat)
            IntegerToFloat(builder, reader, to, from, rounding);
        else
            IntegerToInteger(builder, reader, to, from, rounding, saturate);
        if (flush && to == PtxType.F32)
            builder.Call(FloatMath.Flush);
        if (saturate && to.IsFloat)
            Saturate(builder, reader, to);
        builder.Store(reader.Operands[0], to, reader);
    }

    private static void FloatToFloat(KernelBuilder builder, InstructionReader reader, PtxType to, PtxType from, string? rounding)
    {
        if (to == from && from.Bits >= 32)
        {
            if (rounding is null)
                return;
            builder.IL.Emit(OpCodes.Ldc_I4, (int)Mode(reader, rounding, whole: true));
            if (to.Bits == 64)
                builder.Call(Conversions.ToWhole);
            else
                builder.Call(Conversions.ToWhole32);
            return;
        }
        if (from.Bits < to.Bits)
        {
            if (rounding is not null)
                throw reader.Error($"the rounding '.{rounding}' of '{reader.Instruction.Name}' is not known to the emulator.");
            if (from.Bits == 16)
                HalfToSingle(builder, from);
            if (to.Bits == 64)
                builder.IL.Emit(OpCodes.Conv_R8);
            return;
        }
        RoundingMode mode = Mode(reader, rounding, whole: false);
        if (to.Bits == 32 && from.Bits == 64 && mode == RoundingMode.NearestEven)
            builder.IL.Emit(OpCodes.Conv_R4);
        else if (to.Bits == 32 && from.Bits == 64)
        {
            builder.IL.Emit(OpCodes.Ldc_I4, (int)mode);
            builder.Call(RoundedMath.FromDouble);
        }
        else if (mode == RoundingMode.NearestEven && to.Bits == 16 && from.Bits > 16)
            ToHalf(builder, reader, to, from);
        else
            throw reader.Error($"'{reader.Instruction.Name}' is not known to the emulator.");
    }

    private static void HalfToSingle(KernelBuilder builder, PtxType from)
    {
        if (from.Kind == PtxTypeKind.BrainFloat)
            builder.Call(Conversions.FromBrain);
        else
            builder.Call(Conversions.FromHalf);
    }

    private static void ToHalf(KernelBuilder builder, InstructionReader reader, PtxType to, PtxType from)
    {
        if (to.Kind == PtxTypeKind.BrainFloat && from.Bits == 32)
            builder.Call(Conversions.ToBrain);
        else if (to.Kind == PtxTypeKind.BrainFloat)
            throw reader.Error($"'{reader.Instruction.Name}' is not known to the emulator.");
        else if (from.Bits == 64)
            builder.Call(Conversions.ToHalf64);
        else
            builder.Call(Conversions.ToHalf);
    }

    private static void FloatToInteger(KernelBuilder builder, InstructionReader reader, PtxType to, PtxType from, string? rounding)
    {
        RoundingMode mode = Mode(reader, rounding, whole: true);
        if (from.Bits == 16)
            HalfToSingle(builder, from);
        builder.IL.Emit(OpCodes.Conv_R8);
        builder.IL.Emit(OpCodes.Ldc_I4, (int)mode);
        builder.IL.Emit(OpCodes.Ldc_I4, to.Bits);
        builder.IL.Emit(to.IsSigned ? OpCodes.Ldc_I4_1 : OpCodes.Ldc_I4_0);
        builder.IL.Emit(from.Bits == 64 || to.Bits == 64 ? OpCodes.Ldc_I4_1 : OpCodes.Ldc_I4_0);
        builder.Call(Conversions.ToInteger);
        if (to.Bits < 64)
            builder.IL.Emit(OpCodes.Conv_I4);
    }

    private static void IntegerToFloat(KernelBuilder builder, InstructionReader reader, PtxType to, PtxType from, string? rounding)
    {
        RoundingMode mode = Mode(reader, rounding, whole: false);
        if (to.Bits == 16)
            throw reader.Error($"'{reader.Instruction.Name}' is not known to the emulator.");
        if (from.Bits < 64)
            builder.IL.Emit(from.IsSigned ? OpCodes.Conv_I8 : OpCodes.Conv_U8);
        // A signed 64-bit integer, or any narrower one, is rounded once by this machine's own instruction.
        if (mode == RoundingMode.NearestEven && (from.IsSigned || from.Bits < 64))
        {
            builder.IL.Emit(to.Bits == 64 ? OpCodes.Conv_R8 : OpCodes.Conv_R4);
            return;
        }
        builder.IL.Emit(OpCodes.Ldc_I4, (int)mode);
        string target = to.Bits == 64 ? "Double" : "Single";
        builder.Call(typeof(Conversions), $"{target}From{(from.IsSigned ? "Signed" : "Unsigned")}");
    }

    private static void IntegerToInteger(
        KernelBuilder builder, InstructionReader reader, PtxType to, PtxType from, string? rounding, bool saturate)
    {
        if (rounding is not null)
            throw reader.Error($"the rounding '.{rounding}' of '{reader.Instruction.Name}' is not known to the emulator.");
        if (from.Bits < 64 && (to.Bits == 64 || saturate))
            builder.IL.Emit(from.IsSigned ? OpCodes.Conv_I8 : OpCodes.Conv_U8);
        if (saturate)
            Clamp(builder, to, from);
        if (to.Bits < 64 && (from.Bits == 64 || saturate))
            builder.IL.Emit(OpCodes.Conv_I4);
        if (to.Bits < from.Bits)
            builder.Extend(to);
    }

    private static void Clamp(KernelBuilder builder, PtxType to, PtxType from)
    {
        long most = to.IsSigned ? (long)(ulong.MaxValue >> (65 - to.Bits)) : (long)(ulong.MaxValue >> (64 - to.Bits));
        if (from.IsSigned)
        {
            builder.IL.Emit(OpCodes.Ldc_I8, to.IsSigned ? -most - 1 : 0);
            builder.IL.Emit(OpCodes.Ldc_I8, to is { IsSigned: false, Bits: 64 } ? long.MaxValue : most);
            builder.Call(Conversions.SaturateSigned);
            return;
        }
        builder.IL.Emit(OpCodes.Ldc_I8, most);
        builder.Call(Conversions.SaturateUnsigned);
    }

    private static void Saturate(KernelBuilder builder, InstructionReader reader, PtxType to)
    {
        if (to.Bits == 16)
            throw reader.Error($"'.sat' of '{reader.Instruction.Name}' is not known to the emulator.");
        if (to.Bits == 64)
            builder.Call(FloatMath.Saturate64);
        else
            builder.Call(FloatMath.Saturate);
    }

    private static RoundingMode Mode(InstructionReader reader, string? rounding, bool whole) => (rounding, whole) switch
    {
        ("rni", true) or ("rn", false) => RoundingMode.NearestEven,
        ("rzi", true) or ("rz", false) => RoundingMode.Zero,
        ("rmi", true) or ("rm", false) => RoundingMode.Down,
        ("rpi", true) or ("rp", false) => RoundingMode.Up,
        _ => throw reader.Error($"'{reader.Instruction.Name}' names no rounding that the emulator knows there."),
    };
}
