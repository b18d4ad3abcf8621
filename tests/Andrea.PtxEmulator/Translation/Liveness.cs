using System.Collections;
using Andrea.PtxEmulator.Parsing;

namespace Andrea.PtxEmulator.Translation;

/// <summary>Which registers hold a value that is still wanted, before and after each instruction.</summary>
internal sealed class Liveness
{
    private readonly FlatKernel _kernel;
    private readonly Dictionary<PtxRegister, int> _index = [];
    private readonly List<PtxRegister> _registers = [];
    private readonly List<Block> _blocks = [];
    private readonly Dictionary<int, Block> _blockAt = [];

    public Liveness(FlatKernel kernel)
    {
        _kernel = kernel;
        foreach (PtxRegister register in kernel.Body.SelectMany(i => InstructionFacts.Results(i).Concat(InstructionFacts.Uses(i))))
            if (_index.TryAdd(register, _registers.Count))
                _registers.Add(register);
        CutBlocks();
        Solve();
    }

    public IReadOnlyList<PtxRegister> Registers => _registers;

    /// <summary>The first and last instruction at which each register's value must be kept, as one interval.</summary>
    public (int First, int Last)[] Intervals()
    {
        var intervals = new (int First, int Last)[_registers.Count];
        Array.Fill(intervals, (int.MaxValue, -1));
        foreach (Block block in _blocks)
        {
            Extend(intervals, block.LiveIn, block.Start);
            Extend(intervals, block.LiveOut, block.End);
            for (int i = block.Start; i < block.End; i++)
                foreach (PtxRegister register in InstructionFacts.Results(_kernel.Body[i]).Concat(InstructionFacts.Uses(_kernel.Body[i])))
                    Extend(intervals, _index[register], i);
        }
        return intervals;
    }

    /// <summary>Registers that may be read before they are written: PTX leaves their values open.</summary>
    public PtxRegister[] AtEntry() => _blocks.Count == 0 ? [] : [.. _registers.Where((_, r) => _blocks[0].LiveIn[r])];

    /// <summary>For each instruction that may wait: the registers whose values must survive the wait.</summary>
    public Dictionary<int, PtxRegister[]> AcrossSuspensions()
    {
        var live = new Dictionary<int, PtxRegister[]>();
        foreach (Block block in _blocks)
        {
            var now = new BitArray(block.LiveOut);
            for (int i = block.End - 1; i >= block.Start; i--)
            {
                PtxInstruction instruction = _kernel.Body[i];
                // What the instruction itself yields is written after the wait.
                if (InstructionFacts.Suspends(instruction))
                    live.Add(i, [.. _registers.Where((_, r) => now[r]).Except(InstructionFacts.Results(instruction))]);
                Step(now, instruction);
            }
        }
        return live;
    }

    private void CutBlocks()
    {
        var starts = new SortedSet<int>(_kernel.Labels.Values) { 0 };
        for (int i = 0; i < _kernel.Body.Count; i++)
            if (InstructionFacts.EndsBlock(_kernel.Body[i]))
                starts.Add(i + 1);
        int[] cuts = [.. starts.Where(start => start < _kernel.Body.Count), _kernel.Body.Count];
        for (int i = 0; i + 1 < cuts.Length; i++)
        {
            var block = new Block(cuts[i], cuts[i + 1], _registers.Count);
            _blocks.Add(block);
            _blockAt.Add(block.Start, block);
        }
    }

    private void Solve()
    {
        bool changed = true;
        while (changed)
        {
            changed = false;
            foreach (Block block in Enumerable.Reverse(_blocks))
            {
                foreach (Block next in Successors(block))
                    block.LiveOut.Or(next.LiveIn);
                var live = new BitArray(block.LiveOut);
                for (int i = block.End - 1; i >= block.Start; i--)
                    Step(live, _kernel.Body[i]);
                // Sets only grow, so a change is a larger count.
                int count = live.Cast<bool>().Count(bit => bit);
                changed |= count != block.LiveInCount;
                (block.LiveIn, block.LiveInCount) = (live, count);
            }
        }
    }

    private void Step(BitArray live, PtxInstruction instruction)
    {
        // A guarded write may not happen, so the old value is still wanted.
        if (instruction.Guard is null)
            foreach (PtxRegister register in InstructionFacts.Results(instruction))
                live[_index[register]] = false;
        foreach (PtxRegister register in InstructionFacts.Uses(instruction))
            live[_index[register]] = true;
    }

    private IEnumerable<Block> Successors(Block block)
    {
        PtxInstruction last = _kernel.Body[block.End - 1];
        if (last.Opcode == "bra" && _blockAt.TryGetValue(_kernel.Target(last), out Block? target))
            yield return target;
        if (InstructionFacts.FallsThrough(last) && _blockAt.TryGetValue(block.End, out Block? next))
            yield return next;
    }

    private static void Extend((int First, int Last)[] intervals, BitArray live, int position)
    {
        for (int r = 0; r < live.Length; r++)
            if (live[r])
                Extend(intervals, r, position);
    }

    private static void Extend((int First, int Last)[] intervals, int register, int position) =>
        intervals[register] = (Math.Min(intervals[register].First, position), Math.Max(intervals[register].Last, position));

    private sealed class Block(int start, int end, int registers)
    {
        public int Start { get; } = start;

        public int End { get; } = end;

        public BitArray LiveIn { get; set; } = new(registers);

        public int LiveInCount { get; set; }

        public BitArray LiveOut { get; } = new(registers);
    }
}
