namespace Andrea.Cli.Rendering;

/// <summary>Breaks text into lines between words.</summary>
internal static class Wrapping
{
    /// <summary>Indent of all lines of a note but the first.</summary>
    private const string Indent = "  ";

    // With less, an indent costs more than it shows.
    private const int NarrowestIndented = 30;

    /// <summary>The text in lines of at most so many characters; only a word that is longer than a line is broken.</summary>
    /// <param name="text">One line of text.</param>
    /// <param name="width">Most characters of a line, at least 1.</param>
    /// <param name="most">Most lines.</param>
    /// <param name="end">What stands at the end of a text that was too long.</param>
    public static List<string> Lines(string text, int width, int most, string end)
    {
        var lines = new List<string>();
        string rest = text.Trim();
        while (rest.Length > width && lines.Count < most - 1)
        {
            int space = rest.LastIndexOf(' ', width);
            int length = space > 0 ? space : width;
            lines.Add(rest[..length].TrimEnd());
            rest = rest[length..].TrimStart();
        }
        if (rest.Length > width)
            rest = width > end.Length ? rest[..(width - end.Length)].TrimEnd() + end : rest[..width];
        lines.Add(rest);
        return lines;
    }

    /// <summary>A note for a terminal, whose words stay whole: a word longer than a line, such as a path, is left to the terminal to wrap.</summary>
    /// <param name="text">One line of text.</param>
    /// <param name="width">Columns of the terminal.</param>
    public static IEnumerable<string> Note(string text, int width)
    {
        int room = Math.Max(1, width - 1);
        string indent = room < NarrowestIndented ? "" : Indent, line = "";
        bool isFirst = true;
        foreach (string word in text.Split(' '))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > room && !isFirst)
            {
                yield return line.TrimEnd();
                line = indent + word;
            }
            else
            {
                line = isFirst ? word : line + ' ' + word;
            }
            isFirst = false;
        }
        yield return line;
    }
}
