using System.Globalization;

namespace Andrea.Cli.Live;

/// <summary>What a look at a followed file found.</summary>
internal enum TailChange
{
    /// <summary>Nothing new.</summary>
    None,

    /// <summary>Whole lines were appended.</summary>
    Lines,

    /// <summary>What was read before is no longer what the file begins with: it was cut, or written anew by a resumed run.</summary>
    Reset,
}

/// <summary>Follows a text file that another process or thread appends lines to, and looks at it only when it is asked to.</summary>
/// <remarks>
/// Holds the file open only while it reads, so that the writer may replace it. A replaced file is told from a grown one by what stands
/// before the position: its last bytes are read again with every change. The file need not exist yet. Not thread-safe.
/// </remarks>
internal sealed class FileTail
{
    /// <summary>Bytes before the position that must stay as they were; more than what two versions of a line have in common.</summary>
    private const int WindowBytes = 256;

    private const int ChunkBytes = 1 << 16;

    /// <summary>Far more than any line that Andrea writes.</summary>
    private const int LongestLine = 1 << 26;

    private readonly string _path;
    private byte[] _buffer = new byte[WindowBytes + ChunkBytes];
    private byte[] _window = [];
    private (int Start, int Length) _lines;
    private (long Length, DateTime Written) _seen = (-1, default);

    /// <param name="path">The file.</param>
    public FileTail(string path) => _path = path;

    /// <summary>Bytes of whole lines that were read so far.</summary>
    public long Position { get; private set; }

    /// <summary>Reads what was appended, up to some 64 KiB of whole lines at once; ask again until there is nothing new.</summary>
    /// <param name="lines">The lines, each with its line break; valid until the next call.</param>
    /// <returns>After <see cref="TailChange.Reset"/> the position is the end of the file's whole lines.</returns>
    /// <exception cref="IOException">The file exists but cannot be read, or has a line of more than 64 MiB.</exception>
    public TailChange Read(out ReadOnlyMemory<byte> lines)
    {
        lines = default;
        var file = new FileInfo(_path);
        (long, DateTime) now = file.Exists ? (file.Length, file.LastWriteTimeUtc) : (0, default);
        if (now == _seen)
            return TailChange.None;
        TailChange change = file.Exists ? ReadAfterPosition(out lines) : Position == 0 ? TailChange.None : TailChange.Reset;
        if (change == TailChange.Reset)
            SkipToEnd();
        else if (change == TailChange.None)
            _seen = now;
        return change;
    }

    /// <summary>Goes to the end of the file's whole lines without handing them over.</summary>
    public void SkipToEnd() => GoToLineBefore(long.MaxValue);

    /// <summary>Goes to a place that somebody else has read up to.</summary>
    /// <param name="position">Bytes from the beginning.</param>
    /// <returns>False when no line ends there, so that it cannot be a place in this file; the position is then the end.</returns>
    public bool TryGoTo(long position)
    {
        if (position >= 0 && GoToLineBefore(position) == position)
            return true;
        SkipToEnd();
        return false;
    }

    /// <summary>Goes to a place that <see cref="Mark"/> told of.</summary>
    /// <returns>False when the file is not the one from then, as far as can be seen; the position is then the end.</returns>
    public bool TryGoTo(string mark)
    {
        string[] parts = mark.Split('.');
        if (parts.Length == 2 && long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out long position)
            && TryGoTo(position) && Mark() == mark)
            return true;
        SkipToEnd();
        return false;
    }

    /// <summary>The position with a check of what stands before it, for <see cref="TryGoTo(string)"/> after a broken connection.</summary>
    public string Mark() => MarkOf(Position, _window);

    /// <summary>The mark after only so many bytes of the lines that were just read.</summary>
    public string MarkWithin(int bytes)
    {
        // The lines are still in the buffer, behind the window that was there before them.
        int end = _lines.Start + bytes, length = Math.Min(WindowBytes, end);
        return MarkOf(Position - _lines.Length + bytes, _buffer.AsSpan(end - length, length));
    }

    /// <summary>Goes to the last end of a line that is not after a place, or to the beginning.</summary>
    /// <returns>The position.</returns>
    public long GoToLineBefore(long place)
    {
        Position = 0;
        _window = [];
        _seen = (-1, default);
        using FileStream? file = TryOpen();
        if (file is null)
            return 0;
        byte[] bytes = new byte[ChunkBytes];
        for (long end = Math.Min(place, file.Length); end > 0;)
        {
            int length = (int)Math.Min(bytes.Length, end);
            file.Position = end - length;
            int read = file.ReadAtLeast(bytes.AsSpan(0, length), length, throwOnEndOfStream: false);
            int lineEnd = bytes.AsSpan(0, read).LastIndexOf((byte)'\n') + 1;
            if (lineEnd == 0)
            {
                end -= length;
                continue;
            }
            Position = end - length + lineEnd;
            byte[] window = new byte[(int)Math.Min(WindowBytes, Position)];
            file.Position = Position - window.Length;
            // Shorter if the file is being cut at this moment; the next look will find out.
            file.ReadAtLeast(window, window.Length, throwOnEndOfStream: false);
            _window = window;
            break;
        }
        return Position;
    }

    private TailChange ReadAfterPosition(out ReadOnlyMemory<byte> lines)
    {
        lines = default;
        using FileStream? file = TryOpen();
        if (file is null || file.Length < Position)
            return Position == 0 ? TailChange.None : TailChange.Reset;
        file.Position = Position - _window.Length;
        int filled = 0;
        while (true)
        {
            int read = file.Read(_buffer.AsSpan(filled));
            filled += read;
            if (filled >= _window.Length && !_buffer.AsSpan(0, _window.Length).SequenceEqual(_window))
                return TailChange.Reset;
            int end = _buffer.AsSpan(_window.Length, Math.Max(0, filled - _window.Length)).LastIndexOf((byte)'\n') + 1;
            if (end > 0 && (read == 0 || filled == _buffer.Length))
            {
                _lines = (_window.Length, end);
                lines = _buffer.AsMemory(_window.Length, end);
                Position += end;
                _window = _buffer.AsSpan(0, _window.Length + end)[^(int)Math.Min(WindowBytes, Position)..].ToArray();
                return TailChange.Lines;
            }
            if (read == 0)
                return filled < _window.Length ? TailChange.Reset : TailChange.None;
            if (filled < _buffer.Length)
                continue;
            if (_buffer.Length >= LongestLine)
                throw new IOException($"The file '{_path}' has a line of more than {LongestLine >> 20} MiB, so it is none that Andrea wrote.");
            Array.Resize(ref _buffer, 2 * _buffer.Length);
        }
    }

    private FileStream? TryOpen()
    {
        try
        {
            return new FileStream(_path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Position and FNV-1a hash of the window.</summary>
    private static string MarkOf(long position, ReadOnlySpan<byte> window)
    {
        ulong hash = 14695981039346656037;
        foreach (byte value in window)
            hash = (hash ^ value) * 1099511628211;
        return string.Create(CultureInfo.InvariantCulture, $"{position}.{hash:x16}");
    }
}
