namespace Andrea.Data.Harris;

/// <summary>Counts byte strings in bounded memory.</summary>
/// <remarks>
/// Where there are more than <paramref name="mostEntries"/> different ones, those that were met least often are forgotten until half are
/// left (lossy counting): what is frequent in the whole is kept, its count at worst too small by what it had then. A function of the order
/// of additions alone. Not for several threads at once.
/// </remarks>
/// <param name="mostEntries">At least 2.</param>
internal sealed class FrequencyTable(int mostEntries = FrequencyTable.DefaultMostEntries)
{
    internal const int DefaultMostEntries = 1 << 20;

    private Entry[] _entries = new Entry[1024];
    // Index of an entry plus 1 by hash, with linear probing; at most half full.
    private int[] _buckets = new int[2048];
    private byte[] _bytes = new byte[1 << 14];
    private int _length;

    /// <summary>How many different strings there are.</summary>
    public int Count { get; private set; }

    /// <summary>String number <paramref name="index"/>, in the order in which they were first met.</summary>
    public ReadOnlySpan<byte> this[int index] => _bytes.AsSpan(_entries[index].Start, _entries[index].Length);

    /// <summary>How often it was added.</summary>
    public long FrequencyOf(int index) => _entries[index].Frequency;

    /// <summary>How often of these it had the mark.</summary>
    public long MarkedOf(int index) => _entries[index].Marked;

    /// <summary>Adds a string.</summary>
    /// <param name="value">Copied when it is new.</param>
    /// <param name="frequency">How often.</param>
    /// <param name="marked">How often of these with a mark, whose meaning is the caller's.</param>
    public void Add(ReadOnlySpan<byte> value, long frequency, long marked = 0)
    {
        uint hash = HashOf(value);
        int bucket = (int)(hash & (uint)(_buckets.Length - 1));
        for (; _buckets[bucket] != 0; bucket = (bucket + 1) & (_buckets.Length - 1))
        {
            ref Entry entry = ref _entries[_buckets[bucket] - 1];
            if (entry.Hash != hash || entry.Length != value.Length || !_bytes.AsSpan(entry.Start, entry.Length).SequenceEqual(value))
                continue;
            entry.Frequency += frequency;
            entry.Marked += marked;
            return;
        }
        Append(value, new Entry { Hash = hash, Start = _length, Length = value.Length, Frequency = frequency, Marked = marked });
        _buckets[bucket] = Count;
        if (Count > mostEntries)
            Forget();
        else if (2 * Count > _buckets.Length)
            Rehash(2 * _buckets.Length);
    }

    private void Append(ReadOnlySpan<byte> value, Entry entry)
    {
        if (Count == _entries.Length)
            Array.Resize(ref _entries, 2 * _entries.Length);
        if (_length + value.Length > _bytes.Length)
            Array.Resize(ref _bytes, Math.Max(2 * _bytes.Length, _length + value.Length));
        _entries[Count++] = entry;
        value.CopyTo(_bytes.AsSpan(_length));
        _length += value.Length;
    }

    /// <summary>Removes the rarest strings, all of equal frequency together, so that at most half may stay.</summary>
    private void Forget()
    {
        long[] frequencies = new long[Count];
        for (int i = 0; i < Count; i++)
            frequencies[i] = _entries[i].Frequency;
        Array.Sort(frequencies);
        long forgotten = frequencies[Count / 2];
        int kept = 0, length = 0;
        for (int i = 0; i < Count; i++)
        {
            Entry entry = _entries[i];
            if (entry.Frequency <= forgotten)
                continue;
            _bytes.AsSpan(entry.Start, entry.Length).CopyTo(_bytes.AsSpan(length));
            entry.Start = length;
            length += entry.Length;
            _entries[kept++] = entry;
        }
        (Count, _length) = (kept, length);
        Rehash(_buckets.Length);
    }

    private void Rehash(int length)
    {
        _buckets = new int[length];
        for (int i = 0; i < Count; i++)
        {
            int bucket = (int)(_entries[i].Hash & (uint)(length - 1));
            while (_buckets[bucket] != 0)
                bucket = (bucket + 1) & (length - 1);
            _buckets[bucket] = i + 1;
        }
    }

    /// <summary>FNV-1a with its bits mixed, since only the low ones choose a bucket.</summary>
    private static uint HashOf(ReadOnlySpan<byte> value)
    {
        uint hash = 2166136261;
        foreach (byte b in value)
            hash = (hash ^ b) * 16777619;
        hash ^= hash >> 15;
        hash *= 0x2C1B3C6D;
        return hash ^ (hash >> 13);
    }

    private struct Entry
    {
        public uint Hash;
        public int Start;
        public int Length;
        public long Frequency;
        public long Marked;
    }
}
