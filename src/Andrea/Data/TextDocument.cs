namespace Andrea.Data;

/// <summary>One text with a beginning and an end: a file, standard input, a string.</summary>
internal abstract class TextDocument(string name)
{
    /// <summary>Name for messages; paths in quotes.</summary>
    public string Name { get; } = name;

    /// <summary>Opens the document at its beginning.</summary>
    public Utf8BlockReader OpenReader() => new(Open(), Name);

    /// <summary>To be called before the first of several readings: takes into memory what can be read only once.</summary>
    public virtual void KeepForRereading()
    {
    }

    /// <summary>Opens the document's bytes; they can be sought in after <see cref="KeepForRereading"/>.</summary>
    internal abstract Stream Open();

    /// <summary>Reads a stream to its end into memory, and closes it.</summary>
    internal static byte[] ReadAll(Stream stream, string name, int maximumLength = 1 << 30)
    {
        using (stream)
        using (var memory = new MemoryStream())
        {
            var block = new byte[1 << 16];
            while (stream.Read(block) is int length and > 0)
            {
                if (memory.Length + length > maximumLength)
                {
                    throw new TrainingDataException(
                        $"This tokenizer reads its data twice, {name} can be read only once, and is longer than the {maximumLength} bytes "
                        + "that are kept in memory; write it to a file first.");
                }
                memory.Write(block, 0, length);
            }
            return memory.ToArray();
        }
    }
}

/// <summary>Text in memory.</summary>
internal sealed class MemoryDocument(byte[] utf8, string name) : TextDocument(name)
{
    internal override Stream Open() => new MemoryStream(utf8, writable: false);
}

/// <summary>A stream that can be read once, such as standard input.</summary>
internal sealed class StreamDocument(Func<Stream> open, string name) : TextDocument(name)
{
    private Func<Stream>? _open = open;
    private byte[]? _kept;

    public override void KeepForRereading() => _kept ??= ReadAll(OpenOnce(), Name);

    internal override Stream Open() => _kept is null ? OpenOnce() : new MemoryStream(_kept, writable: false);

    private Stream OpenOnce()
    {
        Func<Stream> open = _open ?? throw new InvalidOperationException(
            $"{Name} can be read only once, and has been read already; make a new TextSource.");
        _open = null;
        return open();
    }
}

/// <summary>A file; also a named pipe or /dev/stdin, which can be read once.</summary>
internal sealed class FileDocument(string path) : TextDocument($"'{path}'")
{
    private byte[]? _kept;

    public override void KeepForRereading()
    {
        if (_kept is not null)
            return;
        Stream stream = Open();
        if (stream.CanSeek)
            stream.Dispose();
        else
            _kept = ReadAll(stream, Name);
    }

    internal override Stream Open() => _kept is null
        // The reader has the only buffer.
        ? new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0, FileOptions.SequentialScan)
        : new MemoryStream(_kept, writable: false);
}
