namespace Andrea.Data;

/// <summary>One of the named sources of a <see cref="TokenDataset"/>: what a curriculum chooses between.</summary>
/// <param name="Name">As given; <c>data</c> where there is only one and nobody named it.</param>
/// <param name="Training">Its part to train on.</param>
/// <param name="Validation">Its part to measure on; empty if nothing is held back.</param>
public sealed record DataSource(string Name, TokenSequence Training, TokenSequence Validation);

/// <summary>Text with a name, to make a source of.</summary>
/// <param name="Name">Letters, digits, <c>-</c>, <c>_</c> and <c>.</c>; no other source's.</param>
/// <param name="Text">At least one character.</param>
public sealed record NamedText(string Name, TextSource Text)
{
    /// <summary>Whether a text can name a source.</summary>
    /// <param name="name">The text.</param>
    internal static bool IsName(string name) =>
        !string.IsNullOrEmpty(name) && name.All(letter => char.IsLetterOrDigit(letter) || letter is '-' or '_' or '.');
}
