using System.Globalization;
using System.Text;

namespace Andrea.Data;

/// <summary>Text with a character that a <see cref="CharTokenizer"/> has no token for.</summary>
public sealed class UnknownCharacterException : TrainingDataException
{
    internal UnknownCharacterException(Rune character, int vocabularySize, long offset, string? document = null)
        : base(Describe(character, vocabularySize, offset, document))
    {
        Character = character;
        VocabularySize = vocabularySize;
        Offset = offset;
    }

    /// <summary>The character.</summary>
    public Rune Character { get; }

    /// <summary>Bytes of UTF-8 before the character, from the beginning of the document, or of the text that was to be encoded.</summary>
    public long Offset { get; }

    /// <summary>How many characters the tokenizer knows.</summary>
    internal int VocabularySize { get; }

    private static string Describe(Rune character, int vocabularySize, long offset, string? document)
    {
        string where = document is null ? "of the text" : $"of {document}";
        return $"Character U+{character.Value:X4}{Shown(character)} at byte offset {offset} {where} "
            + $"is not among the tokenizer's {vocabularySize} characters; replace it, train on text that contains it, or train with the byte tokenizer, which can encode every text.";
    }

    private static string Shown(Rune character) => Rune.GetUnicodeCategory(character) switch
    {
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
            or UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.SpacingCombiningMark
            or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned => "",
        _ => $" '{character}'",
    };
}
