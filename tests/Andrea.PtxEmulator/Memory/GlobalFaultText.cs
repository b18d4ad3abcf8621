namespace Andrea.PtxEmulator.Memory;

/// <summary>Finds out what was wrong with an access to global memory.</summary>
internal static unsafe class GlobalFaultText
{
    private const ulong NullPage = 1 << DeviceMemory.PageBits;

    public static (FaultKind Kind, string What) Explain(DeviceMemory memory, GlobalAccessFault fault)
    {
        string access = $"{(fault.IsWrite ? "a write" : "a read")} of {fault.Bytes} bytes at 0x{fault.Address:x} in global memory";
        if (fault.Address < NullPage)
            return (FaultKind.NullPointer, $"null pointer: {access}");
        PageEntry* entry = memory.EntryAt(fault.Address);
        if (entry != null && entry->Length == 0 && entry->Start != 0)
            return (FaultKind.UseAfterFree, $"use after free: {access}, in memory that was freed");
        if (!memory.Contains(fault.Address, (ulong)fault.Bytes))
            return (FaultKind.OutOfBounds, $"out of bounds: {access}, {Nearest(memory, fault.Address)}");
        if ((fault.Address & (ulong)(fault.Bytes - 1)) != 0)
            return (FaultKind.Misaligned, $"misaligned: {access}, which is no multiple of {fault.Bytes}");
        ulong offset = fault.Address - entry->Start;
        return (FaultKind.Uninitialized, $"uninitialized: {access} that nobody wrote, offset {offset} of {entry->Length} bytes allocated");
    }

    private static string Nearest(DeviceMemory memory, ulong address)
    {
        // Far jumps are rare; a look at the pages before is enough to name the allocation that was overrun.
        for (ulong back = 0; back < 16; back++)
        {
            PageEntry* entry = memory.EntryAt(address - (back << DeviceMemory.PageBits));
            if (entry != null && entry->Length != 0)
                return $"{address - entry->Start} bytes after the start of an allocation of {entry->Length} bytes";
        }
        PageEntry* next = memory.EntryAt(address + NullPage);
        return next != null && next->Length != 0
            ? $"{next->Start - address} bytes before an allocation of {next->Length} bytes"
            : "in no allocation";
    }
}
