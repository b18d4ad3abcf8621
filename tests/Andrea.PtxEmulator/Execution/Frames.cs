using Andrea.PtxEmulator.Memory;

namespace Andrea.PtxEmulator.Execution;

/// <summary>What all threads of a block see. Read by translated code, so fields only.</summary>
internal unsafe struct BlockFrame
{
    public PageEntry* Pages;

    /// <summary>Shared memory, and after it as many bytes that say which were written.</summary>
    public byte* Shared;
    public ulong SharedBytes;
    public byte* Parameters;
    public ulong ParameterBytes;

    /// <summary>The device addresses of the module's variables, in the kernel's own numbering.</summary>
    public ulong* Variables;
    public uint DynamicSharedBytes;
    public uint BlockX;
    public uint BlockY;
    public uint BlockZ;
    public uint GridX;
    public uint GridY;
    public uint GridZ;
    public uint ThreadsX;
    public uint ThreadsY;
    public uint ThreadsZ;
    public uint Warps;
}

/// <summary>One thread: who it is, where it waits, and what it waits with. Read and written by translated code, so fields only.</summary>
internal unsafe struct ThreadFrame
{
    public BlockFrame* Block;

    /// <summary>Values of registers while the thread waits.</summary>
    public ulong* Saved;

    /// <summary>Local memory, and after it as many bytes that say which were written.</summary>
    public byte* Local;
    public ulong LocalBytes;

    /// <summary>Backward branches left before a loop counts as endless.</summary>
    public long LoopBudget;

    /// <summary>Instructions executed, where the launch counts them.</summary>
    public long Executed;

    /// <summary>Where to go on: 0 at the beginning, n after the n-th place that waits.</summary>
    public int Resume;
    public uint ThreadX;
    public uint ThreadY;
    public uint ThreadZ;
    public uint Index;
    public uint Lane;
    public uint Warp;

    /// <summary>The lanes that take part in what this thread waits for.</summary>
    public uint Mask;

    /// <summary>Operands of what it waits for.</summary>
    public uint A;
    public uint B;
    public uint C;

    /// <summary>What it gets.</summary>
    public uint Result;
    public int ResultPredicate;
}

/// <summary>Runs a thread from where it stands to where it must wait, or to its end.</summary>
/// <returns>0 when the thread has ended; n when it waits at the n-th place.</returns>
internal unsafe delegate int KernelEntry(ThreadFrame* frame);
