using System.Text;

namespace Andrea.Monitoring.Sinks;

/// <summary>A file that records are appended to, opened when the first one comes. One thread at a time.</summary>
/// <remarks>Opened late, because opening a pipe waits for a reader, and because a run without such records should leave no empty file. Others may read
/// it meanwhile.</remarks>
internal sealed class AppendedFile : IDisposable
{
    private readonly int _flushEvery;
    private readonly bool _hasLines;
    private readonly object _owner;
    private FileStream? _file;
    private int _unflushed;
    private bool _isClosed;

    /// <param name="owner">Who is said to be disposed when this is.</param>
    /// <param name="path">The file; it and its folder are created if need be.</param>
    /// <param name="flushEvery">Records that may wait in memory before they are given to the operating system.</param>
    /// <param name="hasLines">Whether every record is a line, so that one that a crash has cut off is ended before the next begins.</param>
    public AppendedFile(object owner, string path, int flushEvery, bool hasLines = true)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        Path = System.IO.Path.GetFullPath(path);
        _owner = owner;
        _flushEvery = flushEvery;
        _hasLines = hasLines;
    }

    /// <summary>The file's full path.</summary>
    public string Path { get; }

    /// <summary>Whether what is written now stands at the beginning; opens the file. So it always seems in a pipe.</summary>
    public bool NeedsHeader => !Open().CanSeek || _file!.Length == 0;

    /// <summary>Opens the file unless it is open.</summary>
    public FileStream Open()
    {
        ObjectDisposedException.ThrowIf(_isClosed, _owner);
        if (_file is not null)
            return _file;
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(Path)!);
        _file = new FileStream(Path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 1 << 16);
        if (_hasLines && _file.CanSeek && _file.Length > 0 && LastByte() != '\n')
            _file.Write("\n"u8);
        return _file;
    }

    /// <summary>Whether the file begins with just these bytes. Not for pipes: see <see cref="NeedsHeader"/>.</summary>
    public bool BeginsWith(ReadOnlySpan<byte> text)
    {
        Flush();
        using FileStream file = OpenToRead();
        byte[] beginning = new byte[text.Length];
        return file.ReadAtLeast(beginning, beginning.Length, throwOnEndOfStream: false) == text.Length && text.SequenceEqual(beginning);
    }

    /// <summary>Appends one whole record.</summary>
    public void Write(ReadOnlySpan<byte> record, bool flush = false)
    {
        Open().Write(record);
        if (++_unflushed >= _flushEvery || flush)
            Flush();
    }

    /// <summary>Gives the operating system what waits in memory.</summary>
    public void Flush()
    {
        _file?.Flush();
        _unflushed = 0;
    }

    /// <summary>Keeps only some of the lines.</summary>
    /// <param name="keep">Whether a line stays.</param>
    /// <param name="keepUnended">Whether to ask for a last line without a line feed, too, which a crash may have cut off.</param>
    public void KeepLines(Func<string, bool> keep, bool keepUnended = false)
    {
        bool wasOpen = _file is not null;
        _file?.Dispose();
        _file = null;
        // A pipe or device has no length and no lines to be taken back; a link has a length that means nothing.
        FileSystemInfo? real = File.Exists(Path) ? File.ResolveLinkTarget(Path, returnFinalTarget: true) ?? new FileInfo(Path) : null;
        if (real is FileInfo { Length: > 0 })
        {
            string temporary = real.FullName + ".tmp";
            using (var output = new StreamWriter(temporary) { NewLine = "\n" })
                foreach (string line in Lines(keepUnended))
                    if (keep(line))
                        output.WriteLine(line);
            File.Move(temporary, real.FullName, overwrite: true);
        }
        if (wasOpen)
            Open();
    }

    public void Dispose()
    {
        _isClosed = true;
        _file?.Dispose();
    }

    public override string ToString() => Path;

    private FileStream OpenToRead() => new(Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);

    private int LastByte()
    {
        using FileStream file = OpenToRead();
        file.Seek(-1, SeekOrigin.End);
        return file.ReadByte();
    }

    private IEnumerable<string> Lines(bool unended)
    {
        using var reader = new StreamReader(Path, Encoding.UTF8);
        var line = new StringBuilder();
        var buffer = new char[4096];
        for (int count = reader.Read(buffer); count > 0; count = reader.Read(buffer))
        {
            int start = 0;
            for (int i = 0; i < count; i++)
            {
                if (buffer[i] != '\n')
                    continue;
                yield return line.Append(buffer, start, i - start).ToString();
                line.Clear();
                start = i + 1;
            }
            line.Append(buffer, start, count - start);
        }
        if (unended && line.Length > 0)
            yield return line.ToString();
    }
}
