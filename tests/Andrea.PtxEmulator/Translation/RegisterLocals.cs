using System.Reflection.Emit;
using Andrea.PtxEmulator.Parsing;

namespace Andrea.PtxEmulator.Translation;

/// <summary>Gives PTX registers local variables of the translated method; registers never alive at the same time share one.</summary>
/// <remarks>PTX uses a new register for nearly every value. The JIT optimises methods up to a certain number of locals only.</remarks>
internal sealed class RegisterLocals
{
    private readonly Dictionary<PtxRegister, LocalBuilder> _locals = [];

    public RegisterLocals(ILGenerator il, Liveness liveness)
    {
        (int First, int Last)[] intervals = liveness.Intervals();
        var free = new Dictionary<StackKind, Stack<LocalBuilder>>();
        var active = new PriorityQueue<(StackKind Kind, LocalBuilder Local), int>();
        foreach (int r in Enumerable.Range(0, intervals.Length).OrderBy(r => intervals[r].First))
        {
            // A local may be taken over by a result in the instruction that reads it last: operands are read before results are written,
            // except where an instruction has several results. So an interval must have ended before, not at, the next one's start.
            while (active.TryPeek(out var ended, out int last) && last < intervals[r].First)
            {
                active.Dequeue();
                free[ended.Kind].Push(ended.Local);
            }
            PtxRegister register = liveness.Registers[r];
            StackKind kind = StackKinds.Of(register.Type);
            if (!free.TryGetValue(kind, out Stack<LocalBuilder>? pool))
                free.Add(kind, pool = new Stack<LocalBuilder>());
            LocalBuilder local = pool.Count > 0 ? pool.Pop() : il.DeclareLocal(StackKinds.ClrType(kind));
            _locals.Add(register, local);
            active.Enqueue((kind, local), intervals[r].Last);
        }
    }

    public LocalBuilder this[PtxRegister register] => _locals[register];
}
