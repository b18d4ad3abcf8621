using System.Numerics;
using System.Runtime.CompilerServices;

namespace Andrea.PtxEmulator.Execution;

/// <summary>What lanes that have come together get.</summary>
internal static class WarpFunctions
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Shuffle(uint group, WaitPoint point, WarpMeeting warp)
    {
        foreach (int lane in Lanes(group))
        {
            ref ThreadFrame frame = ref warp.Frame(lane);
            int amount = (int)frame.B & 31;
            int clamp = (int)frame.C & 31;
            int segment = (int)(frame.C >> 8) & 31;
            int last = (lane & segment) | (clamp & ~segment);
            (int source, bool inside) = point.Letter switch
            {
                'u' => (lane - amount, lane - amount >= last),
                'd' => (lane + amount, lane + amount <= last),
                'b' => (lane ^ amount, (lane ^ amount) <= last),
                _ => ((lane & segment) | (amount & ~segment), ((lane & segment) | (amount & ~segment)) <= last),
            };
            if (!inside)
                source = lane;
            if ((group >> source & 1) == 0)
                throw warp.Fault(lane, point, $"the shuffle reads lane {source}, which does not take part (lanes 0x{group:x8} do)");
            frame.Result = warp.Frame(source).A;
            frame.ResultPredicate = inside ? 1 : 0;
        }
    }

    public static void Vote(uint group, WaitPoint point, WarpMeeting warp)
    {
        uint ballot = 0;
        foreach (int lane in Lanes(group))
            ballot |= (warp.Frame(lane).A != 0 ? 1u : 0) << lane;
        bool holds = point.Operation switch
        {
            "any" => ballot != 0,
            "all" => ballot == group,
            _ => ballot == 0 || ballot == group,
        };
        foreach (int lane in Lanes(group))
            (warp.Frame(lane).Result, warp.Frame(lane).ResultPredicate) = (ballot, holds ? 1 : 0);
    }

    public static void Match(uint group, WaitPoint point, WarpMeeting warp)
    {
        foreach (int lane in Lanes(group))
        {
            uint equal = 0;
            foreach (int other in Lanes(group))
                equal |= (warp.Frame(other).A == warp.Frame(lane).A && warp.Frame(other).B == warp.Frame(lane).B ? 1u : 0) << other;
            warp.Frame(lane).ResultPredicate = equal == group ? 1 : 0;
            warp.Frame(lane).Result = point.Operation == "any" || equal == group ? equal : 0;
        }
    }

    public static void Reduce(uint group, WaitPoint point, int firstLane, WarpMeeting warp)
    {
        uint result = warp.Frame(firstLane).A;
        foreach (int lane in Lanes(group & ~(1u << firstLane)))
        {
            uint value = warp.Frame(lane).A;
            result = point.Operation switch
            {
                "add" => result + value,
                "and" => result & value,
                "or" => result | value,
                "xor" => result ^ value,
                "min" => point.IsSigned ? (uint)Math.Min((int)result, (int)value) : Math.Min(result, value),
                _ => point.IsSigned ? (uint)Math.Max((int)result, (int)value) : Math.Max(result, value),
            };
        }
        foreach (int lane in Lanes(group))
            warp.Frame(lane).Result = result;
    }

    private static LaneEnumerator Lanes(uint mask) => new(mask);

    private struct LaneEnumerator(uint mask)
    {
        private uint _rest = mask;

        public int Current { get; private set; }

        public readonly LaneEnumerator GetEnumerator() => this;

        public bool MoveNext()
        {
            if (_rest == 0)
                return false;
            Current = BitOperations.TrailingZeroCount(_rest);
            _rest &= _rest - 1;
            return true;
        }
    }
}
