namespace Andrea.PtxEmulator.Execution;

/// <summary>How the emulator runs kernels.</summary>
internal sealed record LaunchOptions
{
    /// <summary>In which order blocks, warps and lanes run.</summary>
    /// <value>0, by default: their natural order. Any other number: an order shuffled by it, the same each time.</value>
    public ulong Seed { get; init; }

    /// <summary>Whether unordered accesses to shared memory are looked for.</summary>
    /// <value>False by default; it costs several times the time of the accesses.</value>
    public bool DetectRaces { get; init; }

    /// <summary>Whether executed instructions are counted.</summary>
    /// <value>False by default.</value>
    public bool CountInstructions { get; init; }

    /// <summary>How many blocks run at the same time, each on a core. Kernels whose blocks talk by atomics run one block after another.</summary>
    /// <value>By default as many as there are cores.</value>
    public int Workers { get; init; } = Environment.ProcessorCount;

    /// <summary>The number of the only block to run; the others are left out.</summary>
    /// <value>By default null: all blocks run.</value>
    public uint? OnlyBlock { get; init; }

    /// <summary>Jumps backwards that a thread may make without waiting before it counts as lost in a loop.</summary>
    /// <value>2^32 by default.</value>
    public long LoopLimit { get; init; } = 1L << 32;
}

/// <summary>Three sizes or an index of three parts.</summary>
internal readonly record struct Dimensions(uint X, uint Y = 1, uint Z = 1)
{
    public ulong Count => (ulong)X * Y * Z;

    /// <summary>The index of the n-th element, x running fastest.</summary>
    public Dimensions At(ulong n) => new((uint)(n % X), (uint)(n / X % Y), (uint)(n / ((ulong)X * Y)));

    public override string ToString() => $"({X}, {Y}, {Z})";
}
