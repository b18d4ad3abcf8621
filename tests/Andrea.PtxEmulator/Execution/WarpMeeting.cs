using System.Numerics;
using System.Runtime.CompilerServices;
using Andrea.PtxEmulator.Memory;

namespace Andrea.PtxEmulator.Execution;

/// <summary>Lanes of a warp that wait for each other: finds those that have all come, and gives each its result.</summary>
/// <remarks>Called for every shuffle of every warp, so it is compiled well from the start.</remarks>
internal sealed unsafe class WarpMeeting(WaitPoint[] points, ThreadBlock block, int[] waitsAt, RaceDetector? races)
{
    private readonly ThreadFrame* _frames = block.Frames;
    private readonly int _threads = block.Count;
    private int _first;

    /// <summary>The thread that a fault thrown here is about.</summary>
    public int FaultingThread { get; private set; }

    /// <summary>Lets every group of lanes go on that has come together.</summary>
    /// <returns>Whether anybody can go on.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public bool TryRelease(int warp)
    {
        _first = warp * ThreadBlock.WarpSize;
        if (TryReleaseAll())
            return true;
        uint handled = 0;
        bool released = false;
        for (int lane = 0; lane < ThreadBlock.WarpSize; lane++)
        {
            if ((handled >> lane & 1) != 0 || Point(lane) is not { IsBlockWide: false, Kind: not WaitKind.ActiveMask } point)
                continue;
            uint group = Group(lane, point);
            handled |= group | (1u << lane);
            if (group == 0)
                continue;
            Resolve(group, lane, point);
            Release(group);
            released = true;
        }
        return released || TryReleaseActiveMasks();
    }

    /// <summary>The usual case, fast: all lanes wait at one place for all lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool TryReleaseAll()
    {
        int at = _first + ThreadBlock.WarpSize <= _threads ? waitsAt[_first] : 0;
        if (at <= 0 || points[at - 1] is not { IsBlockWide: false, Kind: not WaitKind.ActiveMask } point)
            return false;
        Span<int> lanes = waitsAt.AsSpan(_first, ThreadBlock.WarpSize);
        if (lanes.ContainsAnyExcept(at))
            return false;
        for (int lane = 0; lane < ThreadBlock.WarpSize; lane++)
            if (_frames[_first + lane].Mask != uint.MaxValue)
                return false;
        Resolve(uint.MaxValue, 0, point);
        lanes.Clear();
        return true;
    }

    /// <summary>The lanes that take part with this one, once all of them have come; 0 before.</summary>
    private uint Group(int lane, WaitPoint point)
    {
        uint mask = Frame(lane).Mask;
        if ((mask >> lane & 1) == 0)
            throw Fault(lane, point, $"its mask 0x{mask:x8} leaves out the lane itself");
        uint group = 0;
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int other = BitOperations.TrailingZeroCount(rest);
            if (HasEnded(other))
                continue;
            if (Point(other) is not { } theirs || theirs.Name != point.Name || Frame(other).Mask != mask)
                return 0;
            group |= 1u << other;
        }
        return group;
    }

    /// <summary>Only once nobody in the warp can run: who then asks at the same place is active together.</summary>
    private bool TryReleaseActiveMasks()
    {
        uint group = 0;
        int instruction = int.MaxValue;
        for (int lane = 0; lane < ThreadBlock.WarpSize; lane++)
        {
            if (Point(lane) is not { Kind: WaitKind.ActiveMask } point || point.Instruction > instruction)
                continue;
            group = (point.Instruction < instruction ? 0 : group) | (1u << lane);
            instruction = point.Instruction;
        }
        for (uint rest = group; rest != 0; rest &= rest - 1)
            Frame(BitOperations.TrailingZeroCount(rest)).Result = group;
        Release(group);
        return group != 0;
    }

    private void Resolve(uint group, int lane, WaitPoint point)
    {
        switch (point.Kind)
        {
            case WaitKind.Shuffle:
                WarpFunctions.Shuffle(group, point, this);
                break;
            case WaitKind.Vote:
                WarpFunctions.Vote(group, point, this);
                break;
            case WaitKind.Match:
                WarpFunctions.Match(group, point, this);
                break;
            case WaitKind.Reduce:
                WarpFunctions.Reduce(group, point, lane, this);
                break;
            case WaitKind.WarpBarrier:
                // Of all that lanes meet at, this alone orders what they do to memory.
                races?.WarpSynchronized(_first, group);
                break;
        }
    }

    public ref ThreadFrame Frame(int lane) => ref _frames[_first + lane];

    public ThreadFault Fault(int lane, WaitPoint point, string what)
    {
        FaultingThread = _first + lane;
        return new ThreadFault(FaultKind.WarpDivergence, point.Instruction, $"warp divergence: {what}");
    }

    private void Release(uint group)
    {
        for (uint rest = group; rest != 0; rest &= rest - 1)
            waitsAt[_first + BitOperations.TrailingZeroCount(rest)] = 0;
    }

    private WaitPoint? Point(int lane) =>
        _first + lane < _threads && waitsAt[_first + lane] > 0 ? points[waitsAt[_first + lane] - 1] : null;

    private bool HasEnded(int lane) => _first + lane >= _threads || waitsAt[_first + lane] < 0;
}
