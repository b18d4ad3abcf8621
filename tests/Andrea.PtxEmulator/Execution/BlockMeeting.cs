using System.Runtime.CompilerServices;
using Andrea.PtxEmulator.Memory;

namespace Andrea.PtxEmulator.Execution;

/// <summary>The barriers of a block.</summary>
internal sealed unsafe class BlockMeeting(KernelLaunch launch, ThreadBlock block, int[] waitsAt)
{
    private const int Barriers = 16;

    private readonly int[] _arrived = new int[Barriers];

    public void Begin() => Array.Clear(_arrived);

    /// <summary>Lets threads go on whose barrier is complete, and those that only report their arrival.</summary>
    /// <returns>Whether anybody can go on.</returns>
    /// <exception cref="DeviceFaultException">Threads wait at different barriers, or for threads that have ended.</exception>
    public bool TryRelease()
    {
        if (TryReleaseAll())
            return true;
        bool released = false;
        for (int i = 0; i < block.Count; i++)
        {
            if (PointOf(i) is not { Kind: WaitKind.BarrierArrive })
                continue;
            _arrived[Number(i)]++;
            waitsAt[i] = 0;
            released = true;
        }
        for (int i = 0; i < block.Count; i++)
            if (PointOf(i) is { Kind: WaitKind.Barrier })
                released |= TryRelease(Number(i), i);
        return released;
    }

    /// <summary>Why nobody can go on.</summary>
    public DeviceFaultException Explain()
    {
        int stuck = Enumerable.Range(0, block.Count).First(i => waitsAt[i] > 0);
        WaitPoint point = PointOf(stuck)!;
        string others = string.Join(", ", Groups(except: point.Instruction));
        int together = Enumerable.Range(0, block.Count).Count(i => PointOf(i)?.Instruction == point.Instruction);
        string what = $"{together} of {block.Count} threads wait at {launch.LineText(point.Instruction)} for others that never come: {others}";
        return Fault(point.IsBlockWide ? FaultKind.BarrierDivergence : FaultKind.WarpDivergence, stuck, what);
    }

    /// <summary>The usual case, fast: the whole block waits at one plain barrier.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool TryReleaseAll()
    {
        int at = waitsAt[0];
        if (PointOf(0) is not { Kind: WaitKind.Barrier, Operation: "" } || waitsAt.AsSpan().ContainsAnyExcept(at))
            return false;
        int number = Number(0);
        for (int i = 0; i < block.Count; i++)
            if (block.Frames[i].B != 0 || block.Frames[i].A != number)
                return false;
        if (_arrived[number] != 0)
            return false;
        Array.Clear(waitsAt);
        return true;
    }

    private bool TryRelease(int number, int first)
    {
        int[] waiting = [.. Enumerable.Range(0, block.Count).Where(i => PointOf(i) is { Kind: WaitKind.Barrier } && Number(i) == number)];
        int expected = (int)block.Frames[first].B;
        int[] stray = [.. waiting.Where(i => waitsAt[i] != waitsAt[first])];
        bool complete = waiting.Length + _arrived[number] == (expected == 0 ? block.Count : expected);
        if (!complete)
            return false;
        if (stray.Length > 0)
            throw Fault(
                FaultKind.BarrierDivergence,
                stray[0],
                $"{stray.Length} of {block.Count} threads wait at {launch.LineText(PointOf(stray[0])!.Instruction)}, "
                    + $"the others at {launch.LineText(PointOf(first)!.Instruction)}");
        int count = waiting.Count(i => block.Frames[i].C != 0);
        bool holds = PointOf(first)!.Operation == "and" ? count == waiting.Length : count > 0;
        foreach (int i in waiting)
        {
            (block.Frames[i].Result, block.Frames[i].ResultPredicate) = ((uint)count, holds ? 1 : 0);
            waitsAt[i] = 0;
        }
        _arrived[number] = 0;
        return true;
    }

    private IEnumerable<string> Groups(int except)
    {
        int ended = waitsAt.Count(at => at < 0);
        if (ended > 0)
            yield return $"{ended} have ended";
        foreach (IGrouping<int, int> group in Enumerable.Range(0, block.Count)
            .Where(i => waitsAt[i] > 0).GroupBy(i => PointOf(i)!.Instruction).Where(group => group.Key != except))
            yield return $"{group.Count()} wait at {launch.LineText(group.Key)}";
    }

    private int Number(int thread)
    {
        uint number = block.Frames[thread].A;
        return number < Barriers ? (int)number : throw Fault(FaultKind.BarrierDivergence, thread, $"there is no barrier {number}");
    }

    private DeviceFaultException Fault(FaultKind kind, int thread, string what)
    {
        string name = kind == FaultKind.BarrierDivergence ? "barrier divergence" : "warp divergence";
        return new DeviceFaultException(
            kind, $"{name}: {what}", launch.Place(PointOf(thread)!.Instruction, block.Index, launch.Threads.At((ulong)thread)));
    }

    private WaitPoint? PointOf(int thread) => waitsAt[thread] > 0 ? launch.Kernel.WaitPoints[waitsAt[thread] - 1] : null;
}
