namespace Andrea.PtxEmulator.Memory;

/// <summary>What a kernel did wrong.</summary>
internal enum FaultKind
{
    OutOfBounds,
    Misaligned,
    Uninitialized,
    UseAfterFree,
    NullPointer,
    BarrierDivergence,
    WarpDivergence,
    Race,
    DivisionByZero,
    EndlessLoop,
    Trap,
}

/// <summary>A kernel's mistake, at the place where it happened.</summary>
internal sealed class DeviceFaultException(FaultKind kind, string what, string place) : Exception($"{what} ({place})")
{
    public FaultKind Kind { get; } = kind;

    /// <summary>What happened, without where.</summary>
    public string What { get; } = what;
}

/// <summary>A mistake as seen by the executing thread, which does not know the name of its place.</summary>
/// <param name="instruction">The index of the instruction in the flattened kernel.</param>
internal sealed class ThreadFault(FaultKind kind, int instruction, string what) : Exception(what)
{
    public FaultKind Kind { get; } = kind;

    public int Instruction { get; } = instruction;
}

/// <summary>An access to global memory that failed its check; what is wrong with it is found out by <see cref="DeviceMemory"/>.</summary>
internal sealed class GlobalAccessFault(ulong address, int bytes, bool write, int instruction) : Exception
{
    public ulong Address { get; } = address;

    public int Bytes { get; } = bytes;

    public bool IsWrite { get; } = write;

    public int Instruction { get; } = instruction;
}
