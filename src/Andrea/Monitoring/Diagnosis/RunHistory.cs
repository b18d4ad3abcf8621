namespace Andrea.Monitoring.Diagnosis;

/// <summary>What the rules look at: medians of loss, norm and readings over windows. Steps with NaN or Inf leave no trace in it.</summary>
/// <remarks>Losses and norms are those of the latest step's source; the rest is of the run. Allocates where a source comes for the first time.</remarks>
internal sealed class RunHistory
{
    private readonly GradientDiagnosisOptions _options;
    private RobustWindow[] _tensorNorms = [];
    private double[] _highestNorms = [], _sortedShares = [], _firstWeights = [];
    private int[] _large = [];
    private double _previousRate = double.PositiveInfinity;

    // Steps of the latest norm spikes, as a ring.
    private readonly long[] _spikes;
    private long _spikeCount;

    // The first for steps that name none.
    private readonly List<SourceSeries> _sources;

    public RunHistory(GradientDiagnosisOptions options)
    {
        _options = options;
        _spikes = new long[options.SpikySpikes];
        _sources = [Series = new SourceSeries(null, options)];
    }

    /// <summary>What is known of the latest step's source.</summary>
    public SourceSeries Series { get; private set; }

    /// <summary>Whether a curriculum goes from source to source, so that one may be away, and partly forgotten.</summary>
    public bool HasVisits { get; set; }

    /// <summary>Loss of the run's very first step, of an untrained model; NaN if it was not seen.</summary>
    public double FirstLoss { get; private set; } = double.NaN;

    /// <summary>Highest learning rate so far.</summary>
    public double PeakRate { get; private set; }

    /// <summary>Finite steps since the learning rate last rose.</summary>
    public long StepsSinceWarmup { get; private set; }

    /// <summary>Whether the first weights were found to be bad, so that what they cause needs no verdict of its own.</summary>
    public bool BadlyInitialized { get; set; }

    /// <summary>Whether the learning rate rises.</summary>
    public bool WarmingUp => StepsSinceWarmup == 0;

    public TrendWindow Losses => Series.Losses;

    /// <summary>Losses over windows long enough to tell standing still from noise.</summary>
    public TrendWindow LongLosses => Series.LongLosses;

    public TrendWindow Norms => Series.Norms;

    public RobustWindow ShortLosses => Series.ShortLosses;

    public RobustWindow ShortNorms => Series.ShortNorms;

    /// <summary>Norm of each tensor over the latest records; empty before the first.</summary>
    public ReadOnlySpan<RobustWindow> TensorNorms => _tensorNorms;

    /// <summary>The monitored tensors; empty before the first record.</summary>
    public IReadOnlyList<MonitoredTensor> Tensors { get; private set; } = [];

    /// <summary>Kinds of tensors that occur in enough blocks.</summary>
    public TensorKind[] Kinds { get; private set; } = [];

    /// <summary>Median over the large tensors of update norm / weight norm in the latest record that measured it; NaN if none did.</summary>
    public double UpdateRatio { get; private set; } = double.NaN;

    /// <summary>Median over the large tensors of weight norm / weight norm when it was measured first.</summary>
    public double WeightGrowth { get; private set; } = double.NaN;

    /// <summary>Median over the large tensors of RMS of the weights in the latest record that measured it.</summary>
    public double WeightRms { get; private set; } = double.NaN;

    /// <summary>Median over all tensors of norm now / highest norm so far, both medians over a window; NaN before there are enough records.</summary>
    public double TensorFade { get; private set; } = double.NaN;

    /// <summary>Step of the first of the latest <see cref="GradientDiagnosisOptions.SpikySpikes"/> norm spikes; null before there have been so many.</summary>
    public long? FirstOfLatestSpikes => _spikeCount < _spikes.Length ? null : _spikes[_spikeCount % _spikes.Length];

    /// <summary>A step was made; before anything is asked about it.</summary>
    public void Begin(in StepRecord record)
    {
        Series = SeriesOf(record.Source);
        Series.Come(record.Step, HasVisits);
    }

    public void Add(in SpikeRecord spike)
    {
        // A value that is not finite is another fault's.
        if (spike.Quantity == SpikeQuantity.Norm && double.IsFinite(spike.Value))
            _spikes[_spikeCount++ % _spikes.Length] = spike.Step;
    }

    public void Add(in StepRecord record)
    {
        if (record.Step == 1)
            FirstLoss = record.Loss;
        StepsSinceWarmup = record.LearningRate > _previousRate ? 0 : StepsSinceWarmup + 1;
        _previousRate = record.LearningRate;
        PeakRate = Math.Max(PeakRate, record.LearningRate);
        Series.Add(record);
    }

    public void Add(GradientRecord record)
    {
        if (!ReferenceEquals(Tensors, record.Tensors))
            Begin(record.Tensors);
        ReadOnlySpan<TensorReading> readings = record.Readings;
        int shares = 0;
        for (int i = 0; i < readings.Length; i++)
        {
            RobustWindow norms = _tensorNorms[i];
            norms.Add(readings[i].Norm);
            if (norms.Count < Math.Min(_options.MinimumRecords, norms.Capacity))
                continue;
            double median = norms.Median;
            _highestNorms[i] = Math.Max(_highestNorms[i], median);
            if (_highestNorms[i] > 0)
                _sortedShares[shares++] = median / _highestNorms[i];
        }
        TensorFade = MedianOf(_sortedShares.AsSpan(0, shares));
        if (!record.HasUpdates)
            return;
        for (int i = 0; i < readings.Length; i++)
            if (double.IsNaN(_firstWeights[i]))
                _firstWeights[i] = readings[i].WeightNorm;
        UpdateRatio = MedianOfLarge(readings, static (history, reading, index) => reading.UpdateRatio);
        WeightRms = MedianOfLarge(readings, static (history, reading, index) => reading.WeightNorm / Math.Sqrt(history.Tensors[index].Length));
        WeightGrowth = MedianOfLarge(readings, static (history, reading, index) => reading.WeightNorm / history._firstWeights[index]);
    }

    private SourceSeries SeriesOf(string? source)
    {
        foreach (SourceSeries series in _sources)
            if (series.Name == source)
                return series;
        var added = new SourceSeries(source, _options);
        _sources.Add(added);
        return added;
    }

    private void Begin(IReadOnlyList<MonitoredTensor> tensors)
    {
        Tensors = tensors;
        Kinds = TensorKind.Find(tensors, _options.LeastDepths);
        _tensorNorms = [.. tensors.Select(_ => new RobustWindow(_options.RecordWindow))];
        _highestNorms = new double[tensors.Count];
        _sortedShares = new double[tensors.Count];
        _firstWeights = new double[tensors.Count];
        Array.Fill(_firstWeights, double.NaN);
        _large = LargeOf(tensors);
    }

    /// <summary>The fewest tensors that hold nine tenths of all elements: matrices, without biases and norm weights, which begin at 0 and 1.</summary>
    private static int[] LargeOf(IReadOnlyList<MonitoredTensor> tensors)
    {
        long wanted = (long)(0.9 * tensors.Sum(tensor => tensor.Length)), held = 0;
        var large = new List<int>();
        foreach (int index in Enumerable.Range(0, tensors.Count).OrderByDescending(i => tensors[i].Length))
        {
            if (held >= wanted && tensors[index].Length < tensors[large[^1]].Length)
                break;
            large.Add(index);
            held += tensors[index].Length;
        }
        return [.. large];
    }

    private double MedianOfLarge(ReadOnlySpan<TensorReading> readings, Func<RunHistory, TensorReading, int, double> value)
    {
        int count = 0;
        foreach (int index in _large)
            if (value(this, readings[index], index) is var number && double.IsFinite(number))
                _sortedShares[count++] = number;
        return MedianOf(_sortedShares.AsSpan(0, count));
    }

    private static double MedianOf(Span<double> values)
    {
        values.Sort();
        return values.Length == 0 ? double.NaN : 0.5 * (values[(values.Length - 1) / 2] + values[values.Length / 2]);
    }
}
