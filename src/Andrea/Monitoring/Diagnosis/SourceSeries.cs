namespace Andrea.Monitoring.Diagnosis;

/// <summary>Losses and norms of one source of the data: what is usual for one says nothing about another. A run without sources has one of these.</summary>
/// <remarks>Arrivals (<see cref="SourceVisit"/>) are looked at for NaN and Inf alone, and leave no trace. Nothing is allocated after construction.</remarks>
internal sealed class SourceSeries
{
    private readonly SpikeDetector _loss, _norm;
    private readonly int _memory;
    private SourceVisit _visit;

    /// <summary>Makes the series of a source that has not come yet.</summary>
    /// <param name="name">The source; null for a run without any.</param>
    /// <param name="options">Windows and thresholds; validated.</param>
    public SourceSeries(string? name, GradientDiagnosisOptions options)
    {
        Name = name;
        _memory = options.SpikeWindow;
        _loss = new SpikeDetector(SpikeQuantity.Loss, options);
        _norm = new SpikeDetector(SpikeQuantity.Norm, options);
        Losses = new TrendWindow(options.Window);
        LongLosses = new TrendWindow(options.StalledWindow);
        Norms = new TrendWindow(options.Window);
        ShortLosses = new RobustWindow(options.ShortWindow);
        ShortNorms = new RobustWindow(options.ShortWindow);
    }

    /// <summary>The source; null for a run without any.</summary>
    public string? Name { get; }

    /// <summary>Whether the latest step is one of learning again what was forgotten.</summary>
    public bool Arrives { get; private set; }

    public TrendWindow Losses { get; }

    /// <summary>Losses over windows long enough to tell standing still from noise.</summary>
    public TrendWindow LongLosses { get; }

    public TrendWindow Norms { get; }

    public RobustWindow ShortLosses { get; }

    public RobustWindow ShortNorms { get; }

    /// <summary>Lowest median of <see cref="ShortLosses"/>, or the run's first loss.</summary>
    public double LowestLoss { get; set; } = double.PositiveInfinity;

    /// <summary>Median of <see cref="ShortNorms"/> then.</summary>
    public double NormThen { get; set; }

    /// <summary>Highest median of <see cref="ShortNorms"/>.</summary>
    public double HighestNorm { get; set; }

    /// <summary>The source comes with this step.</summary>
    /// <param name="step">The step.</param>
    /// <param name="hasVisits">Whether a curriculum goes from source to source.</param>
    public void Come(long step, bool hasVisits)
    {
        if (hasVisits && _visit.AbsenceAt(step) >= _memory)
            BeginAnew();
        _visit = _visit.At(step);
        Arrives = hasVisits && _visit.IsArrival();
    }

    /// <summary>Judges the latest step's loss.</summary>
    public SpikeRecord? Loss(long step, double value) => Judge(_loss, step, value);

    /// <summary>Judges its norm.</summary>
    public SpikeRecord? Norm(long step, double value) => Judge(_norm, step, value);

    /// <summary>Takes the latest step into the trends, unless it is part of an arrival.</summary>
    public void Add(in StepRecord record)
    {
        if (Arrives)
            return;
        Losses.Add(record.Loss);
        LongLosses.Add(record.Loss);
        Norms.Add(record.Clip.NormBefore);
        ShortLosses.Add(record.Loss);
        ShortNorms.Add(record.Clip.NormBefore);
    }

    private SpikeRecord? Judge(SpikeDetector detector, long step, double value) => Arrives && double.IsFinite(value) ? null : detector.Next(step, value);

    // All that is known is of a model that is gone.
    private void BeginAnew()
    {
        _loss.BeginAnew();
        _norm.BeginAnew();
        Losses.Clear();
        LongLosses.Clear();
        Norms.Clear();
        ShortLosses.Clear();
        ShortNorms.Clear();
        (LowestLoss, NormThen, HighestNorm) = (double.PositiveInfinity, 0, 0);
    }
}
