using Spectre.Console;
using Spectre.Console.Rendering;

namespace Andrea.Cli.Rendering;

/// <summary>A progress bar with the run's numbers and sparklines below it, for a terminal; notes scroll by above.</summary>
/// <remarks>
/// Between two drawings the cursor rests on the bar's first column. So all that is drawn is below it, and can be erased whatever the
/// terminal did to it meanwhile: a narrower window wraps the lines, but takes the cursor along with its text.
/// </remarks>
/// <param name="console">The terminal.</param>
/// <param name="clock">Tells when to draw again.</param>
/// <param name="blocks">Whether its font has characters of eight heights, besides knowing their code.</param>
internal sealed class ProgressView(IAnsiConsole console, TimeProvider clock, bool blocks = true) : ITrainingView
{
    private static readonly TimeSpan RefreshInterval = TimeSpan.FromMilliseconds(100);

    // With a space first: tmux takes erasing from the very first cell for clearing the screen, and moves all of it into the history.
    private static readonly Segment Erase = Segment.Control("\r \u001b[J\r");

    private readonly Lock _drawing = new();
    private readonly StatusLines _lines = new();
    private bool _isShown, _isGone;
    private long _lastRefresh = -1;

    public async Task ShowAsync(Func<Task> work)
    {
        _isShown = true;
        try
        {
            await work().ConfigureAwait(false);
        }
        finally
        {
            lock (_drawing)
            {
                // What comes next goes below the last numbers.
                Write([Erase, .. Status(goBack: false)]);
                _isShown = false;
            }
        }
    }

    public void Show(in TrainingStatus status)
    {
        lock (_drawing)
        {
            _lines.Add(status);
            if (_lastRefresh >= 0 && status.Step < status.TotalSteps && clock.GetElapsedTime(_lastRefresh) < RefreshInterval)
                return;
            _lastRefresh = clock.GetTimestamp();
            if (_isShown)
                Write([Erase, .. Status(goBack: true)]);
        }
    }

    public void Note(string line) => Print([(SafeText.OneLine(line), new Style(Color.Grey))]);

    public void Spike(string line)
    {
        // Seen at the next drawing: a run that spikes in every second step must not push all else off the screen.
        lock (_drawing)
            _lines.Spike = SafeText.OneLine(line);
    }

    public void Verdict(string name, string evidence, string remedy)
    {
        // The evidence scrolls by above once; what to do about it is worth the little room that stays in sight.
        lock (_drawing)
            _lines.Alarm = SafeText.OneLine($"{name}: {remedy}");
        var style = new Style(Color.Yellow);
        Print([(SafeText.OneLine($"{name}: {evidence}"), style), (SafeText.OneLine($"What helps: {remedy}"), style)]);
    }

    public void Sample(string text)
    {
        var style = new Style(Color.Green);
        // As the model wrote it: the terminal wraps it.
        Print([.. SafeText.ForTerminal(text).ReplaceLineEndings("\n").Split('\n').Select(line => (line, style))], wraps: false);
    }

    private void Print(IReadOnlyList<(string Text, Style Style)> notes, bool wraps = true)
    {
        lock (_drawing)
        {
            var segments = new List<Segment>();
            if (_isShown)
                segments.Add(Erase);
            foreach ((string text, Style style) in notes)
            {
                foreach (string line in wraps ? Wrapping.Note(text, console.Profile.Width) : [text])
                    segments.AddRange([new Segment(line, style), Segment.LineBreak]);
            }
            if (_isShown)
                segments.AddRange(Status(goBack: true));
            Write(segments);
        }
    }

    /// <summary>The lines of the status; afterwards the cursor goes back to the bar, or to the line below.</summary>
    private List<Segment> Status(bool goBack)
    {
        Profile profile = console.Profile;
        IReadOnlyList<Segment[]> lines = _lines.Render(profile.Width, profile.Height, blocks && profile.Capabilities.Unicode);
        var segments = new List<Segment>();
        foreach (Segment[] line in lines)
            segments.AddRange([.. segments.Count == 0 ? [] : (Segment[])[Segment.LineBreak], .. line]);
        if (lines.Count > 0)
            segments.Add(goBack ? Segment.Control(FormattableString.Invariant($"\r\u001b[{lines.Count - 1}A")) : Segment.LineBreak);
        return segments;
    }

    private void Write(IReadOnlyList<Segment> segments)
    {
        if (_isGone)
            return;
        try
        {
            console.Write(new Drawing(segments));
        }
        catch (IOException)
        {
            // A run is worth more than its display: a terminal that was closed must not end it.
            _isGone = true;
        }
    }

    /// <summary>Segments as they are, in one piece, so that nothing flickers and nothing is wrapped.</summary>
    private sealed class Drawing(IReadOnlyList<Segment> segments) : IRenderable
    {
        public Measurement Measure(RenderOptions options, int maxWidth) => new(0, maxWidth);

        public IEnumerable<Segment> Render(RenderOptions options, int maxWidth) => segments;
    }
}
