using System.Text.Unicode;

namespace Andrea.Data;

/// <summary>Reads a document block by block, and gives out only valid UTF-8 in whole characters. Skips a byte order mark at the
/// beginning.</summary>
/// <remarks>
/// while (reader.Read()) { use some of reader.Text; reader.Advance(what was used); }
/// What was not used comes again at the beginning of the next block; the buffer grows if that leaves no room.
/// </remarks>
internal sealed class Utf8BlockReader(Stream stream, string document, int blockLength = Utf8BlockReader.DefaultBlockLength) : IDisposable
{
    internal const int DefaultBlockLength = 1 << 17;

    // [_start, _valid) is known to be UTF-8; [_valid, _end) is the beginning of a character whose rest is not read yet.
    private byte[] _buffer = new byte[blockLength];
    private int _start, _valid, _end;

    /// <summary>Text that has been read and not used.</summary>
    public ReadOnlySpan<byte> Text => _buffer.AsSpan(_start.._valid);

    /// <summary>Whether the document ends with <see cref="Text"/>.</summary>
    public bool IsFinal { get; private set; }

    /// <summary>Bytes of the document before <see cref="Text"/>.</summary>
    public long Offset { get; private set; }

    /// <summary>Reads on. False if the document has ended and <see cref="Text"/> is empty; also false on every call after the final
    /// block.</summary>
    /// <exception cref="InvalidTextException">Not UTF-8.</exception>
    public bool Read()
    {
        if (IsFinal)
            return false;
        _buffer.AsSpan(_start.._end).CopyTo(_buffer);
        (_start, _valid, _end) = (0, _valid - _start, _end - _start);
        if (_end == _buffer.Length)
            Array.Resize(ref _buffer, 2 * _buffer.Length);
        int wanted = _buffer.Length - _end;
        int read = stream.ReadAtLeast(_buffer.AsSpan(_end), wanted, throwOnEndOfStream: false);
        IsFinal = read < wanted;
        _end += read;
        Validate();
        if (Offset == 0 && Text.StartsWith("\uFEFF"u8))
            Advance("\uFEFF"u8.Length);
        return !IsFinal || !Text.IsEmpty;
    }

    /// <summary>Takes the first bytes of <see cref="Text"/> as used.</summary>
    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)(_valid - _start));
        _start += count;
        Offset += count;
    }

    public void Dispose() => stream.Dispose();

    /// <summary>Extends the text by what was just read; it begins at the buffer's beginning.</summary>
    private void Validate()
    {
        ReadOnlySpan<byte> added = _buffer.AsSpan(_valid.._end);
        ReadOnlySpan<byte> whole = IsFinal ? added : added[..^UnfinishedLength(added)];
        if (!Utf8.IsValid(whole))
            throw InvalidTextException.At(document, added, Offset + _valid);
        _valid += whole.Length;
    }

    /// <summary>How many bytes at the end begin a character without ending it: 0 to 3. They may be invalid; that shows when the rest is
    /// there.</summary>
    private static int UnfinishedLength(ReadOnlySpan<byte> text)
    {
        for (int length = 1; length <= Math.Min(3, text.Length); length++)
        {
            byte value = text[^length];
            if (value is >= 0x80 and < 0xC0)
                continue;
            int wholeLength = value switch { < 0xC0 => 1, < 0xE0 => 2, < 0xF0 => 3, _ => 4 };
            return length < wholeLength ? length : 0;
        }
        return 0;
    }
}
