using System.Text;

namespace Andrea.Cli.Lab.Runs;

/// <summary>Text in Markdown, for a terminal as well as for a file: paragraphs and tables.</summary>
internal sealed class LabTable
{
    private readonly StringBuilder _text = new();

    /// <summary>A paragraph, or a heading that begins with #.</summary>
    public LabTable Paragraph(string text)
    {
        _text.Append(text).Append("\n\n");
        return this;
    }

    /// <summary>A table; columns are as wide as their longest cell, so that it can be read as it is.</summary>
    public LabTable Table(IReadOnlyList<string> head, IEnumerable<IReadOnlyList<string>> rows)
    {
        List<IReadOnlyList<string>> all = [head, .. rows];
        int[] widths = [.. head.Select((_, column) => all.Max(row => row[column].Length))];
        for (int row = 0; row < all.Count; row++)
        {
            _text.Append("| ").AppendJoin(" | ", all[row].Select((cell, column) => cell.PadRight(widths[column]))).Append(" |\n");
            if (row == 0)
                _text.Append('|').AppendJoin('|', widths.Select(width => new string('-', width + 2))).Append("|\n");
        }
        _text.Append('\n');
        return this;
    }

    public override string ToString() => _text.ToString().TrimEnd('\n') + "\n";
}
