namespace Andrea.PtxEmulator.Execution;

internal enum WaitKind
{
    Barrier,
    BarrierArrive,
    WarpBarrier,
    Shuffle,
    Vote,
    ActiveMask,
    Match,
    Reduce,
}

/// <summary>A place in a kernel where threads wait for each other.</summary>
/// <param name="Name">The instruction; lanes of a warp meet at instructions of the same name.</param>
/// <param name="Operation">Which shuffle, vote, match or reduction; of a barrier: popc, and, or, or nothing.</param>
/// <param name="IsSigned">Whether a reduction compares signed numbers.</param>
internal sealed record WaitPoint(WaitKind Kind, int Instruction, int Line, string Name, string Operation, bool IsSigned)
{
    /// <summary>The operation's first letter, which tells the shuffles apart faster than their names.</summary>
    public char Letter { get; } = Operation.Length > 0 ? Operation[0] : ' ';

    public bool IsBlockWide { get; } = Kind is WaitKind.Barrier or WaitKind.BarrierArrive;
}
