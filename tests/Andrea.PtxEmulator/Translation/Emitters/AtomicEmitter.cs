using System.Reflection.Emit;
using Andrea.PtxEmulator.Memory;
using Andrea.PtxEmulator.Parsing;
using Andrea.PtxEmulator.Semantics;

namespace Andrea.PtxEmulator.Translation.Emitters;

/// <summary>atom and red on integers. Threads run one after another where a kernel uses these, so no locks are needed.</summary>
internal static class AtomicEmitter
{
    private static readonly string[] Operations = ["add", "min", "max", "inc", "dec", "cas", "exch", "and", "or", "xor"];

    public static void Atomic(KernelBuilder builder, InstructionReader reader) => Emit(builder, reader, hasResult: true);

    public static void Reduce(KernelBuilder builder, InstructionReader reader) => Emit(builder, reader, hasResult: false);

    private static void Emit(KernelBuilder builder, InstructionReader reader, bool hasResult)
    {
        reader.OneOf("relaxed", "acquire", "release", "acq_rel");
        reader.OneOf("cta", "gpu", "sys");
        PtxSpace space = MemoryEmitter.Space(reader);
        string operation = reader.Needed(Operations);
        PtxType type = reader.Type(t => t.Bits >= 32);
        if (type.IsFloat)
            throw reader.Error($"'{reader.Instruction.Name}': atomics on floats have no fixed order and are not known to the emulator.");
        int first = hasResult ? 1 : 0;
        int values = operation == "cas" ? 2 : 1;
        reader.End(first + 1 + values);
        MemoryEmitter.Pointer(builder, reader, space, reader.Operands[first], type.Bytes, AccessKind.Atomic);
        for (int i = 0; i < values; i++)
            builder.Load(reader.Operands[first + 1 + i], type, reader);
        builder.Call(typeof(AtomicMath), Method(reader, operation, type));
        if (hasResult)
            builder.Store(reader.Operands[0], type, reader);
        else
            builder.IL.Emit(OpCodes.Pop);
    }

    private static string Method(InstructionReader reader, string operation, PtxType type)
    {
        string sign = operation is "min" or "max" ? (type.IsSigned ? "S" : type.Kind == PtxTypeKind.Unsigned ? "U" : "?") : "";
        if (sign == "?" || (operation is "inc" or "dec" && type != PtxType.U32))
            throw reader.Error($"'{reader.Instruction.Name}' is not known to the emulator.");
        return $"{char.ToUpperInvariant(operation[0])}{operation[1..]}{sign}{type.Bits}";
    }
}
