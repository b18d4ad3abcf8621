using System.Reflection.Emit;
using Andrea.PtxEmulator.Memory;

namespace Andrea.PtxEmulator.Translation.Emitters;

/// <summary>Ends, traps and fences. Branches are written by the translator itself, which knows the labels.</summary>
internal static class ControlEmitter
{
    public static void Return(KernelBuilder builder, InstructionReader reader)
    {
        reader.Has("uni");
        reader.End(0);
        builder.EmitReturn(0);
    }

    public static void Trap(KernelBuilder builder, InstructionReader reader)
    {
        reader.End(0);
        builder.IL.Emit(OpCodes.Ldc_I4, reader.Index);
        builder.Call(FailTrap);
    }

    /// <summary>Threads of a block see each other's memory at once here, so a fence only has to be one that exists.</summary>
    public static void Fence(KernelBuilder builder, InstructionReader reader)
    {
        if (reader.Opcode == "membar")
            reader.Needed("gl", "cta", "sys");
        else
        {
            reader.OneOf("sc", "acq_rel");
            reader.Needed("cta", "gpu", "sys");
        }
        reader.End(0);
    }

    /// <summary>Waiting and prefetching change no result.</summary>
    public static void Nothing(KernelBuilder builder, InstructionReader reader)
    {
        if (reader.Opcode == "nanosleep")
            reader.Needed("u32");
        else
        {
            reader.OneOf("global", "local");
            reader.Needed("L1", "L2");
        }
        reader.End(1);
    }

    public static void FailLoop(int instruction) =>
        throw new ThreadFault(FaultKind.EndlessLoop, instruction, "endless loop: the branch was taken more often than the launch allows");

    private static void FailTrap(int instruction) => throw new ThreadFault(FaultKind.Trap, instruction, "trap: the kernel gave up");
}
