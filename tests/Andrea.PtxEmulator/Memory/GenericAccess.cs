using System.Runtime.CompilerServices;
using Andrea.PtxEmulator.Execution;

namespace Andrea.PtxEmulator.Memory;

/// <summary>Accesses whose space is known at run time only. Compilers nearly always know it, so these need not be fast.</summary>
internal static unsafe class GenericAccess
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static byte* Pointer(ThreadFrame* frame, ulong address, int bytes, int instruction, AccessKind kind, bool trace)
    {
        if (address - AddressWindows.Shared < AddressWindows.Size)
        {
            ulong offset = address - AddressWindows.Shared;
            if (trace)
                RaceDetector.Trace(frame, offset, bytes, kind, instruction);
            return Window(frame->Block->Shared, frame->Block->SharedBytes, offset, bytes, kind, instruction);
        }
        if (address - AddressWindows.Local < AddressWindows.Size)
            return Window(frame->Local, frame->LocalBytes, address - AddressWindows.Local, bytes, kind, instruction);
        return kind == AccessKind.Write
            ? MemoryAccess.GlobalWrite(frame->Block->Pages, address, bytes, instruction)
            : MemoryAccess.GlobalRead(frame->Block->Pages, address, bytes, instruction);
    }

    private static byte* Window(byte* window, ulong length, ulong address, int bytes, AccessKind kind, int instruction) => kind == AccessKind.Write
        ? MemoryAccess.WindowWrite(window, length, address, bytes, instruction)
        : MemoryAccess.WindowRead(window, length, address, bytes, instruction);
}
