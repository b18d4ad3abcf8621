using System.Reflection.Emit;
using Andrea.PtxEmulator.Semantics;
using Andrea.PtxEmulator.Translation.Emitters;

namespace Andrea.PtxEmulator.Translation;

/// <summary>Every instruction that the emulator knows, and who writes its code.</summary>
internal static class InstructionTable
{
    private static readonly Dictionary<string, Action<KernelBuilder, InstructionReader>> Emitters = new()
    {
        ["add"] = ArithmeticEmitter.Add,
        ["sub"] = ArithmeticEmitter.Subtract,
        ["mul"] = ArithmeticEmitter.Multiply,
        ["mad"] = ArithmeticEmitter.MultiplyAdd,
        ["fma"] = FloatEmitter.FusedMultiplyAdd,
        ["div"] = ArithmeticEmitter.Divide,
        ["rem"] = ArithmeticEmitter.Remainder,
        ["min"] = ArithmeticEmitter.Min,
        ["max"] = ArithmeticEmitter.Max,
        ["abs"] = ArithmeticEmitter.Absolute,
        ["neg"] = ArithmeticEmitter.Negate,
        ["sad"] = ArithmeticEmitter.SumOfDifference,
        ["sqrt"] = FloatEmitter.Root,
        ["rcp"] = FloatEmitter.Reciprocal,
        ["rsqrt"] = FloatEmitter.ReciprocalRoot,
        ["ex2"] = FloatEmitter.Function(Approximations.Exp2),
        ["lg2"] = FloatEmitter.Function(Approximations.Log2),
        ["sin"] = FloatEmitter.Function(Approximations.Sin),
        ["cos"] = FloatEmitter.Function(Approximations.Cos),
        ["tanh"] = FloatEmitter.Function(Approximations.Tanh),
        ["copysign"] = CompareEmitter.CopySign,
        ["testp"] = CompareEmitter.Test,
        ["setp"] = CompareEmitter.SetPredicate,
        ["set"] = CompareEmitter.Set,
        ["selp"] = CompareEmitter.Select,
        ["slct"] = CompareEmitter.SelectBySign,
        ["and"] = BitEmitter.Logic(OpCodes.And),
        ["or"] = BitEmitter.Logic(OpCodes.Or),
        ["xor"] = BitEmitter.Logic(OpCodes.Xor),
        ["not"] = BitEmitter.Not,
        ["cnot"] = BitEmitter.LogicalNot,
        ["shl"] = BitEmitter.ShiftLeft,
        ["shr"] = BitEmitter.ShiftRight,
        ["shf"] = BitEmitter.FunnelShift,
        ["popc"] = BitEmitter.Count(IntegerMath.Popc32, IntegerMath.Popc64),
        ["clz"] = BitEmitter.Count(IntegerMath.Clz32, IntegerMath.Clz64),
        ["brev"] = BitEmitter.Reverse,
        ["bfind"] = BitEmitter.FindHighest,
        ["bfe"] = BitEmitter.ExtractField,
        ["bfi"] = BitEmitter.InsertField,
        ["prmt"] = BitEmitter.Permute,
        ["lop3"] = BitEmitter.Lop3,
        ["mov"] = MoveEmitter.Move,
        ["cvt"] = ConvertEmitter.Convert,
        ["cvta"] = MoveEmitter.ConvertAddress,
        ["ld"] = MemoryEmitter.Load,
        ["ldu"] = MemoryEmitter.Load,
        ["st"] = MemoryEmitter.Store,
        ["atom"] = AtomicEmitter.Atomic,
        ["red"] = AtomicEmitter.Reduce,
        ["bar"] = WarpEmitter.Barrier,
        ["barrier"] = WarpEmitter.Barrier,
        ["shfl"] = WarpEmitter.Shuffle,
        ["vote"] = WarpEmitter.Vote,
        ["activemask"] = WarpEmitter.ActiveMask,
        ["match"] = WarpEmitter.Match,
        ["redux"] = WarpEmitter.Reduce,
        ["ret"] = ControlEmitter.Return,
        ["exit"] = ControlEmitter.Return,
        ["trap"] = ControlEmitter.Trap,
        ["membar"] = ControlEmitter.Fence,
        ["fence"] = ControlEmitter.Fence,
        ["nanosleep"] = ControlEmitter.Nothing,
        ["prefetch"] = ControlEmitter.Nothing,
    };

    public static void Emit(KernelBuilder builder, InstructionReader reader)
    {
        if (!Emitters.TryGetValue(reader.Opcode, out Action<KernelBuilder, InstructionReader>? emit))
            throw reader.Error($"the instruction '{reader.Instruction.Name}' is not known to the emulator.");
        emit(builder, reader);
    }
}
