using System.Buffers;
using Andrea.Data;

namespace Andrea.Tests.Data;

/// <summary>Encodes a text that comes in pieces.</summary>
internal static class EncodedPieces
{
    /// <summary>As a reader of blocks does it: what one call leaves comes again in the next.</summary>
    /// <param name="tokenizer">Encodes.</param>
    /// <param name="text">The whole text.</param>
    /// <param name="pieceLength">How many bytes are added each time.</param>
    public static int[] Of(Tokenizer tokenizer, byte[] text, int pieceLength)
    {
        var tokens = new ArrayBufferWriter<int>();
        int start = 0;
        for (int end = Math.Min(pieceLength, text.Length); start < text.Length; end = Math.Min(end + pieceLength, text.Length))
            start += tokenizer.Encode(text.AsSpan(start..end), end == text.Length, tokens);
        return tokens.WrittenSpan.ToArray();
    }
}
