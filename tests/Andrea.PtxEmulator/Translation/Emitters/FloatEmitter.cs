using System.Reflection.Emit;
using Andrea.PtxEmulator.Parsing;
using Andrea.PtxEmulator.Semantics;

namespace Andrea.PtxEmulator.Translation.Emitters;

/// <summary>Arithmetic on float32 and float64: rounding, flushing of denormals and saturation are modifiers of the same few shapes.</summary>
internal static class FloatEmitter
{
    /// <summary>add, sub, mul.</summary>
    public static void Binary(
        KernelBuilder builder, InstructionReader reader, PtxType type, OpCode operation, Func<float, float, RoundingMode, float> directed)
    {
        Check(type, reader);
        RoundingMode mode = Rounding(reader, RoundingMode.NearestEven);
        Shape shape = Modifiers(reader, type);
        reader.End(3);
        Load(builder, reader, type, shape, 2);
        if (mode == RoundingMode.NearestEven)
            builder.IL.Emit(operation);
        else
            Directed(builder, reader, type, mode, directed);
        Store(builder, reader, type, shape);
    }

    /// <summary>fma, and mad, which is the same on every GPU since 2010.</summary>
    public static void FusedMultiplyAdd(KernelBuilder builder, InstructionReader reader) =>
        FusedMultiplyAdd(builder, reader, reader.Type(t => t.IsFloat));

    public static void FusedMultiplyAdd(KernelBuilder builder, InstructionReader reader, PtxType type)
    {
        Check(type, reader);
        RoundingMode mode = Rounding(reader, null);
        Shape shape = Modifiers(reader, type);
        reader.End(4);
        Load(builder, reader, type, shape, 3);
        if (mode != RoundingMode.NearestEven)
            Directed(builder, reader, type, mode, RoundedMath.FusedMultiplyAdd);
        else if (type == PtxType.F32)
            builder.Call(MathF.FusedMultiplyAdd);
        else
            builder.Call(Math.FusedMultiplyAdd);
        Store(builder, reader, type, shape);
    }

    public static void Divide(KernelBuilder builder, InstructionReader reader, PtxType type)
    {
        Check(type, reader);
        string how = type == PtxType.F32 ? reader.OneOf("approx", "full") ?? "" : "";
        RoundingMode mode = how == "" ? Rounding(reader, null) : RoundingMode.NearestEven;
        Shape shape = Modifiers(reader, type);
        reader.End(3);
        Load(builder, reader, type, shape, 2);
        if (how == "approx")
            builder.Call(Approximations.Divide);
        else if (mode == RoundingMode.NearestEven)
            builder.IL.Emit(OpCodes.Div);
        else
            Directed(builder, reader, type, mode, RoundedMath.Divide);
        Store(builder, reader, type, shape);
    }

    /// <summary>abs, neg.</summary>
    public static void Unary(KernelBuilder builder, InstructionReader reader, PtxType type, Func<float, float> single, Func<double, double> twice)
    {
        Check(type, reader);
        Shape shape = Modifiers(reader, type);
        reader.End(2);
        Load(builder, reader, type, shape, 1);
        if (type == PtxType.F32)
            builder.Call(single);
        else
            builder.Call(twice);
        Store(builder, reader, type, shape);
    }

    /// <summary>min, max.</summary>
    public static void Extreme(KernelBuilder builder, InstructionReader reader, PtxType type, string operation)
    {
        Check(type, reader);
        bool nan = type == PtxType.F32 && reader.Has("NaN");
        Shape shape = Modifiers(reader, type) with { Saturate = false };
        reader.End(3);
        Load(builder, reader, type, shape, 2);
        builder.Call(typeof(FloatMath), operation + (nan ? "Nan" : type == PtxType.F64 ? "64" : ""));
        Store(builder, reader, type, shape);
    }

    /// <summary>sqrt, rcp: exactly rounded or approximate.</summary>
    public static void Root(KernelBuilder builder, InstructionReader reader)
    {
        PtxType type = reader.Type(t => t.IsFloat);
        Check(type, reader);
        bool approximate = type == PtxType.F32 && reader.Has("approx");
        RoundingMode mode = approximate ? RoundingMode.NearestEven : Rounding(reader, null);
        Shape shape = Modifiers(reader, type);
        reader.End(2);
        Load(builder, reader, type, shape, 1);
        if (mode != RoundingMode.NearestEven)
            Directed(builder, reader, type, mode, RoundedMath.SquareRoot);
        else if (type == PtxType.F32)
            builder.Call(MathF.Sqrt);
        else
            builder.Call(Math.Sqrt);
        Store(builder, reader, type, shape);
    }

    public static void Reciprocal(KernelBuilder builder, InstructionReader reader)
    {
        PtxType type = reader.Type(t => t.IsFloat);
        Check(type, reader);
        bool approximate = reader.Has("approx");
        if (approximate && type == PtxType.F64)
        {
            Gross(builder, reader, Approximations.Reciprocal64);
            return;
        }
        RoundingMode mode = approximate ? RoundingMode.NearestEven : Rounding(reader, null);
        Shape shape = Modifiers(reader, type);
        reader.End(2);
        if (type == PtxType.F32)
            builder.IL.Emit(OpCodes.Ldc_R4, 1f);
        else
            builder.IL.Emit(OpCodes.Ldc_R8, 1d);
        Load(builder, reader, type, shape, 1);
        if (mode == RoundingMode.NearestEven)
            builder.IL.Emit(OpCodes.Div);
        else
            Directed(builder, reader, type, mode, RoundedMath.Divide);
        Store(builder, reader, type, shape);
    }

    public static void ReciprocalRoot(KernelBuilder builder, InstructionReader reader)
    {
        PtxType type = reader.Type(t => t.IsFloat);
        reader.Needed("approx");
        if (type == PtxType.F32)
            Approximate(builder, reader, Approximations.ReciprocalRoot);
        else if (reader.Instruction.Modifiers.Contains("ftz"))
            Gross(builder, reader, Approximations.ReciprocalRoot64Gross);
        else
            Gross(builder, reader, Approximations.ReciprocalRoot64);
    }

    /// <summary>ex2, lg2, sin, cos, tanh: float32 and approximate only.</summary>
    public static Action<KernelBuilder, InstructionReader> Function(Func<float, float> function) => (builder, reader) =>
    {
        reader.Type(t => t == PtxType.F32);
        reader.Needed("approx");
        Approximate(builder, reader, function);
    };

    /// <summary>The rounding that the modifiers name.</summary>
    /// <param name="otherwise">What holds when they name none; null where PTX wants one named.</param>
    public static RoundingMode Rounding(InstructionReader reader, RoundingMode? otherwise) => reader.OneOf("rn", "rz", "rm", "rp") switch
    {
        "rn" => RoundingMode.NearestEven,
        "rz" => RoundingMode.Zero,
        "rm" => RoundingMode.Down,
        "rp" => RoundingMode.Up,
        _ => otherwise ?? throw reader.Error($"'{reader.Instruction.Name}' names no rounding that the emulator knows."),
    };

    private static void Approximate(KernelBuilder builder, InstructionReader reader, Func<float, float> function)
    {
        Shape shape = Modifiers(reader, PtxType.F32);
        reader.End(2);
        Load(builder, reader, PtxType.F32, shape, 1);
        builder.Call(function);
        Store(builder, reader, PtxType.F32, shape);
    }

    private static void Gross(KernelBuilder builder, InstructionReader reader, Func<double, double> function)
    {
        reader.Has("ftz");
        reader.End(2);
        builder.Load(reader.Operands[1], PtxType.F64, reader);
        builder.Call(function);
        builder.Store(reader.Operands[0], PtxType.F64, reader);
    }

    private static void Directed(KernelBuilder builder, InstructionReader reader, PtxType type, RoundingMode mode, Delegate function)
    {
        if (type != PtxType.F32)
            throw reader.Error($"directed rounding in '{reader.Instruction.Name}' is not known to the emulator.");
        builder.IL.Emit(OpCodes.Ldc_I4, (int)mode);
        builder.Call(function);
    }

    private static Shape Modifiers(InstructionReader reader, PtxType type) => new(type == PtxType.F32 && reader.Has("ftz"), reader.Has("sat"));

    private static void Load(KernelBuilder builder, InstructionReader reader, PtxType type, Shape shape, int count)
    {
        for (int i = 1; i <= count; i++)
        {
            builder.Load(reader.Operands[i], type, reader);
            if (shape.Flush)
                builder.Call(FloatMath.Flush);
        }
    }

    private static void Store(KernelBuilder builder, InstructionReader reader, PtxType type, Shape shape)
    {
        if (shape.Flush)
            builder.Call(FloatMath.Flush);
        if (shape.Saturate && type == PtxType.F32)
            builder.Call(FloatMath.Saturate);
        else if (shape.Saturate)
            throw reader.Error($"the modifier '.sat' of '{reader.Instruction.Name}' is not known to the emulator.");
        builder.Store(reader.Operands[0], type, reader);
    }

    private static void Check(PtxType type, InstructionReader reader)
    {
        if (type != PtxType.F32 && type != PtxType.F64)
            throw reader.Error($"'{reader.Instruction.Name}' of type {type} is not known to the emulator.");
    }

    private readonly record struct Shape(bool Flush, bool Saturate);
}
