using System.Buffers;
using System.Text;

namespace Andrea.Data.Harris;

/// <summary>Cuts text into words, as the trainer of HarrisTokenizer counts them.</summary>
/// <remarks>
/// A word is a run of characters of one class: letters (Unicode letters and combining marks, and apostrophes between two letters), numbers,
/// white space, and all others. One space before a word of the other classes belongs to it, but is not one of its letters; so white space
/// goes without its last space where a word follows. A run of more than <see cref="MaxLength"/> bytes is cut there, between characters.
/// Line ends are white space like any other: \r\n is a word, and so is \n with the indentation after it.
/// </remarks>
internal static class WordScanner
{
    /// <summary>Bytes of the longest word, without the space before it.</summary>
    public const int MaxLength = 64;

    // A space, a word, and the two characters behind it that can decide where it ends.
    private const int Lookahead = 1 + MaxLength + 4 + 4;

    private static readonly CharacterClass[] Ascii = [.. Enumerable.Range(0, 128).Select(value => ClassOf(new Rune(value)))];

    private enum CharacterClass : byte
    {
        Letter,
        Number,
        Space,
        Other,
    }

    /// <summary>Counts the words of a piece of a longer text.</summary>
    /// <param name="utf8">Valid UTF-8, in whole characters. What the last call left comes first.</param>
    /// <param name="isFinal">The text ends here.</param>
    /// <param name="words">Counts them.</param>
    /// <returns>How many bytes have been counted; the rest is to come again with what follows it.</returns>
    public static int Count(ReadOnlySpan<byte> utf8, bool isFinal, FrequencyTable words)
    {
        int position = 0;
        while (position < utf8.Length && (isFinal || utf8.Length - position >= Lookahead))
        {
            int start = position;
            bool isSpaced = utf8[start] == ' ' && start + 1 < utf8.Length && ClassAt(utf8, start + 1, out _) != CharacterClass.Space;
            if (isSpaced)
                start++;
            position = EndOfWord(utf8, start);
            words.Add(utf8[start..position], 1, isSpaced ? 1 : 0);
        }
        return position;
    }

    private static int EndOfWord(ReadOnlySpan<byte> utf8, int start)
    {
        CharacterClass kind = ClassAt(utf8, start, out int length);
        int end = start + length;
        while (end < utf8.Length)
        {
            CharacterClass next = ClassAt(utf8, end, out length);
            if (next != kind && !(kind == CharacterClass.Letter && IsInnerApostrophe(utf8, end, length)))
            {
                bool leavesSpace = kind == CharacterClass.Space && utf8[end - 1] == ' ' && end - 1 > start;
                return leavesSpace ? end - 1 : end;
            }
            if (end + length - start > MaxLength)
                return end;
            end += length;
        }
        return end;
    }

    private static bool IsInnerApostrophe(ReadOnlySpan<byte> utf8, int position, int length) =>
        (utf8[position] == '\'' || utf8.Slice(position, length).SequenceEqual("\u2019"u8))
        && position + length < utf8.Length && ClassAt(utf8, position + length, out _) == CharacterClass.Letter;

    private static CharacterClass ClassAt(ReadOnlySpan<byte> utf8, int position, out int length)
    {
        byte first = utf8[position];
        length = 1;
        if (first < 128)
            return Ascii[first];
        return Rune.DecodeFromUtf8(utf8[position..], out Rune character, out length) == OperationStatus.Done ? ClassOf(character) : CharacterClass.Other;
    }

    private static CharacterClass ClassOf(Rune character) => Rune.GetUnicodeCategory(character) switch
    {
        _ when Rune.IsWhiteSpace(character) => CharacterClass.Space,
        _ when Rune.IsLetter(character) => CharacterClass.Letter,
        System.Globalization.UnicodeCategory.NonSpacingMark or System.Globalization.UnicodeCategory.SpacingCombiningMark => CharacterClass.Letter,
        _ when Rune.IsNumber(character) => CharacterClass.Number,
        _ => CharacterClass.Other,
    };
}
