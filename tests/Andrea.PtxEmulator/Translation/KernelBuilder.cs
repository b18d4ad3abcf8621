using System.Reflection;
using System.Reflection.Emit;
using Andrea.PtxEmulator.Execution;
using Andrea.PtxEmulator.Parsing;
using Andrea.PtxEmulator.Semantics;

namespace Andrea.PtxEmulator.Translation;

/// <summary>Writes the code of one kernel: operands onto the evaluation stack, results from there into registers.</summary>
internal sealed partial class KernelBuilder
{
    private readonly RegisterLocals _locals;
    private readonly WaitPoints _waits;
    private readonly PtxRegister[] _liveAtEntry;
    private readonly HashSet<PtxRegister> _arithmeticNans;
    private readonly Dictionary<(Type, int), LocalBuilder> _scratch = [];

    public KernelBuilder(ILGenerator il, FlatKernel kernel, KernelLayout layout, Liveness liveness, bool detectRaces)
    {
        (IL, Layout, DetectRaces) = (il, layout, detectRaces);
        _waits = new WaitPoints(il, kernel, liveness);
        (_locals, _liveAtEntry) = (new RegisterLocals(il, liveness), liveness.AtEntry());
        _arithmeticNans = NanOrigins.Find(kernel);
        (Pages, Shared, SharedBytes) = (il.DeclareLocal(typeof(nint)), il.DeclareLocal(typeof(nint)), il.DeclareLocal(typeof(long)));
    }

    public ILGenerator IL { get; }

    public KernelLayout Layout { get; }

    public bool DetectRaces { get; }

    public LocalBuilder Pages { get; }

    public LocalBuilder Shared { get; }

    public LocalBuilder SharedBytes { get; }

    /// <summary>Puts an operand's value on the stack, as the type says: small integers extended, floats as floats, the rest as bits.</summary>
    public void Load(PtxOperand operand, PtxType type, InstructionReader reader)
    {
        switch (operand)
        {
            case RegisterOperand register:
                LoadRegister(register, type, reader);
                break;
            case ImmediateOperand immediate:
                LoadImmediate(immediate, type, reader);
                break;
            case SpecialOperand special:
                LoadSpecial(special.Name);
                if (StackKinds.Of(type) == StackKind.Int64)
                    IL.Emit(OpCodes.Conv_U8);
                break;
            case VariableOperand variable:
                LoadVariable(variable);
                if (type.Bits == 32)
                    IL.Emit(OpCodes.Conv_I4);
                break;
            default:
                throw reader.Error($"an operand of '{reader.Instruction.Name}' is not of a kind that the emulator knows there.");
        }
    }

    /// <summary>Stores the value on top of the stack, which is of this type, into a register.</summary>
    public void Store(PtxOperand operand, PtxType type, InstructionReader reader)
    {
        if (operand is SinkOperand)
        {
            IL.Emit(OpCodes.Pop);
            return;
        }
        if (operand is not RegisterOperand { Negated: false } target)
            throw reader.Error($"the result of '{reader.Instruction.Name}' goes into a register.");
        PtxType to = target.Register.Type;
        if (to.IsPredicate != type.IsPredicate || to.Bits < type.Bits)
            throw reader.Error($"a result of type {type} does not fit the register '{target.Register.Name}' of type {to}.");
        if (type.Bits < 32)
            Extend(type);
        // Registers of 16 bits hold their value without a sign.
        if (to.Bits == 16)
            IL.Emit(OpCodes.Conv_U2);
        if (to.Bits == 64 && type.Bits < 64)
            IL.Emit(type.IsSigned ? OpCodes.Conv_I8 : OpCodes.Conv_U8);
        Reinterpret(StackKinds.Of(to.Bits == 64 && type.Bits < 64 ? PtxType.B64 : type), StackKinds.Of(to), mendNan: true);
        IL.Emit(OpCodes.Stloc, _locals[target.Register]);
    }

    public LocalBuilder Local(PtxRegister register) => _locals[register];

    /// <summary>A local for use within one instruction.</summary>
    public LocalBuilder Scratch(Type type, int number = 0)
    {
        if (!_scratch.TryGetValue((type, number), out LocalBuilder? local))
            _scratch.Add((type, number), local = IL.DeclareLocal(type));
        return local;
    }

    public void Call(Delegate method) => IL.Emit(OpCodes.Call, method.Method);

    public void Call(Type type, string method) => IL.Emit(
        OpCodes.Call,
        type.GetMethod(method, BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
            ?? throw new MissingMethodException(type.Name, method));

    /// <summary>Puts a field of the thread's frame on the stack.</summary>
    public void LoadThread(string field)
    {
        IL.Emit(OpCodes.Ldarg_0);
        IL.Emit(OpCodes.Ldfld, typeof(ThreadFrame).GetField(field)!);
    }

    public void LoadBlock(string field)
    {
        LoadThread(nameof(ThreadFrame.Block));
        IL.Emit(OpCodes.Ldfld, typeof(BlockFrame).GetField(field)!);
    }

    /// <summary>Makes a small integer on the stack one of its type's values.</summary>
    public void Extend(PtxType type)
    {
        switch (type.Bits)
        {
            case 8:
                IL.Emit(type.IsSigned ? OpCodes.Conv_I1 : OpCodes.Conv_U1);
                break;
            case 16:
                IL.Emit(type.IsSigned ? OpCodes.Conv_I2 : OpCodes.Conv_U2);
                break;
        }
    }

    private void LoadRegister(RegisterOperand operand, PtxType type, InstructionReader reader)
    {
        PtxType from = operand.Register.Type;
        if (from.IsPredicate != type.IsPredicate || from.Bits < type.Bits)
            throw reader.Error($"the register '{operand.Register.Name}' of type {from} does not hold a {type}.");
        IL.Emit(OpCodes.Ldloc, _locals[operand.Register]);
        if (type.IsPredicate && operand.Negated)
        {
            IL.Emit(OpCodes.Ldc_I4_0);
            IL.Emit(OpCodes.Ceq);
        }
        StackKind wanted = StackKinds.Of(type);
        if (from.Bits == 64 && type.Bits < 64)
        {
            Reinterpret(StackKinds.Of(from), StackKind.Int64, mendNan: false);
            IL.Emit(OpCodes.Conv_I4);
            Reinterpret(StackKind.Int32, wanted, mendNan: false);
        }
        else
            Reinterpret(StackKinds.Of(from), wanted, mendNan: _arithmeticNans.Contains(operand.Register));
        if (type.Bits < from.Bits || from.Bits == 16)
            Extend(type);
    }

    private void LoadImmediate(ImmediateOperand immediate, PtxType type, InstructionReader reader)
    {
        if (immediate.FloatWidth != 0 && immediate.FloatWidth != type.Bits)
            throw reader.Error($"a literal of {immediate.FloatWidth} bits where '{reader.Instruction.Name}' has {type.Bits}.");
        if (type.IsFloat && immediate.FloatWidth == 0)
            throw reader.Error($"a whole number as an operand of type {type} is not known to the emulator.");
        switch (StackKinds.Of(type))
        {
            case StackKind.Float32:
                IL.Emit(OpCodes.Ldc_R4, BitConverter.UInt32BitsToSingle((uint)immediate.Bits));
                break;
            case StackKind.Float64:
                IL.Emit(OpCodes.Ldc_R8, BitConverter.UInt64BitsToDouble(immediate.Bits));
                break;
            case StackKind.Int64:
                IL.Emit(OpCodes.Ldc_I8, (long)immediate.Bits);
                break;
            default:
                IL.Emit(OpCodes.Ldc_I4, type.IsPredicate ? (immediate.Bits == 0 ? 0 : 1) : (int)immediate.Bits);
                Extend(type);
                break;
        }
    }

    private void Reinterpret(StackKind from, StackKind to, bool mendNan)
    {
        switch (from, to)
        {
            case (StackKind.Float32, StackKind.Int32):
                if (mendNan)
                    Call(FloatMath.MendedBits);
                else
                    Call(BitConverter.SingleToInt32Bits);
                break;
            case (StackKind.Int32, StackKind.Float32):
                Call(BitConverter.Int32BitsToSingle);
                break;
            case (StackKind.Float64, StackKind.Int64):
                Call(BitConverter.DoubleToInt64Bits);
                break;
            case (StackKind.Int64, StackKind.Float64):
                Call(BitConverter.Int64BitsToDouble);
                break;
        }
    }
}
