using System.Text.RegularExpressions;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Andrea.Cli.Rendering;

/// <summary>What a terminal shows of a run: bar, numbers, sparklines of loss and norm, worst layers, latest verdict and spike.</summary>
internal sealed partial class StatusLines
{
    /// <summary>As wide as the longest name of a line, with a space.</summary>
    private const int NameWidth = 6;

    private const int ShortestBar = 5, ShortestSparkline = 5;

    // Of a bar that shares its line with the learning rate.
    private const int ShortestSharedBar = 20;

    private const int MostAlarmLines = 2;

    // The end of a text is left out sooner than any line.
    private const int ContinuedRank = 6;

    // Two numbers with "..", as long as they may get, so that a number that grows does not move the rest.
    private const int RangeWidth = 24;

    private readonly Curve _losses = new(keepsPeaks: false), _norms = new(keepsPeaks: true);
    private TrainingStatus? _status;

    /// <summary>The latest verdict; null before the first.</summary>
    public string? Alarm { get; set; }

    /// <summary>The latest spike; null before the first. It comes beside the verdict, not in its place: spikes are many.</summary>
    public string? Spike { get; set; }

    /// <summary>Takes a step in.</summary>
    public void Add(in TrainingStatus status)
    {
        _status = status;
        _losses.Add(status.StepLoss);
        _norms.Add(status.NormBefore);
    }

    /// <summary>The lines, none as wide as the terminal: some wrap a line that is just as wide. None before the first step.</summary>
    /// <param name="width">Columns of the terminal.</param>
    /// <param name="height">Rows of the terminal; what matters least is left out to keep to them.</param>
    /// <param name="unicode">Whether it has more characters than ASCII.</param>
    public IReadOnlyList<Segment[]> Render(int width, int height, bool unicode)
    {
        if (_status is not { } status)
            return [];
        int room = Math.Max(1, width - 1);
        List<Segment[]> lines = [Bar(status, room, unicode), Numbers(status.Numbers(room, withRate: false))];
        // The higher, the sooner left out.
        var ranks = new List<int> { 0, 0 };
        Add(Sparkline("loss", _losses, logarithmic: false, room, unicode), rank: 5);
        Add(Sparkline("norm", _norms, logarithmic: true, room, unicode), rank: 4);
        AddNamed("worst", status.Worst.Text(Math.Max(1, room - NameWidth)), Color.Grey, rank: 3);
        AddNamed("spike", Spike ?? "", Color.Yellow, rank: 2);
        AddNamed("alarm", Alarm ?? "", Color.Yellow, rank: 1);
        // One row stays for the cursor after the last of them.
        while (lines.Count > 2 && lines.Count >= height)
        {
            int last = ranks.LastIndexOf(ranks.Max());
            lines.RemoveAt(last);
            ranks.RemoveAt(last);
        }
        return lines;

        void Add(Segment[]? line, int rank)
        {
            if (line is null)
                return;
            lines.Add(line);
            ranks.Add(rank);
        }

        void AddNamed(string name, string text, Color color, int rank)
        {
            int columns = room - NameWidth;
            if (text.Length == 0 || columns < 1)
                return;
            foreach ((int i, string line) in Wrapping.Lines(text, columns, MostAlarmLines, unicode ? "\u2026" : "...").Index())
            {
                // Of one text the end goes first.
                Add([new Segment((i == 0 ? name : "").PadRight(NameWidth)), new Segment(line, new Style(color))], i == 0 ? rank : ContinuedRank);
            }
        }
    }

    /// <summary>What is not finite in red.</summary>
    private static Segment[] Numbers(string text)
    {
        var segments = new List<Segment>();
        int begin = 0;
        foreach (Match bad in NotFinite().Matches(text))
        {
            if (bad.Index > begin)
                segments.Add(new Segment(text[begin..bad.Index]));
            segments.Add(new Segment(bad.Value, new Style(Color.Red)));
            begin = bad.Index + bad.Length;
        }
        if (begin < text.Length)
            segments.Add(new Segment(text[begin..]));
        return [.. segments];
    }

    [GeneratedRegex(@"(loss )?(\bNaN\b|-?\bInf\b)")]
    private static partial Regex NotFinite();

    private static Segment[] Bar(in TrainingStatus status, int room, bool unicode)
    {
        // Of different weight, for terminals without colors.
        char full = unicode ? '\u2501' : '=', empty = unicode ? '\u2500' : '-';
        string steps = FormattableString.Invariant($"{status.Step}/{status.TotalSteps}");
        int length = room - steps.Length - 1;
        if (length < ShortestBar)
            return [new Segment(steps[..Math.Min(steps.Length, room)])];
        // There, since the numbers fill their own line at 80 columns.
        string rate = $"  lr {Units.Rate(status.LearningRate)}";
        if (length - rate.Length >= ShortestSharedBar)
        {
            steps += rate;
            length -= rate.Length;
        }
        double share = status.TotalSteps == 0 ? 1 : Math.Clamp((double)status.Step / status.TotalSteps, 0, 1);
        int done = (int)Math.Round(share * length);
        return
        [
            new Segment(new string(full, done), new Style(Color.Green)), new Segment(new string(empty, length - done), new Style(Color.Grey23)),
            new Segment(" " + steps),
        ];
    }

    /// <summary>Null while there is no course yet, or no room for one.</summary>
    private static Segment[]? Sparkline(string name, Curve curve, bool logarithmic, int room, bool unicode)
    {
        int columns = room - NameWidth;
        bool hasRange = columns >= 2 * RangeWidth;
        if (hasRange)
            columns -= RangeWidth;
        if (curve.Count < 2 || columns < ShortestSparkline)
            return null;
        double[] values = curve.InColumns(columns);
        string line = Rendering.Sparkline.Of(values, logarithmic, unicode);
        (double low, double high) = Rendering.Sparkline.Range(values, logarithmic);
        var segments = new List<Segment> { new(name.PadRight(NameWidth)) };
        // Signs of what is not finite in red, in runs of the same color.
        for (int begin = 0, end; begin < line.Length; begin = end)
        {
            bool bad = line[begin] == Rendering.Sparkline.NotFinite;
            for (end = begin + 1; end < line.Length && line[end] == Rendering.Sparkline.NotFinite == bad;)
                end++;
            segments.Add(new Segment(line[begin..end], new Style(bad ? Color.Red : Color.Aqua)));
        }
        if (hasRange && double.IsFinite(low))
            segments.Add(new Segment($"  {Units.Value(low)}..{Units.Value(high)}", new Style(Color.Grey)));
        return [.. segments];
    }
}
