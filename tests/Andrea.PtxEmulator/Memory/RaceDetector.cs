using System.Runtime.CompilerServices;
using Andrea.PtxEmulator.Execution;

namespace Andrea.PtxEmulator.Memory;

/// <summary>
/// Finds accesses to a byte of shared memory by two threads, one of them a plain write, with nothing that orders them: no barrier of
/// the block, and no warp-synchronous instruction if they are of one warp.
/// </summary>
/// <remarks>Per byte it knows the last write and two reads by different threads, of different warps where there are such.</remarks>
internal sealed unsafe class RaceDetector(int threads)
{
    [ThreadStatic]
    private static RaceDetector? t_current;

    private readonly int[] _warpEpochs = new int[(threads + 31) / 32];
    private Cell[] _cells = [];
    private int _epoch;

    /// <summary>Watches this thread's blocks from now on; null ends that.</summary>
    public static void Attach(RaceDetector? detector) => t_current = detector;

    /// <summary>A new block begins.</summary>
    public void Begin(ulong sharedBytes)
    {
        if ((ulong)_cells.Length < sharedBytes)
            _cells = new Cell[sharedBytes];
        else
            Array.Clear(_cells);
        _epoch = 1;
        Array.Fill(_warpEpochs, 1);
    }

    /// <summary>All threads of the block have met.</summary>
    public void BlockSynchronized() => _epoch++;

    /// <summary>Lanes of a warp have met.</summary>
    public void WarpSynchronized(int warp) => _warpEpochs[warp]++;

    /// <summary>Called by translated code before each access to shared memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Trace(ThreadFrame* frame, ulong address, int bytes, AccessKind kind, int instruction)
    {
        RaceDetector detector = t_current!;
        // An access out of bounds is reported by its own check, which follows.
        if (address >= frame->Block->SharedBytes || address + (ulong)bytes > frame->Block->SharedBytes)
            return;
        var access = new Access((int)frame->Index + 1, detector._epoch, detector._warpEpochs[frame->Warp], kind == AccessKind.Atomic);
        for (int i = 0; i < bytes; i++)
            Check(ref detector._cells[address + (ulong)i], access, kind, address, instruction);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Check(ref Cell cell, Access access, AccessKind kind, ulong address, int instruction)
    {
        if (Conflicts(cell.Write, access))
            Fail(cell.Write, "wrote", access, kind, address, instruction);
        if (kind == AccessKind.Read)
        {
            if (cell.ReadA.Thread == 0 || cell.ReadA.Epoch != access.Epoch || cell.ReadA.Thread == access.Thread)
                cell.ReadA = access;
            else
                cell.ReadB = access;
            return;
        }
        if (Conflicts(cell.ReadA, access))
            Fail(cell.ReadA, "read", access, kind, address, instruction);
        if (Conflicts(cell.ReadB, access))
            Fail(cell.ReadB, "read", access, kind, address, instruction);
        cell.Write = access;
    }

    private static bool Conflicts(Access before, Access now)
    {
        if (before.Thread == 0 || before.Thread == now.Thread || before.Epoch != now.Epoch || (before.IsAtomic && now.IsAtomic))
            return false;
        bool sameWarp = (before.Thread - 1) / 32 == (now.Thread - 1) / 32;
        return !sameWarp || before.WarpEpoch == now.WarpEpoch;
    }

    private static void Fail(Access before, string did, Access now, AccessKind kind, ulong address, int instruction) => throw new ThreadFault(
        FaultKind.Race,
        instruction,
        $"race: {(kind == AccessKind.Read ? "a read" : "a write")} of shared memory at offset {address}, "
            + $"which thread {before.Thread - 1} {did}, with no barrier in between");

    private struct Cell
    {
        public Access Write;
        public Access ReadA;
        public Access ReadB;
    }

    private readonly record struct Access(int Thread, int Epoch, int WarpEpoch, bool IsAtomic);
}
