namespace Andrea.Data;

/// <summary>A part of a document that can be read again, cut between characters.</summary>
internal sealed class DocumentPart(TextDocument document, long start, long length) : TextDocument(document.Name)
{
    /// <summary>Bytes of a document, which becomes one that can be read again.</summary>
    public static long LengthOf(TextDocument document)
    {
        document.KeepForRereading();
        using Stream stream = document.Open();
        return stream.Length;
    }

    /// <summary>The first place at or after <paramref name="position"/> where a character begins.</summary>
    public static long NextCharacter(TextDocument document, long position)
    {
        using Stream stream = document.Open();
        stream.Position = position;
        while (stream.ReadByte() is int value && value >= 0 && (value & 0xC0) == 0x80)
            position++;
        return position;
    }

    internal override Stream Open() => new PartStream(document.Open(), start, length);

    private sealed class PartStream : Stream
    {
        private readonly Stream _whole;
        private readonly long _start;

        public PartStream(Stream whole, long start, long length)
        {
            (_whole, _start, Length) = (whole, start, length);
            whole.Position = start;
        }

        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => false;

        public override long Length { get; }

        public override long Position
        {
            get => _whole.Position - _start;
            set => _whole.Position = _start + value;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer) => _whole.Read(buffer[..(int)Math.Clamp(Length - Position, 0, buffer.Length)]);

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush()
        {
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                _whole.Dispose();
            base.Dispose(disposing);
        }
    }
}
