using System.Numerics;
using System.Runtime.CompilerServices;
using Andrea.PtxEmulator.Execution;

namespace Andrea.PtxEmulator.Memory;

/// <summary>
/// Finds accesses to a byte of shared memory by two threads, one of them a plain write, with nothing that orders them: no barrier of
/// the block, and no barrier of the warp (<c>bar.warp.sync</c>) if they are of one. Shuffles, votes and the like exchange registers and
/// order no memory.
/// </summary>
/// <remarks>
/// Per byte it knows the last write and two reads that are not ordered among themselves, of different warps where there are such. That is
/// enough unless a barrier of some lanes of a warp orders both, and a third lane has read as well.
/// </remarks>
internal sealed unsafe class RaceDetector(int threads)
{
    private const int WarpSize = ThreadBlock.WarpSize;

    [ThreadStatic]
    private static RaceDetector? t_current;

    // For each thread, how many barriers of the warp each lane of it has passed, as far as this thread's own barriers let it know.
    private readonly int[] _clocks = new int[threads * WarpSize];
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
        Array.Clear(_clocks);
        for (int i = 0; i < threads; i++)
            _clocks[i * WarpSize + i % WarpSize] = 1;
    }

    /// <summary>All threads of the block have met.</summary>
    public void BlockSynchronized() => _epoch++;

    /// <summary>Some lanes of a warp have met at a barrier: each knows now what any of them knew.</summary>
    /// <param name="first">The thread that is the warp's lane 0.</param>
    /// <param name="lanes">Those that have met.</param>
    public void WarpSynchronized(int first, uint lanes)
    {
        Span<int> known = stackalloc int[WarpSize];
        known.Clear();
        for (uint rest = lanes; rest != 0; rest &= rest - 1)
        {
            ReadOnlySpan<int> clocks = ClocksOf(first + BitOperations.TrailingZeroCount(rest));
            for (int i = 0; i < WarpSize; i++)
                known[i] = Math.Max(known[i], clocks[i]);
        }
        for (uint rest = lanes; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            Span<int> clocks = ClocksOf(first + lane);
            known.CopyTo(clocks);
            clocks[lane]++;
        }
    }

    /// <summary>Called by translated code before each access to shared memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Trace(ThreadFrame* frame, ulong address, int bytes, AccessKind kind, int instruction)
    {
        RaceDetector detector = t_current!;
        // An access out of bounds is reported by its own check, which follows.
        if (address >= frame->Block->SharedBytes || address + (ulong)bytes > frame->Block->SharedBytes)
            return;
        int clock = detector._clocks[frame->Index * WarpSize + frame->Lane];
        var access = new Access((int)frame->Index + 1, detector._epoch, clock, kind == AccessKind.Atomic);
        for (int i = 0; i < bytes; i++)
            detector.Check(ref detector._cells[address + (ulong)i], access, kind, address, instruction);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Check(ref Cell cell, Access access, AccessKind kind, ulong address, int instruction)
    {
        if (Conflicts(cell.Write, access))
            Fail(cell.Write, "wrote", access, kind, address, instruction);
        if (kind == AccessKind.Read)
        {
            Remember(ref cell, access);
            return;
        }
        if (Conflicts(cell.ReadA, access))
            Fail(cell.ReadA, "read", access, kind, address, instruction);
        if (Conflicts(cell.ReadB, access))
            Fail(cell.ReadB, "read", access, kind, address, instruction);
        cell.Write = access;
    }

    /// <summary>Keeps a read, in the place of one that comes before it in any order of threads if there is such.</summary>
    private void Remember(ref Cell cell, Access read)
    {
        if (IsOrdered(cell.ReadA, read))
        {
            cell.ReadA = read;
            if (IsOrdered(cell.ReadB, read))
                cell.ReadB = default;
        }
        else if (IsOrdered(cell.ReadB, read) || (Warp(cell.ReadA) == Warp(cell.ReadB) && Warp(cell.ReadA) != Warp(read)))
            cell.ReadB = read;
    }

    private bool Conflicts(Access before, Access now) => !IsOrdered(before, now) && !(before.IsAtomic && now.IsAtomic);

    /// <summary>Whether the first access comes before the second in whatever order threads run.</summary>
    private bool IsOrdered(Access before, Access now)
    {
        if (before.Thread == 0 || before.Thread == now.Thread || before.Epoch != now.Epoch)
            return true;
        return Warp(before) == Warp(now) && ClocksOf(now.Thread - 1)[(before.Thread - 1) % WarpSize] >= before.Clock;
    }

    private static int Warp(Access access) => (access.Thread - 1) / WarpSize;

    private Span<int> ClocksOf(int thread) => _clocks.AsSpan(thread * WarpSize, WarpSize);

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

    private readonly record struct Access(int Thread, int Epoch, int Clock, bool IsAtomic);
}
