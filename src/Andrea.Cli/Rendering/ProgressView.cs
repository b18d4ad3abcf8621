using Spectre.Console;
using Spectre.Console.Rendering;

namespace Andrea.Cli.Rendering;

/// <summary>A progress bar with the run's numbers below it, for a terminal; notes scroll by above.</summary>
internal sealed class ProgressView(IAnsiConsole console, TimeProvider clock) : ITrainingView
{
    private static readonly TimeSpan RefreshInterval = TimeSpan.FromMilliseconds(100);

    private LiveDisplayContext? _display;
    private TrainingStatus? _status;
    private long _lastRefresh = -1;

    public Task ShowAsync(Func<Task> work) => console.Live(new Text("")).StartAsync(async display =>
    {
        _display = display;
        try
        {
            await work().ConfigureAwait(false);
        }
        finally
        {
            Refresh();
            _display = null;
        }
    });

    public void Show(in TrainingStatus status)
    {
        _status = status;
        if (_lastRefresh >= 0 && status.Step < status.TotalSteps && clock.GetElapsedTime(_lastRefresh) < RefreshInterval)
            return;
        _lastRefresh = clock.GetTimestamp();
        Refresh();
    }

    public void Note(string line) => console.WriteLine(line, new Style(Color.Grey));

    public void Sample(string text) => console.WriteLine(text, new Style(Color.Green));

    /// <summary>Bar and numbers for a display of this many columns.</summary>
    internal static IRenderable Render(in TrainingStatus status, int width, bool unicode)
    {
        char full = unicode ? '\u2501' : '=', empty = unicode ? '\u2501' : '-';
        string steps = FormattableString.Invariant($" {status.Step}/{status.TotalSteps}");
        int length = Math.Max(10, width - steps.Length - 1);
        double share = status.TotalSteps == 0 ? 1 : Math.Clamp((double)status.Step / status.TotalSteps, 0, 1);
        int done = (int)Math.Round(share * length);
        var bar = new Paragraph();
        bar.Append(new string(full, done), new Style(Color.Green));
        bar.Append(new string(empty, length - done), new Style(Color.Grey23));
        bar.Append(steps);
        return new Rows(bar, new Text(status.Numbers()));
    }

    private void Refresh()
    {
        if (_display is not null && _status is { } status)
            _display.UpdateTarget(Render(status, console.Profile.Width, console.Profile.Capabilities.Unicode));
    }
}
