using Andrea.Backends;

namespace Andrea.Monitoring.Diagnosis;

/// <summary>Finds values far above the usual of their series, as median and MAD of a window say it.</summary>
/// <remarks>
/// What is flagged stays out of the window, so one spike neither raises the median nor widens the MAD under which the next is judged. A series
/// that stays above for half a window has a new level: the window begins anew there. Values in a row make one spike, told of where it
/// begins, and once more where it turns into NaN or Inf, or back. Nothing is allocated after construction. Not thread-safe.
/// </remarks>
internal sealed class SpikeDetector
{
    private readonly SpikeQuantity _quantity;
    private readonly double _threshold, _smallestShare, _smallestScale;
    private readonly int _minimum;
    private readonly RobustWindow _window;
    private int _flaggedInRow;
    private bool _nonFinite;

    /// <summary>Makes a detector for one series.</summary>
    /// <param name="quantity">What the series is.</param>
    /// <param name="options">Window and thresholds; null for the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    public SpikeDetector(SpikeQuantity quantity, GradientDiagnosisOptions? options = null)
    {
        options ??= new GradientDiagnosisOptions();
        options.Validate();
        _quantity = quantity;
        _threshold = quantity == SpikeQuantity.Loss ? options.LossSpike : options.NormSpike;
        _smallestShare = options.SpikeSmallestShare;
        _smallestScale = quantity == SpikeQuantity.Loss ? SpikeDecision.SmallestLossScale : 0;
        _window = new RobustWindow(options.SpikeWindow);
        _minimum = Math.Min(options.SpikeMinimum, options.SpikeWindow);
    }

    /// <summary>Judges the next value, then takes it into the window unless it is a spike.</summary>
    /// <param name="step">Its step.</param>
    /// <param name="value">The value.</param>
    /// <returns>The spike that begins with it, or null.</returns>
    public SpikeRecord? Next(long step, double value)
    {
        double median = _window.Median;
        bool nonFinite = !double.IsFinite(value);
        double score = nonFinite ? double.PositiveInfinity : _window.Count < _minimum ? 0 : _window.ZScore(value, _smallestShare, _smallestScale);
        if (!(score > _threshold))
        {
            _window.Add(value);
            (_flaggedInRow, _nonFinite) = (0, false);
            return null;
        }
        // NaN and Inf say nothing about the level of the finite values around them.
        bool begins = nonFinite ? !_nonFinite : _flaggedInRow == 0 || _nonFinite;
        _nonFinite = nonFinite;
        if (!nonFinite && ++_flaggedInRow > _window.Capacity / 2)
        {
            _window.Clear();
            _window.Add(value);
            _flaggedInRow = 0;
        }
        return begins ? new SpikeRecord(step, _quantity, value, score, median) : null;
    }

    /// <summary>Forgets the series: what comes is one of its own.</summary>
    public void BeginAnew()
    {
        _window.Clear();
        (_flaggedInRow, _nonFinite) = (0, false);
    }
}
