using System.Buffers;
using System.Text;

namespace Andrea.Data;

/// <summary>Text that is not valid UTF-8 (RFC 3629), or a .NET string with half a surrogate pair, which has no UTF-8 form.</summary>
public sealed class InvalidTextException : TrainingDataException
{
    private InvalidTextException(string message, string document, long offset)
        : base(message)
    {
        Document = document;
        Offset = offset;
    }

    /// <summary>Where the text came from, as in messages: a quoted path, "standard input", or a word for text from memory.</summary>
    public string Document { get; }

    /// <summary>Bytes from the beginning of the document (a byte order mark counts) to the first byte of the invalid sequence; for a .NET
    /// string, its index.</summary>
    public long Offset { get; }

    /// <summary>The error for bytes that are not UTF-8.</summary>
    /// <param name="document">Name of the document.</param>
    /// <param name="text">Bytes of which some are invalid, from the beginning of a character to the document's end or some bytes beyond
    /// the invalid ones.</param>
    /// <param name="offset">Where they begin in the document.</param>
    internal static InvalidTextException At(string document, ReadOnlySpan<byte> text, long offset)
    {
        OperationStatus status;
        while ((status = Rune.DecodeFromUtf8(text, out _, out int length)) == OperationStatus.Done)
        {
            text = text[length..];
            offset += length;
        }
        string what = (status, offset, text[0]) switch
        {
            (OperationStatus.NeedMoreData, _, byte first) => $"it ends inside the character that begins with byte 0x{first:X2} at offset {offset}",
            (_, 0, byte first and (0xFF or 0xFE)) => $"byte 0x{first:X2} at offset 0, which looks like UTF-16",
            (_, _, byte first) => $"byte 0x{first:X2} at offset {offset}",
        };
        return new InvalidTextException($"There is invalid UTF-8 in {document}: {what}; convert it to UTF-8 or leave it out.", document, offset);
    }

    internal static InvalidTextException LoneSurrogate(string document, char surrogate, int index) => new(
        $"There is half a surrogate pair, U+{(int)surrogate:X4}, at index {index} of {document}; remove it or complete the pair.", document, index);
}
