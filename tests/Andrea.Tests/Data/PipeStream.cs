namespace Andrea.Tests.Data;

/// <summary>A stream that cannot be rewound and gives few bytes at a time, like a pipe.</summary>
internal sealed class PipeStream(byte[] bytes, int bytesPerRead = int.MaxValue) : Stream
{
    private readonly MemoryStream _bytes = new(bytes);

    public bool IsClosed { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer) => _bytes.Read(buffer[..Math.Min(buffer.Length, bytesPerRead)]);

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        IsClosed = true;
        base.Dispose(disposing);
    }
}
