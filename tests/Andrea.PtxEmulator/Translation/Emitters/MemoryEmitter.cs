using System.Reflection.Emit;
using Andrea.PtxEmulator.Execution;
using Andrea.PtxEmulator.Memory;
using Andrea.PtxEmulator.Parsing;

namespace Andrea.PtxEmulator.Translation.Emitters;

/// <summary>ld and st. Cache hints change nothing here; every access is checked.</summary>
internal static class MemoryEmitter
{
    private static readonly string[] CacheHints =
    [
        "volatile", "relaxed", "acquire", "release", "weak", "cta", "gpu", "sys", "nc", "ca", "cg", "cs", "lu", "cv", "wb", "wt",
        "L1::evict_normal", "L1::evict_first", "L1::evict_last", "L1::no_allocate", "L1::evict_unchanged",
        "L2::64B", "L2::128B", "L2::256B",
    ];

    public static void Load(KernelBuilder builder, InstructionReader reader)
    {
        (PtxSpace space, PtxType type, int count) = Modifiers(reader);
        PtxOperand[] targets = Elements(reader, reader.Operands[0], count);
        Pointer(builder, reader, space, reader.Operands[1], type.Bytes * count, AccessKind.Read);
        LocalBuilder pointer = builder.Scratch(typeof(nint));
        if (count > 1)
            builder.IL.Emit(OpCodes.Stloc, pointer);
        for (int i = 0; i < count; i++)
        {
            if (count > 1)
                Element(builder, pointer, i * type.Bytes);
            PtxType loaded = LoadedType(type, targets[i]);
            builder.IL.Emit(LoadCode(loaded));
            builder.Store(targets[i], loaded, reader);
        }
    }

    public static void Store(KernelBuilder builder, InstructionReader reader)
    {
        (PtxSpace space, PtxType type, int count) = Modifiers(reader);
        PtxOperand[] sources = Elements(reader, reader.Operands[1], count);
        Pointer(builder, reader, space, reader.Operands[0], type.Bytes * count, AccessKind.Write);
        LocalBuilder pointer = builder.Scratch(typeof(nint));
        if (count > 1)
            builder.IL.Emit(OpCodes.Stloc, pointer);
        for (int i = 0; i < count; i++)
        {
            if (count > 1)
                Element(builder, pointer, i * type.Bytes);
            // As bits: a NaN that arithmetic made becomes the one that a GPU makes.
            builder.Load(sources[i], type.AsBits, reader);
            builder.IL.Emit(StoreCode(type));
        }
    }

    /// <summary>The space that the modifiers name; generic when they name none.</summary>
    public static PtxSpace Space(InstructionReader reader) =>
        reader.OneOf("global", "shared", "shared::cta", "local", "const", "param", "param::entry", "param::func") switch
        {
            "global" => PtxSpace.Global,
            "shared" or "shared::cta" => PtxSpace.Shared,
            "local" => PtxSpace.Local,
            "const" => PtxSpace.Constant,
            "param" or "param::entry" or "param::func" => PtxSpace.Parameter,
            _ => PtxSpace.Generic,
        };

    /// <summary>Puts a checked pointer to the bytes at an address on the stack.</summary>
    public static void Pointer(KernelBuilder builder, InstructionReader reader, PtxSpace space, PtxOperand operand, int bytes, AccessKind kind)
    {
        if (operand is not AddressOperand address)
            throw reader.Error($"'{reader.Instruction.Name}' needs an address in brackets.");
        // An atomic operation needs a value to start from, as a read does.
        string access = kind == AccessKind.Write ? "Write" : "Read";
        switch (space)
        {
            case PtxSpace.Global or PtxSpace.Constant:
                builder.IL.Emit(OpCodes.Ldloc, builder.Pages);
                Address(builder, reader, address);
                CallAccess(builder, reader, $"Global{access}", bytes);
                break;
            case PtxSpace.Shared:
                SharedPointer(builder, reader, address, bytes, kind);
                break;
            case PtxSpace.Local:
                LocalPointer(builder, reader, address, bytes, access);
                break;
            case PtxSpace.Parameter:
                ParameterPointer(builder, reader, address, bytes, access);
                break;
            default:
                builder.IL.Emit(OpCodes.Ldarg_0);
                Address(builder, reader, address);
                builder.IL.Emit(OpCodes.Ldc_I4, bytes);
                builder.IL.Emit(OpCodes.Ldc_I4, reader.Index);
                builder.IL.Emit(OpCodes.Ldc_I4, (int)kind);
                builder.IL.Emit(builder.DetectRaces ? OpCodes.Ldc_I4_1 : OpCodes.Ldc_I4_0);
                builder.Call(typeof(GenericAccess), nameof(GenericAccess.Pointer));
                break;
        }
    }

    private static void SharedPointer(KernelBuilder builder, InstructionReader reader, AddressOperand address, int bytes, AccessKind kind)
    {
        string access = kind == AccessKind.Write ? "Write" : "Read";
        if (builder.DetectRaces)
        {
            builder.IL.Emit(OpCodes.Ldarg_0);
            Address(builder, reader, address);
            builder.IL.Emit(OpCodes.Ldc_I4, bytes);
            builder.IL.Emit(OpCodes.Ldc_I4, (int)kind);
            builder.IL.Emit(OpCodes.Ldc_I4, reader.Index);
            builder.Call(typeof(RaceDetector), nameof(RaceDetector.Trace));
        }
        builder.IL.Emit(OpCodes.Ldloc, builder.Shared);
        builder.IL.Emit(OpCodes.Ldloc, builder.SharedBytes);
        Address(builder, reader, address);
        CallAccess(builder, reader, $"Window{access}", bytes);
    }

    private static void LocalPointer(KernelBuilder builder, InstructionReader reader, AddressOperand address, int bytes, string access)
    {
        builder.LoadThread(nameof(ThreadFrame.Local));
        builder.LoadThread(nameof(ThreadFrame.LocalBytes));
        Address(builder, reader, address);
        CallAccess(builder, reader, $"Window{access}", bytes);
    }

    /// <summary>A kernel's parameters are the launch's; a function's lie in local memory.</summary>
    private static void ParameterPointer(KernelBuilder builder, InstructionReader reader, AddressOperand address, int bytes, string access)
    {
        if (address.Variable is { } variable && !builder.Layout.IsEntryParameter(variable))
        {
            LocalPointer(builder, reader, address, bytes, access);
            return;
        }
        if (access == "Write")
            throw reader.Error("a kernel's parameters cannot be written.");
        builder.LoadBlock(nameof(BlockFrame.Parameters));
        builder.LoadBlock(nameof(BlockFrame.ParameterBytes));
        Address(builder, reader, address);
        CallAccess(builder, reader, nameof(MemoryAccess.ParameterRead), bytes);
    }

    private static void CallAccess(KernelBuilder builder, InstructionReader reader, string method, int bytes)
    {
        builder.IL.Emit(OpCodes.Ldc_I4, bytes);
        builder.IL.Emit(OpCodes.Ldc_I4, reader.Index);
        builder.Call(typeof(MemoryAccess), method);
    }

    private static void Address(KernelBuilder builder, InstructionReader reader, AddressOperand address)
    {
        if (address.Variable is { } variable)
        {
            builder.LoadVariable(new VariableOperand(variable, address.Offset));
            return;
        }
        if (address.Register is not { } register)
        {
            builder.IL.Emit(OpCodes.Ldc_I8, address.Offset);
            return;
        }
        builder.Load(new RegisterOperand(register, false), register.Type.AsBits, reader);
        if (register.Type.Bits == 32)
            builder.IL.Emit(OpCodes.Conv_U8);
        if (address.Offset == 0)
            return;
        builder.IL.Emit(OpCodes.Ldc_I8, address.Offset);
        builder.IL.Emit(OpCodes.Add);
    }

    private static (PtxSpace Space, PtxType Type, int Count) Modifiers(InstructionReader reader)
    {
        while (reader.OneOf(CacheHints) is not null)
        {
        }
        PtxSpace space = Space(reader);
        int count = reader.OneOf("v2", "v4") is { } vector ? vector[1] - '0' : 1;
        PtxType type = reader.Type(t => !t.IsPredicate);
        reader.End(2);
        return type.Bytes * count <= 16 ? (space, type, count) : throw reader.Error($"'{reader.Instruction.Name}' moves more than 16 bytes.");
    }

    private static PtxOperand[] Elements(InstructionReader reader, PtxOperand operand, int count)
    {
        PtxOperand[] elements = operand is VectorOperand vector ? vector.Elements : [operand];
        return elements.Length == count
            ? elements
            : throw reader.Error($"'{reader.Instruction.Name}' has {elements.Length} elements, expected {count}.");
    }

    private static void Element(KernelBuilder builder, LocalBuilder pointer, int offset)
    {
        builder.IL.Emit(OpCodes.Ldloc, pointer);
        if (offset == 0)
            return;
        builder.IL.Emit(OpCodes.Ldc_I4, offset);
        builder.IL.Emit(OpCodes.Add);
    }

    /// <summary>A float is loaded as one only into a float's register; everything else is bits with the sign that the type says.</summary>
    private static PtxType LoadedType(PtxType type, PtxOperand target) =>
        type.IsFloat && (type.Bits == 16 || target is not RegisterOperand { Register.Type.IsFloat: true }) ? type.AsBits
        : target is RegisterOperand { Register.Type: { IsFloat: true, Bits: >= 32 } register } && register.Bits == type.Bits ? register
        : type;

    private static OpCode LoadCode(PtxType type) => (StackKinds.Of(type), type.Bits) switch
    {
        (StackKind.Float32, _) => OpCodes.Ldind_R4,
        (StackKind.Float64, _) => OpCodes.Ldind_R8,
        (StackKind.Int64, _) => OpCodes.Ldind_I8,
        (_, 8) => type.IsSigned ? OpCodes.Ldind_I1 : OpCodes.Ldind_U1,
        (_, 16) => type.IsSigned ? OpCodes.Ldind_I2 : OpCodes.Ldind_U2,
        _ => OpCodes.Ldind_I4,
    };

    private static OpCode StoreCode(PtxType type) => type.Bits switch
    {
        8 => OpCodes.Stind_I1,
        16 => OpCodes.Stind_I2,
        32 => OpCodes.Stind_I4,
        _ => OpCodes.Stind_I8,
    };
}
