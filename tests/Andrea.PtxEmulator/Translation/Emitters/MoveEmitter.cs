using System.Reflection.Emit;
using Andrea.PtxEmulator.Execution;
using Andrea.PtxEmulator.Parsing;

namespace Andrea.PtxEmulator.Translation.Emitters;

/// <summary>mov, with its packing and unpacking, and cvta.</summary>
internal static class MoveEmitter
{
    public static void Move(KernelBuilder builder, InstructionReader reader)
    {
        PtxType type = reader.Type(t => t.IsPredicate || t.Bits > 8);
        reader.End(2);
        if (reader.Operands[0] is VectorOperand parts)
            Unpack(builder, reader, type, parts.Elements);
        else if (reader.Operands[1] is VectorOperand elements)
            Pack(builder, reader, type, elements.Elements);
        else
        {
            builder.Load(reader.Operands[1], type, reader);
            builder.Store(reader.Operands[0], type, reader);
        }
    }

    /// <summary>Between an address in a space and a generic address.</summary>
    public static void ConvertAddress(KernelBuilder builder, InstructionReader reader)
    {
        bool toSpace = reader.Has("to");
        string space = reader.Needed("global", "shared", "local", "const", "param");
        reader.Has("shared::cta");
        PtxType type = reader.Type(t => t == PtxType.U64);
        reader.End(2);
        if (space == "param")
            throw reader.Error("generic addresses of parameters are not known to the emulator.");
        builder.Load(reader.Operands[1], type, reader);
        ulong window = space switch { "shared" => AddressWindows.Shared, "local" => AddressWindows.Local, _ => 0 };
        if (window != 0)
        {
            builder.IL.Emit(OpCodes.Ldc_I8, (long)window);
            builder.IL.Emit(toSpace ? OpCodes.Sub : OpCodes.Add);
        }
        builder.Store(reader.Operands[0], type, reader);
    }

    private static void Unpack(KernelBuilder builder, InstructionReader reader, PtxType type, PtxOperand[] parts)
    {
        PtxType part = PartType(reader, type, parts);
        LocalBuilder whole = builder.Scratch(typeof(long));
        builder.Load(reader.Operands[1], type.AsBits, reader);
        builder.IL.Emit(OpCodes.Conv_U8);
        builder.IL.Emit(OpCodes.Stloc, whole);
        for (int i = 0; i < parts.Length; i++)
        {
            if (parts[i] is SinkOperand)
                continue;
            builder.IL.Emit(OpCodes.Ldloc, whole);
            builder.IL.Emit(OpCodes.Ldc_I4, i * part.Bits);
            builder.IL.Emit(OpCodes.Shr_Un);
            builder.IL.Emit(OpCodes.Conv_I4);
            builder.Store(parts[i], part, reader);
        }
    }

    private static void Pack(KernelBuilder builder, InstructionReader reader, PtxType type, PtxOperand[] parts)
    {
        PtxType part = PartType(reader, type, parts);
        for (int i = 0; i < parts.Length; i++)
        {
            builder.Load(parts[i], part, reader);
            builder.IL.Emit(OpCodes.Conv_U8);
            builder.IL.Emit(OpCodes.Ldc_I4, i * part.Bits);
            builder.IL.Emit(OpCodes.Shl);
            if (i > 0)
                builder.IL.Emit(OpCodes.Or);
        }
        if (type.Bits < 64)
            builder.IL.Emit(OpCodes.Conv_I4);
        builder.Store(reader.Operands[0], type.AsBits, reader);
    }

    private static PtxType PartType(InstructionReader reader, PtxType type, PtxOperand[] parts)
    {
        var part = new PtxType(PtxTypeKind.Untyped, type.Bits / parts.Length);
        return parts.Length is 2 or 4 && part.Bits is 16 or 32
            ? part
            : throw reader.Error($"'{reader.Instruction.Name}' with {parts.Length} parts is not known to the emulator.");
    }
}
