namespace Andrea.PtxEmulator.Driver;

/// <summary>What the emulated GPU says about itself.</summary>
internal sealed record EmulatedGpu
{
    public string Name { get; init; } = "PTX emulator";

    /// <summary>Newer than any compiler knows, so that compilers choose PTX, which is what the emulator understands.</summary>
    public int Major { get; init; } = 99;

    public int Minor { get; init; }

    public int Multiprocessors { get; init; } = 4;

    /// <summary>Device memory that can be allocated.</summary>
    public long TotalBytes { get; init; } = 4L << 30;

    /// <summary>How many GPUs there are; all are the same, and share one memory.</summary>
    public int Count { get; init; } = 1;
}
