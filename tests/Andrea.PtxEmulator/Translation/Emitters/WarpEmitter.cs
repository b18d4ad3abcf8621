using System.Reflection.Emit;
using Andrea.PtxEmulator.Execution;
using Andrea.PtxEmulator.Parsing;

namespace Andrea.PtxEmulator.Translation.Emitters;

/// <summary>Everything for which a thread waits for others: barriers, shuffles, votes, matches, reductions.</summary>
internal static class WarpEmitter
{
    public static void Barrier(KernelBuilder builder, InstructionReader reader)
    {
        reader.Has("cta");
        string what = reader.Needed("warp", "sync", "red", "arrive");
        if (what == "warp")
        {
            reader.Needed("sync");
            reader.End(1);
            Mask(builder, reader, 0);
            Wait(builder, reader, WaitKind.WarpBarrier);
            return;
        }
        reader.Has("aligned");
        string operation = what == "red" ? reader.Needed("popc", "and", "or") : "";
        PtxType type = what == "red" ? reader.Type(t => t == (operation == "popc" ? PtxType.U32 : PtxType.Predicate)) : PtxType.U32;
        reader.EndModifiers();
        int first = what == "red" ? 1 : 0;
        int most = first + (what == "red" ? 3 : 2);
        bool hasCount = reader.Operands.Length == most;
        if (reader.Operands.Length < most - 1 || reader.Operands.Length > most || (what == "arrive" && !hasCount))
            throw reader.Error($"'{reader.Instruction.Name}' with {reader.Operands.Length} operands is not known to the emulator.");
        Operand(builder, reader, nameof(ThreadFrame.A), first, PtxType.U32);
        if (hasCount)
            Operand(builder, reader, nameof(ThreadFrame.B), first + 1, PtxType.U32);
        else
            builder.StoreThread(nameof(ThreadFrame.B), () => builder.IL.Emit(OpCodes.Ldc_I4_0));
        if (what == "red")
            Operand(builder, reader, nameof(ThreadFrame.C), reader.Operands.Length - 1, PtxType.Predicate);
        Wait(builder, reader, what == "arrive" ? WaitKind.BarrierArrive : WaitKind.Barrier, operation);
        if (what == "red")
            Result(builder, reader, reader.Operands[0], type);
    }

    public static void Shuffle(KernelBuilder builder, InstructionReader reader)
    {
        reader.Needed("sync");
        string mode = reader.Needed("up", "down", "bfly", "idx");
        reader.Type(t => t == PtxType.B32);
        reader.End(5);
        Operand(builder, reader, nameof(ThreadFrame.A), 1, PtxType.B32);
        Operand(builder, reader, nameof(ThreadFrame.B), 2, PtxType.B32);
        Operand(builder, reader, nameof(ThreadFrame.C), 3, PtxType.B32);
        Mask(builder, reader, 4);
        Wait(builder, reader, WaitKind.Shuffle, mode);
        Results(builder, reader);
    }

    public static void Vote(KernelBuilder builder, InstructionReader reader)
    {
        reader.Needed("sync");
        string mode = reader.Needed("any", "all", "uni", "ballot");
        PtxType type = reader.Type(t => t == (mode == "ballot" ? PtxType.B32 : PtxType.Predicate));
        reader.End(3);
        Operand(builder, reader, nameof(ThreadFrame.A), 1, PtxType.Predicate);
        Mask(builder, reader, 2);
        Wait(builder, reader, WaitKind.Vote, mode);
        Result(builder, reader, reader.Operands[0], type);
    }

    public static void ActiveMask(KernelBuilder builder, InstructionReader reader)
    {
        reader.Type(t => t == PtxType.B32);
        reader.End(1);
        Wait(builder, reader, WaitKind.ActiveMask);
        Result(builder, reader, reader.Operands[0], PtxType.B32);
    }

    public static void Match(KernelBuilder builder, InstructionReader reader)
    {
        string mode = reader.Needed("any", "all");
        reader.Needed("sync");
        PtxType type = reader.Type(t => t == PtxType.B32 || t == PtxType.B64);
        reader.End(3);
        Operand(builder, reader, nameof(ThreadFrame.A), 1, type, OpCodes.Conv_I4);
        builder.StoreThread(nameof(ThreadFrame.B), () => UpperHalf(builder, reader, type));
        Mask(builder, reader, 2);
        Wait(builder, reader, WaitKind.Match, mode);
        Results(builder, reader);
    }

    public static void Reduce(KernelBuilder builder, InstructionReader reader)
    {
        reader.Needed("sync");
        string operation = reader.Needed("add", "min", "max", "and", "or", "xor");
        bool bits = operation is "and" or "or" or "xor";
        PtxType type = reader.Type(t => t.Bits == 32 && t.IsInteger && (bits == (t.Kind == PtxTypeKind.Untyped)));
        reader.End(3);
        Operand(builder, reader, nameof(ThreadFrame.A), 1, type);
        Mask(builder, reader, 2);
        Wait(builder, reader, WaitKind.Reduce, operation, type.IsSigned);
        Result(builder, reader, reader.Operands[0], type);
    }

    private static void UpperHalf(KernelBuilder builder, InstructionReader reader, PtxType type)
    {
        if (type.Bits == 32)
        {
            builder.IL.Emit(OpCodes.Ldc_I4_0);
            return;
        }
        builder.Load(reader.Operands[1], type, reader);
        builder.IL.Emit(OpCodes.Ldc_I4, 32);
        builder.IL.Emit(OpCodes.Shr_Un);
        builder.IL.Emit(OpCodes.Conv_I4);
    }

    private static void Mask(KernelBuilder builder, InstructionReader reader, int operand) =>
        Operand(builder, reader, nameof(ThreadFrame.Mask), operand, PtxType.B32);

    private static void Operand(KernelBuilder builder, InstructionReader reader, string field, int operand, PtxType type, OpCode? convert = null) =>
        builder.StoreThread(field, () =>
        {
            builder.Load(reader.Operands[operand], type, reader);
            if (convert is { } code)
                builder.IL.Emit(code);
        });

    private static void Wait(KernelBuilder builder, InstructionReader reader, WaitKind kind, string operation = "", bool isSigned = false) =>
        builder.EmitWait(new WaitPoint(kind, reader.Index, reader.Instruction.Line, reader.Instruction.Name, operation, isSigned));

    /// <summary>A result, and a predicate beside it if the instruction asks for one.</summary>
    private static void Results(KernelBuilder builder, InstructionReader reader)
    {
        var both = reader.Operands[0] as PairOperand;
        Result(builder, reader, both?.First ?? reader.Operands[0], PtxType.B32);
        if (both is not null)
            Result(builder, reader, both.Second, PtxType.Predicate);
    }

    private static void Result(KernelBuilder builder, InstructionReader reader, PtxOperand operand, PtxType type)
    {
        builder.LoadThread(type.IsPredicate ? nameof(ThreadFrame.ResultPredicate) : nameof(ThreadFrame.Result));
        builder.Store(operand, type, reader);
    }
}
