using Spectre.Console;
using Spectre.Console.Rendering;

namespace Andrea.Cli.Rendering;

/// <summary>A progress bar with the run's numbers below it, for a terminal; notes scroll by above.</summary>
/// <remarks>
/// Between two drawings the cursor rests on the bar's first column. So all that is drawn is below it, and can be erased whatever the
/// terminal did to it meanwhile: a narrower window wraps the lines, but takes the cursor along with its text.
/// </remarks>
internal sealed class ProgressView(IAnsiConsole console, TimeProvider clock) : ITrainingView
{
    private const int ShortestBar = 5;

    private static readonly TimeSpan RefreshInterval = TimeSpan.FromMilliseconds(100);
    private static readonly Segment Erase = Segment.Control("\r\u001b[J"), ToBar = Segment.Control("\r\u001b[1A");

    private readonly Lock _drawing = new();
    private bool _isShown, _isGone;
    private TrainingStatus? _status;
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
                Write([Erase, .. Status(), .. _status is null ? [] : (Segment[])[Segment.LineBreak]]);
                _isShown = false;
            }
        }
    }

    public void Show(in TrainingStatus status)
    {
        lock (_drawing)
        {
            _status = status;
            if (_lastRefresh >= 0 && status.Step < status.TotalSteps && clock.GetElapsedTime(_lastRefresh) < RefreshInterval)
                return;
            _lastRefresh = clock.GetTimestamp();
            if (_isShown)
                Write([Erase, .. Status(), ToBar]);
        }
    }

    public void Note(string line) => Print(line, new Style(Color.Grey));

    public void Sample(string text) => Print(SafeText.ForTerminal(text), new Style(Color.Green));

    /// <summary>Bar and numbers, neither as wide as the terminal: some wrap a line that is just as wide.</summary>
    internal static IReadOnlyList<Segment> Render(in TrainingStatus status, int width, bool unicode)
    {
        int room = Math.Max(1, width - 1);
        // Of different weight, for terminals without colors.
        char full = unicode ? '\u2501' : '=', empty = unicode ? '\u2500' : '-';
        string steps = FormattableString.Invariant($"{status.Step}/{status.TotalSteps}");
        int length = room - steps.Length - 1;
        double share = status.TotalSteps == 0 ? 1 : Math.Clamp((double)status.Step / status.TotalSteps, 0, 1);
        var numbers = new Segment(status.Numbers(room));
        if (length < ShortestBar)
            return [new Segment(steps[..Math.Min(steps.Length, room)]), Segment.LineBreak, numbers];
        int done = (int)Math.Round(share * length);
        return
        [
            new Segment(new string(full, done), new Style(Color.Green)), new Segment(new string(empty, length - done), new Style(Color.Grey23)),
            new Segment(" " + steps), Segment.LineBreak, numbers,
        ];
    }

    private void Print(string text, Style style)
    {
        lock (_drawing)
        {
            var segments = new List<Segment>();
            if (_isShown)
                segments.Add(Erase);
            foreach (string line in text.ReplaceLineEndings("\n").Split('\n'))
                segments.AddRange([new Segment(line, style), Segment.LineBreak]);
            if (_isShown && _status is not null)
                segments.AddRange([.. Status(), ToBar]);
            Write(segments);
        }
    }

    private IReadOnlyList<Segment> Status() =>
        _status is { } status ? Render(status, console.Profile.Width, console.Profile.Capabilities.Unicode) : [];

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
