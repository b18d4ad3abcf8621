using Andrea.Training.Checkpoints;

namespace Andrea.Tests.Training.Checkpoints;

/// <summary>The process dies here: no handler of I/O failures may catch it, and nothing reaches the disk afterwards.</summary>
internal sealed class SimulatedCrash : Exception;

/// <summary>A real disk that records what is done to it, runs out of space after so many bytes, or stops for ever at one of its operations.</summary>
internal sealed class FailingDisk : CheckpointDisk
{
    private bool _crashed;

    /// <summary>Every operation so far, as "verb name".</summary>
    public List<string> Operations { get; } = [];

    /// <summary>Index of the operation that does not happen, nor anything after it.</summary>
    public int CrashAt { get; init; } = int.MaxValue;

    /// <summary>Bytes that still fit.</summary>
    public long FreeBytes { get; set; } = long.MaxValue;

    public override Stream CreateFile(string path)
    {
        Step("create", path);
        return new LimitedStream(this, path);
    }

    public override void FlushFile(Stream file)
    {
        var limited = (LimitedStream)file;
        Step("flush", limited.Path);
        base.FlushFile(limited.Inner);
    }

    public override void CreateFolder(string path)
    {
        Step("create", path);
        base.CreateFolder(path);
    }

    public override void FlushFolder(string path)
    {
        Step("flush", path);
        base.FlushFolder(path);
    }

    public override void MoveFolder(string from, string to)
    {
        Step("move", to);
        base.MoveFolder(from, to);
    }

    public override void MoveFile(string from, string to)
    {
        Step("move", to);
        base.MoveFile(from, to);
    }

    public override void DeleteFile(string path)
    {
        Step("delete", path);
        base.DeleteFile(path);
    }

    public override void DeleteFolder(string path)
    {
        Step("delete", path);
        // File by file, so that a crash can leave half a folder behind.
        foreach (string file in Directory.EnumerateFiles(path).Order(StringComparer.Ordinal))
        {
            Step("delete", file);
            File.Delete(file);
        }
        base.DeleteFolder(path);
    }

    private void Step(string verb, string path)
    {
        _crashed |= Operations.Count == CrashAt;
        if (_crashed)
            throw new SimulatedCrash();
        Operations.Add($"{verb} {System.IO.Path.GetFileName(path)}");
    }

    private sealed class LimitedStream(FailingDisk disk, string path) : Stream
    {
        public string Path => path;

        public FileStream Inner { get; } = new(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => Inner.Length;

        public override long Position { get => Inner.Position; set => throw new NotSupportedException(); }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            disk.Step("write", path);
            long fits = Math.Min(buffer.Length, disk.FreeBytes);
            Inner.Write(buffer[..(int)fits]);
            disk.FreeBytes -= fits;
            if (fits < buffer.Length)
                throw new IOException("No space left on device");
        }

        public override void Flush() => Inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing) => Inner.Dispose();
    }
}
