using System.Reflection.Emit;
using Andrea.PtxEmulator.Execution;
using Andrea.PtxEmulator.Parsing;
using Andrea.PtxEmulator.Translation.Emitters;

namespace Andrea.PtxEmulator.Translation;

/// <summary>Entry, exit, waiting, and the count of loops.</summary>
internal sealed partial class KernelBuilder
{
    private LocalBuilder? _budget;
    private LocalBuilder? _executed;

    public WaitPoints Waits => _waits;

    /// <summary>The method's beginning: what every piece of code needs, and the way to where the thread waited.</summary>
    public void EmitPrologue(bool countInstructions)
    {
        LoadBlock(nameof(BlockFrame.Pages));
        IL.Emit(OpCodes.Stloc, Pages);
        LoadBlock(nameof(BlockFrame.Shared));
        IL.Emit(OpCodes.Stloc, Shared);
        LoadBlock(nameof(BlockFrame.SharedBytes));
        IL.Emit(OpCodes.Stloc, SharedBytes);
        _budget = IL.DeclareLocal(typeof(long));
        LoadThread(nameof(ThreadFrame.LoopBudget));
        IL.Emit(OpCodes.Stloc, _budget);
        foreach (PtxRegister register in _liveAtEntry)
            EmitZero(register);
        if (countInstructions)
        {
            _executed = IL.DeclareLocal(typeof(long));
            IL.Emit(OpCodes.Ldc_I8, 0L);
            IL.Emit(OpCodes.Stloc, _executed);
        }
        _waits.EmitResume(this);
    }

    private void EmitZero(PtxRegister register)
    {
        switch (StackKinds.Of(register.Type))
        {
            case StackKind.Float32:
                IL.Emit(OpCodes.Ldc_R4, 0f);
                break;
            case StackKind.Float64:
                IL.Emit(OpCodes.Ldc_R8, 0d);
                break;
            case StackKind.Int64:
                IL.Emit(OpCodes.Ldc_I8, 0L);
                break;
            default:
                IL.Emit(OpCodes.Ldc_I4_0);
                break;
        }
        IL.Emit(OpCodes.Stloc, _locals[register]);
    }

    public void EmitWait(WaitPoint point) => _waits.EmitWait(this, point);

    public void EmitReturn(int status)
    {
        if (_executed is not null)
            StoreThread(nameof(ThreadFrame.Executed), () =>
            {
                LoadThread(nameof(ThreadFrame.Executed));
                IL.Emit(OpCodes.Ldloc, _executed);
                IL.Emit(OpCodes.Add);
            });
        IL.Emit(OpCodes.Ldc_I4, status);
        IL.Emit(OpCodes.Ret);
    }

    /// <summary>Counts instructions that will run one after another.</summary>
    public void EmitCount(int instructions)
    {
        if (_executed is null || instructions == 0)
            return;
        IL.Emit(OpCodes.Ldloc, _executed);
        IL.Emit(OpCodes.Ldc_I8, (long)instructions);
        IL.Emit(OpCodes.Add);
        IL.Emit(OpCodes.Stloc, _executed);
    }

    /// <summary>Before a jump backwards: an endless loop must not hang a test run.</summary>
    public void EmitLoopCheck(int instruction)
    {
        Label enough = IL.DefineLabel();
        IL.Emit(OpCodes.Ldloc, _budget!);
        IL.Emit(OpCodes.Ldc_I4_1);
        IL.Emit(OpCodes.Conv_I8);
        IL.Emit(OpCodes.Sub);
        IL.Emit(OpCodes.Dup);
        IL.Emit(OpCodes.Stloc, _budget!);
        IL.Emit(OpCodes.Brtrue, enough);
        IL.Emit(OpCodes.Ldc_I4, instruction);
        Call(ControlEmitter.FailLoop);
        IL.MarkLabel(enough);
    }

    /// <summary>Stores a value into a field of the thread's frame.</summary>
    public void StoreThread(string field, Action load)
    {
        IL.Emit(OpCodes.Ldarg_0);
        load();
        IL.Emit(OpCodes.Stfld, typeof(ThreadFrame).GetField(field)!);
    }
}
