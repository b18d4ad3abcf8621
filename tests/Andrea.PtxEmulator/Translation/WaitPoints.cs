using System.Reflection.Emit;
using Andrea.PtxEmulator.Execution;
using Andrea.PtxEmulator.Parsing;

namespace Andrea.PtxEmulator.Translation;

/// <summary>
/// The places of a kernel where a thread waits. There its method saves the registers still wanted and returns; when it is called again,
/// it jumps behind that place and takes the registers back.
/// </summary>
internal sealed class WaitPoints
{
    private readonly Dictionary<int, PtxRegister[]> _live;
    private readonly Dictionary<int, int> _numbers = [];
    private readonly Dictionary<PtxRegister, int> _slots = [];
    private readonly WaitPoint[] _points;
    private readonly Label[] _labels;

    public WaitPoints(ILGenerator il, FlatKernel kernel, Liveness liveness)
    {
        _live = liveness.AcrossSuspensions();
        foreach (int instruction in _live.Keys.Order())
            _numbers.Add(instruction, _numbers.Count);
        foreach (PtxRegister register in _live.Values.SelectMany(registers => registers))
            _slots.TryAdd(register, _slots.Count);
        _points = new WaitPoint[_numbers.Count];
        _labels = [.. _numbers.Select(_ => il.DefineLabel())];
    }

    public WaitPoint[] Points => _points;

    /// <summary>How many registers a waiting thread must save at most.</summary>
    public int SavedRegisters => _slots.Count;

    /// <summary>At the method's beginning: goes to where the thread waited.</summary>
    public void EmitResume(KernelBuilder builder)
    {
        if (_labels.Length == 0)
            return;
        builder.LoadThread(nameof(ThreadFrame.Resume));
        builder.IL.Emit(OpCodes.Ldc_I4_1);
        builder.IL.Emit(OpCodes.Sub);
        builder.IL.Emit(OpCodes.Switch, _labels);
    }

    /// <summary>Saves, returns, and goes on here when the thread is called again.</summary>
    public void EmitWait(KernelBuilder builder, WaitPoint point)
    {
        if (!_numbers.TryGetValue(point.Instruction, out int number))
            throw new InvalidOperationException($"'{point.Name}' on line {point.Line} waits, which liveness does not know.");
        _points[number] = point;
        foreach (PtxRegister register in _live[point.Instruction])
        {
            Slot(builder, register);
            builder.IL.Emit(OpCodes.Ldloc, builder.Local(register));
            builder.IL.Emit(StackKinds.Of(register.Type) switch
            {
                StackKind.Float32 => OpCodes.Stind_R4,
                StackKind.Float64 => OpCodes.Stind_R8,
                StackKind.Int64 => OpCodes.Stind_I8,
                _ => OpCodes.Stind_I4,
            });
        }
        builder.StoreThread(nameof(ThreadFrame.Resume), () => builder.IL.Emit(OpCodes.Ldc_I4, number + 1));
        builder.EmitReturn(number + 1);
        builder.IL.MarkLabel(_labels[number]);
        foreach (PtxRegister register in _live[point.Instruction])
        {
            Slot(builder, register);
            builder.IL.Emit(StackKinds.Of(register.Type) switch
            {
                StackKind.Float32 => OpCodes.Ldind_R4,
                StackKind.Float64 => OpCodes.Ldind_R8,
                StackKind.Int64 => OpCodes.Ldind_I8,
                _ => OpCodes.Ldind_I4,
            });
            builder.IL.Emit(OpCodes.Stloc, builder.Local(register));
        }
    }

    private void Slot(KernelBuilder builder, PtxRegister register)
    {
        builder.LoadThread(nameof(ThreadFrame.Saved));
        builder.IL.Emit(OpCodes.Ldc_I4, _slots[register] * sizeof(ulong));
        builder.IL.Emit(OpCodes.Add);
    }
}
