namespace Andrea.Monitoring.Diagnosis;

/// <summary>Whether the repetition in a model's samples rises: the median of the latest against the lowest median of a history before them.</summary>
/// <remarks>The lowest of all, not the last one: a collapse may take longer than any window. So what was seen long ago decides, and a resumed
/// run must know it.</remarks>
internal sealed class RepetitionTrend(GradientDiagnosisOptions options)
{
    // The distance at which normal scatter is left behind.
    private const double Deviations = 4;

    private readonly Episode _episode = new(1, options.EndAfter);
    private readonly RobustWindow _recent = new(options.RepetitionWindow), _history = new(options.RepetitionHistory);
    private readonly Queue<long> _steps = [];

    /// <summary>Step of the oldest of the latest samples.</summary>
    public long Since => _steps.Peek();

    /// <summary>Median of the latest samples.</summary>
    public double Recent => _recent.Median;

    /// <summary>Lowest median of a history; +Infinity while there is none.</summary>
    public double Best { get; private set; } = double.PositiveInfinity;

    /// <summary>Takes in the next sample.</summary>
    /// <param name="step">Where it was written.</param>
    /// <param name="repetition">Its <see cref="CoherenceScore.Repetition"/>.</param>
    /// <returns>Whether a rise begins here.</returns>
    public bool Begins(long step, double repetition)
    {
        AddRecent(step, repetition);
        if (_history.Count >= options.RepetitionHistory / 2)
            Best = Math.Min(Best, _history.Median);
        double scatter = Deviations * RobustWindow.NormalScale * _history.MedianAbsoluteDeviation();
        return _episode.Begins(_recent.Median - Best > Math.Max(options.RepetitionRise, scatter), step);
    }

    /// <summary>All that it knows, for a checkpoint.</summary>
    public RepetitionState Save() => new([.. _steps], _recent.InOrder(), _history.InOrder(), Best, _episode.Active, _episode.Away);

    /// <summary>Goes on from a checkpoint; of windows that were larger the latest values are taken.</summary>
    public void Restore(RepetitionState state)
    {
        _recent.Clear();
        _history.Clear();
        _steps.Clear();
        foreach (double repetition in state.History)
            _history.Add(repetition);
        foreach ((long step, double repetition) in state.Steps.Zip(state.Recent))
            AddRecent(step, repetition);
        Best = state.Best;
        _episode.Restore(state.Rising, state.Away);
    }

    /// <summary>What leaves the latest samples becomes history.</summary>
    private void AddRecent(long step, double repetition)
    {
        _steps.Enqueue(step);
        if (_steps.Count > options.RepetitionWindow)
            _steps.Dequeue();
        _recent.Add(repetition, out double oldest);
        if (!double.IsNaN(oldest))
            _history.Add(oldest);
    }
}

/// <summary>What a <see cref="RepetitionTrend"/> knows.</summary>
/// <param name="Steps">Steps of the latest samples, oldest first.</param>
/// <param name="Recent">Their repetition.</param>
/// <param name="History">Repetition of those before them, oldest first.</param>
/// <param name="Best">Lowest median of a history; +Infinity for none.</param>
/// <param name="Rising">Whether a rise has been told and not ended.</param>
/// <param name="Away">Samples in a row without it.</param>
internal sealed record RepetitionState(long[] Steps, double[] Recent, double[] History, double Best, bool Rising, int Away);
