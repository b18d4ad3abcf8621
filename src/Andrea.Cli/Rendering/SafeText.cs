namespace Andrea.Cli.Rendering;

/// <summary>Text that a model wrote may hold anything, also what would change a terminal's settings.</summary>
internal static class SafeText
{
    /// <summary>Control characters other than line breaks and tabs become U+FFFD.</summary>
    public static string ForTerminal(string text) =>
        text.Any(IsUnsafe) ? string.Concat(text.Select(character => IsUnsafe(character) ? '\uFFFD' : character)) : text;

    /// <summary>The same in one line, for what is one line of a log or of a display.</summary>
    public static string OneLine(string text) => ForTerminal(text.Trim().ReplaceLineEndings(" ").Replace('\t', ' '));

    private static bool IsUnsafe(char character) => char.IsControl(character) && character is not ('\n' or '\t');
}
