using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace Andrea.Cli.Rendering;

/// <summary>Tokens as one can see them.</summary>
internal static class VisibleText
{
    /// <summary>A token's text in one line: line ends, tabs and other control characters as in C#'s strings, | and \ with a \ before them, and
    /// bytes that are no whole characters as \xE2.</summary>
    public static string Of(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder();
        if (!Utf8.IsValid(bytes))
        {
            foreach (byte value in bytes)
                text.Append(CultureInfo.InvariantCulture, $"\\x{value:X2}");
            return text.ToString();
        }
        foreach (Rune character in Encoding.UTF8.GetString(bytes).EnumerateRunes())
        {
            _ = character.Value switch
            {
                '\n' => text.Append("\\n"),
                '\r' => text.Append("\\r"),
                '\t' => text.Append("\\t"),
                '\\' or '|' => text.Append('\\').Append((char)character.Value),
                _ when Rune.IsControl(character) => text.Append(CultureInfo.InvariantCulture, $"\\u{character.Value:X4}"),
                _ => text.Append(character.ToString()),
            };
        }
        return text.ToString();
    }
}
