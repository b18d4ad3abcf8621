using System.Text;

namespace Andrea.Data;

/// <summary>Decodes tokens one after the other, and never gives out half a character: its first bytes wait for the rest.</summary>
/// <remarks>
/// All pieces and <see cref="Flush"/> in a row are what <see cref="Tokenizer.Decode"/> gives for all tokens. Not for several threads at
/// once. Example:
/// <code>
/// TokenDecoder decoder = tokenizer.CreateDecoder();
/// foreach (int token in tokens)
///     Console.Write(decoder.Decode(token));
/// Console.Write(decoder.Flush());
/// </code>
/// </remarks>
public sealed class TokenDecoder
{
    private readonly Tokenizer _tokenizer;
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();

    internal TokenDecoder(Tokenizer tokenizer) => _tokenizer = tokenizer;

    /// <summary>Takes the next token.</summary>
    /// <param name="token">In [0, V).</param>
    /// <returns>The characters that are complete now; often one, or none. Bytes that cannot be UTF-8 become U+FFFD.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such token.</exception>
    public string Decode(int token) => Convert(_tokenizer.BytesOf(token), flush: false);

    /// <summary>Ends the text: gives U+FFFD for a character that stayed incomplete, else nothing. The decoder is then ready for another
    /// text.</summary>
    /// <returns>One U+FFFD, or nothing.</returns>
    public string Flush() => Convert([], flush: true);

    private string Convert(ReadOnlySpan<byte> bytes, bool flush)
    {
        int length = _decoder.GetCharCount(bytes, flush);
        if (length == 0 && bytes.IsEmpty)
            return "";
        // Even where no character is complete, the bytes must be handed over: the decoder keeps them.
        Span<char> characters = length <= 256 ? stackalloc char[length] : new char[length];
        _decoder.GetChars(bytes, characters, flush);
        return characters.ToString();
    }
}
