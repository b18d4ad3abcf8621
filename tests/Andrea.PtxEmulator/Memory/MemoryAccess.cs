using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Andrea.PtxEmulator.Memory;

/// <summary>The checks before each access, called by translated kernels. Sizes are constants there, so little code is left.</summary>
internal static unsafe class MemoryAccess
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* GlobalRead(PageEntry* pages, ulong address, int bytes, int instruction)
    {
        PageEntry* entry = Find(pages, address, bytes, write: false, instruction);
        ulong offset = address - entry->Start;
        if (!IsWritten(entry->Written + offset, bytes))
            FailGlobal(address, bytes, write: false, instruction);
        return entry->Host + offset;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* GlobalWrite(PageEntry* pages, ulong address, int bytes, int instruction)
    {
        PageEntry* entry = Find(pages, address, bytes, write: true, instruction);
        ulong offset = address - entry->Start;
        MarkWritten(entry->Written + offset, bytes);
        return entry->Host + offset;
    }

    /// <summary>Shared or local memory: its bytes, followed by as many that say which were written.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* WindowRead(byte* window, ulong length, ulong address, int bytes, int instruction)
    {
        CheckWindow(length, address, bytes, write: false, instruction);
        if (!IsWritten(window + length + address, bytes))
            FailUninitialized(address, bytes, instruction);
        return window + address;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* WindowWrite(byte* window, ulong length, ulong address, int bytes, int instruction)
    {
        CheckWindow(length, address, bytes, write: true, instruction);
        MarkWritten(window + length + address, bytes);
        return window + address;
    }

    /// <summary>Parameters are read by kernels only and always written.</summary>
    public static byte* ParameterRead(byte* window, ulong length, ulong address, int bytes, int instruction)
    {
        CheckWindow(length, address, bytes, write: false, instruction);
        return window + address;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static PageEntry* Find(PageEntry* pages, ulong address, int bytes, bool write, int instruction)
    {
        ulong page = (address >> DeviceMemory.PageBits) - DeviceMemory.FirstPage;
        if (page >= DeviceMemory.PageCount)
            FailGlobal(address, bytes, write, instruction);
        PageEntry* entry = pages + page;
        // An allocation starts on a page's first byte, so the offset cannot be negative.
        if (address - entry->Start + (ulong)bytes > entry->Length || (address & (ulong)(bytes - 1)) != 0)
            FailGlobal(address, bytes, write, instruction);
        return entry;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CheckWindow(ulong length, ulong address, int bytes, bool write, int instruction)
    {
        if (address >= length || address + (ulong)bytes > length || (address & (ulong)(bytes - 1)) != 0)
            FailWindow(length, address, bytes, write, instruction);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsWritten(byte* written, int bytes) => bytes switch
    {
        1 => *written == byte.MaxValue,
        2 => *(ushort*)written == ushort.MaxValue,
        4 => *(uint*)written == uint.MaxValue,
        8 => *(ulong*)written == ulong.MaxValue,
        _ => (((ulong*)written)[0] & ((ulong*)written)[1]) == ulong.MaxValue,
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MarkWritten(byte* written, int bytes)
    {
        switch (bytes)
        {
            case 1:
                *written = byte.MaxValue;
                break;
            case 2:
                *(ushort*)written = ushort.MaxValue;
                break;
            case 4:
                *(uint*)written = uint.MaxValue;
                break;
            case 8:
                *(ulong*)written = ulong.MaxValue;
                break;
            default:
                ((ulong*)written)[0] = ulong.MaxValue;
                ((ulong*)written)[1] = ulong.MaxValue;
                break;
        }
    }

    [DoesNotReturn, MethodImpl(MethodImplOptions.NoInlining)]
    private static void FailGlobal(ulong address, int bytes, bool write, int instruction) =>
        throw new GlobalAccessFault(address, bytes, write, instruction);

    [DoesNotReturn, MethodImpl(MethodImplOptions.NoInlining)]
    private static void FailWindow(ulong length, ulong address, int bytes, bool write, int instruction)
    {
        string access = $"{(write ? "a write" : "a read")} of {bytes} bytes at offset {unchecked((long)address)}";
        bool outside = address >= length || address + (ulong)bytes > length;
        throw outside
            ? new ThreadFault(FaultKind.OutOfBounds, instruction, $"out of bounds: {access}, of {length} bytes")
            : new ThreadFault(FaultKind.Misaligned, instruction, $"misaligned: {access}, which is no multiple of {bytes}");
    }

    [DoesNotReturn, MethodImpl(MethodImplOptions.NoInlining)]
    private static void FailUninitialized(ulong address, int bytes, int instruction) =>
        throw new ThreadFault(FaultKind.Uninitialized, instruction, $"uninitialized: a read of {bytes} bytes at offset {address} that nobody wrote");
}
