namespace Andrea.Cli.Rendering;

/// <summary>A line of text now and then, for output that goes to a file or pipe.</summary>
/// <param name="output">Where the lines go.</param>
/// <param name="clock">Tells when a line is due.</param>
/// <param name="every">Steps between lines; 0 writes one every few seconds.</param>
internal sealed class PlainLines(TextWriter output, TimeProvider clock, long every = 0) : ITrainingView
{
    /// <summary>Time between lines where no number of steps was asked for.</summary>
    internal static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly Lock _writing = new();
    private long _lastLine = -1;
    private bool _isGone;

    public Task ShowAsync(Func<Task> work) => work();

    public void Show(in TrainingStatus status)
    {
        if (!IsDue(status))
            return;
        _lastLine = clock.GetTimestamp();
        string worst = status.Worst.Text() is { Length: > 0 } text ? $"  worst {text}" : "";
        Note(FormattableString.Invariant($"step {status.Step}/{status.TotalSteps}  {status.Numbers()}{worst}"));
    }

    public void Note(string line)
    {
        lock (_writing)
        {
            if (_isGone)
                return;
            try
            {
                output.WriteLine(line);
                output.Flush();
            }
            catch (IOException)
            {
                // A run is worth more than its log: a full disk or a closed terminal must not end it here.
                _isGone = true;
            }
        }
    }

    public void Spike(string line) => Note(SafeText.OneLine(line));

    public void Verdict(string name, string evidence, string remedy) => Note(SafeText.OneLine($"{name}: {evidence} {remedy}"));

    public void Sample(string text) => Note(SafeText.ForTerminal(text));

    private bool IsDue(in TrainingStatus status)
    {
        if (_lastLine < 0 || status.Step == status.TotalSteps)
            return true;
        return every > 0 ? status.Step % every == 0 : clock.GetElapsedTime(_lastLine) >= Interval;
    }
}
