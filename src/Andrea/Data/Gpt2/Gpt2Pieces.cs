using System.Buffers;
using System.Text;

namespace Andrea.Data.Gpt2;

/// <summary>Cuts text into the pieces within which GPT-2 merges: its regular expression, by hand, over UTF-8.</summary>
/// <remarks>
/// <c>'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+</c>. Bytes that are not UTF-8 count as characters of the
/// third kind. Letters and numbers are those of the Unicode version of .NET.
/// </remarks>
internal static class Gpt2Pieces
{
    private static readonly Kind[] Ascii = [.. Enumerable.Range(0, 0x80).Select(value => KindOf(new Rune(value)))];

    private enum Kind : byte
    {
        Letter,
        Number,
        Space,
        Other,

        /// <summary>The text ends here.</summary>
        End,

        /// <summary>The text may go on, and what follows is not known yet.</summary>
        Unknown,
    }

    /// <summary>Length of the first piece in bytes; 0 if what follows the text could change it.</summary>
    /// <param name="text">At least one byte.</param>
    /// <param name="isFinal">Nothing follows.</param>
    public static int FirstLength(ReadOnlySpan<byte> text, bool isFinal)
    {
        if (text[0] == '\'')
        {
            if (text.Length < 3 && !isFinal)
                return 0;
            int contraction = ContractionLength(text[1..]);
            if (contraction > 0)
                return 1 + contraction;
        }
        Kind kind = At(text, 0, isFinal, out int length);
        if (text[0] == ' ')
        {
            Kind next = At(text, 1, isFinal, out int nextLength);
            if (next is Kind.Letter or Kind.Number or Kind.Other)
                (kind, length) = (next, 1 + nextLength);
        }
        if (kind == Kind.Unknown)
            return 0;
        int end = length, last = 0;
        Kind following;
        while ((following = At(text, end, isFinal, out length)) == kind)
            (last, end) = (end, end + length);
        if (following == Kind.Unknown)
            return 0;
        // White space before something else leaves its last character to it, unless it is the only one.
        return kind == Kind.Space && following != Kind.End && last > 0 ? last : end;
    }

    private static int ContractionLength(ReadOnlySpan<byte> text)
    {
        if (text.StartsWith("re"u8) || text.StartsWith("ve"u8) || text.StartsWith("ll"u8))
            return 2;
        return !text.IsEmpty && text[0] is (byte)'s' or (byte)'t' or (byte)'m' or (byte)'d' ? 1 : 0;
    }

    private static Kind At(ReadOnlySpan<byte> text, int position, bool isFinal, out int length)
    {
        length = 1;
        if (position == text.Length)
            return isFinal ? Kind.End : Kind.Unknown;
        byte first = text[position];
        if (first < 0x80)
            return Ascii[first];
        return Rune.DecodeFromUtf8(text[position..], out Rune character, out length) switch
        {
            OperationStatus.Done => KindOf(character),
            OperationStatus.NeedMoreData when !isFinal => Kind.Unknown,
            _ => Kind.Other,
        };
    }

    private static Kind KindOf(Rune character) =>
        Rune.IsLetter(character) ? Kind.Letter
        : Rune.IsWhiteSpace(character) ? Kind.Space
        : Rune.IsNumber(character) ? Kind.Number
        : Kind.Other;
}
