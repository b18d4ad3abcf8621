using System.Runtime.InteropServices;

namespace Andrea.PtxEmulator.Memory;

/// <summary>The emulated device's memory. Addresses of freed memory are not used again until the address space is used up.</summary>
internal sealed unsafe class DeviceMemory : IDisposable
{
    /// <summary>Every allocation starts on a page of its own, so that a page belongs to one allocation at most.</summary>
    public const int PageBits = 16;

    public const ulong FirstPage = 0x7_0000;
    public const ulong PageCount = 1 << 19;

    private readonly SortedDictionary<ulong, ulong> _live = [];
    private ulong _nextPage;

    /// <summary>The page table; entry 0 is <see cref="FirstPage"/>.</summary>
    public PageEntry* Pages { get; private set; } = (PageEntry*)NativeMemory.AllocZeroed((nuint)PageCount, (nuint)sizeof(PageEntry));

    public int LiveAllocations => _live.Count;

    /// <summary>Allocates memory that nobody has written yet.</summary>
    /// <exception cref="OutOfMemoryException">The emulated address space has no hole of this size.</exception>
    public ulong Allocate(ulong bytes)
    {
        ArgumentOutOfRangeException.ThrowIfZero(bytes);
        ulong pages = (bytes + (1UL << PageBits) - 1) >> PageBits;
        ulong first = FindHole(pages);
        var entry = new PageEntry
        {
            Start = (FirstPage + first) << PageBits,
            Length = bytes,
            Host = (byte*)NativeMemory.AllocZeroed((nuint)bytes),
            Written = (byte*)NativeMemory.AllocZeroed((nuint)bytes),
        };
        for (ulong i = 0; i < pages; i++)
            Pages[first + i] = entry;
        _live.Add(entry.Start, pages);
        return entry.Start;
    }

    /// <summary>Frees an allocation.</summary>
    /// <returns>False when nothing alive starts there.</returns>
    public bool Free(ulong address)
    {
        if (!_live.Remove(address, out ulong pages))
            return false;
        PageEntry* entry = EntryAt(address);
        NativeMemory.Free(entry->Host);
        NativeMemory.Free(entry->Written);
        for (ulong i = 0; i < pages; i++)
        {
            entry[i].Length = 0;
            entry[i].Host = entry[i].Written = null;
        }
        return true;
    }

    /// <summary>Whether these bytes lie in one live allocation.</summary>
    public bool Contains(ulong address, ulong bytes)
    {
        PageEntry* entry = EntryAt(address);
        return entry != null && entry->Length != 0 && address - entry->Start <= entry->Length && bytes <= entry->Length - (address - entry->Start);
    }

    /// <summary>The live allocation that an address points into.</summary>
    public bool TryFind(ulong address, out ulong start, out ulong bytes)
    {
        PageEntry* entry = EntryAt(address);
        bool found = entry != null && address - entry->Start < entry->Length;
        (start, bytes) = found ? (entry->Start, entry->Length) : (0, 0);
        return found;
    }

    public void Write(ulong address, ReadOnlySpan<byte> source)
    {
        source.CopyTo(Bytes(address, source.Length));
        WrittenBytes(address, source.Length).Fill(0xff);
    }

    /// <summary>Copies to the host; unwritten bytes read as zero, as a host has no use for a fault here.</summary>
    public void Read(ulong address, Span<byte> destination) => Bytes(address, destination.Length).CopyTo(destination);

    /// <summary>Copies inside the device; what was never written stays so.</summary>
    public void Copy(ulong destination, ulong source, int bytes)
    {
        Bytes(source, bytes).CopyTo(Bytes(destination, bytes));
        WrittenBytes(source, bytes).CopyTo(WrittenBytes(destination, bytes));
    }

    public void Fill(ulong address, byte value, int bytes)
    {
        Bytes(address, bytes).Fill(value);
        WrittenBytes(address, bytes).Fill(0xff);
    }

    /// <summary>Whether every one of these bytes was written.</summary>
    public bool IsWritten(ulong address, int bytes) => !WrittenBytes(address, bytes).ContainsAnyExcept((byte)0xff);

    /// <summary>The bytes on this machine.</summary>
    public Span<byte> Bytes(ulong address, int bytes) => new(Checked(address, bytes)->Host + (address - EntryAt(address)->Start), bytes);

    private Span<byte> WrittenBytes(ulong address, int bytes) => new(Checked(address, bytes)->Written + (address - EntryAt(address)->Start), bytes);

    public void Dispose()
    {
        if (Pages == null)
            return;
        foreach (ulong address in _live.Keys.ToArray())
            Free(address);
        NativeMemory.Free(Pages);
        Pages = null;
    }

    /// <summary>The table's entry for an address; null outside the emulated address space.</summary>
    public PageEntry* EntryAt(ulong address)
    {
        ulong page = (address >> PageBits) - FirstPage;
        return page < PageCount ? Pages + page : null;
    }

    private PageEntry* Checked(ulong address, int bytes) => Contains(address, (ulong)bytes)
        ? EntryAt(address)
        : throw new ArgumentException($"{bytes} bytes at 0x{address:x} do not lie in one live allocation.", nameof(address));

    private ulong FindHole(ulong pages)
    {
        if (_nextPage + pages > PageCount)
            _nextPage = 0;
        ulong free = 0;
        for (ulong tried = 0; tried < PageCount; tried++)
        {
            // An unused page between two allocations: running just past the end never lands in the next one.
            bool isFree = Pages[_nextPage].Length == 0;
            free = isFree ? free + 1 : 0;
            _nextPage++;
            if (free == pages + 1)
                return _nextPage - free;
            if (_nextPage == PageCount)
                (_nextPage, free) = (0, 0);
        }
        throw new OutOfMemoryException($"The emulated device has no {pages << PageBits} bytes of address space left.");
    }
}
