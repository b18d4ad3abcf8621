namespace Andrea.PtxEmulator.Memory;

/// <summary>What one page of device addresses belongs to; all zero where nothing was ever allocated.</summary>
internal unsafe struct PageEntry
{
    /// <summary>The first device address of the allocation.</summary>
    public ulong Start;

    /// <summary>Its bytes; 0 once it is freed.</summary>
    public ulong Length;

    /// <summary>Where its bytes are on this machine.</summary>
    public byte* Host;

    /// <summary>One byte for each of its bytes: 0xff once somebody wrote it. A whole byte, so that cores writing neighbours do not meet.</summary>
    public byte* Written;
}
