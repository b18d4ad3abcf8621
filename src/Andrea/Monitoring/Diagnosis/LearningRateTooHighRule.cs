namespace Andrea.Monitoring.Diagnosis;

/// <summary>A learning rate that throws the weights about: loss and norm rise together, the norm spikes again and again, every step
/// changes a large share of the weights, or they soon outgrow what they began as.</summary>
internal sealed class LearningRateTooHighRule : DiagnosisRule
{
    // In nats. A text that is known by heart has a loss of some 0.001, which rises to several times as much without any harm.
    private const double LeastRise = 0.05;

    private readonly GradientDiagnosisOptions _options;
    private readonly Episode _rising, _large, _overwritten, _spiky, _outgrown;
    private readonly RobustWindow _ratios;

    // The steps of the window's ratios, as a ring.
    private readonly long[] _ratioSteps;
    private long _ratiosSeen;

    public LearningRateTooHighRule(GradientDiagnosisOptions options)
    {
        _options = options;
        _rising = new Episode(options.BeginAfter, options.EndAfter);
        _large = new Episode(toBegin: 1, options.EndAfter);
        _overwritten = new Episode(options.StalledAfter, options.EndAfter);
        _spiky = new Episode(toBegin: 1, options.EndAfter);
        _outgrown = new Episode(toBegin: 1, options.EndAfter);
        _ratios = new RobustWindow(options.RatioWindow);
        _ratioSteps = new long[options.RatioWindow];
    }

    public override Verdict? OnStep(in StepRecord record, RunHistory history)
    {
        SourceSeries series = history.Series;
        if (history.ShortLosses.Count == 1 && record.Step == 1)
            (series.LowestLoss, series.NormThen) = (record.Loss, record.Clip.NormBefore);
        double loss = history.ShortLosses.Median, norm = history.ShortNorms.Median;
        bool full = history.ShortLosses.IsFull;
        bool rises = full && loss >= series.LowestLoss + Math.Max(_options.LossRise * series.LowestLoss, LeastRise) && norm >= _options.NormRise * series.NormThen;
        bool alone = IsAlone;
        Verdict? verdict = null;
        if (_rising.Begins(rises, record.Step) && alone)
            verdict = Found(record.Step, _rising.Since, record.LearningRate,
                Sentence($"Loss and gradient norm rise together: the loss is {Loss(loss)} (median of {_options.ShortWindow} steps) after {Loss(series.LowestLoss)} at its best, the norm {Number(norm)} after {Number(series.NormThen)}, at learning rate {Number(record.LearningRate)}"));
        if (full && loss < series.LowestLoss)
            (series.LowestLoss, series.NormThen) = (loss, norm);
        bool overwritten = history.WeightGrowth >= _options.WeightGrowth && StalledLossRule.IsStalled(record, history, _options);
        if (_overwritten.Begins(overwritten, record.Step) && alone)
            verdict ??= Found(record.Step, Math.Max(1, _overwritten.Since - _options.StalledWindow), record.LearningRate,
                Sentence($"The loss stays at {Loss(history.LongLosses.Recent.Median)} while the weights have grown to {Number(history.WeightGrowth)} times their first norm, at learning rate {Number(record.LearningRate)}"));
        bool spiky = history.FirstOfLatestSpikes is { } first && record.Step - first < _options.SpikyWindow;
        if (_spiky.Begins(spiky, record.Step) && alone)
            verdict ??= Found(record.Step, history.FirstOfLatestSpikes!.Value, record.LearningRate,
                Sentence($"The gradient norm has spiked {_options.SpikySpikes} times within {record.Step - history.FirstOfLatestSpikes.Value + 1} steps, at learning rate {Number(record.LearningRate)}"));
        return verdict;
    }

    public override Verdict? OnGradients(GradientRecord record, RunHistory history)
    {
        // Weights that begin far too small are soon outgrown; that is the initialisation's fault.
        bool early = record.Step <= _options.Window;
        if (!record.HasUpdates || (early && history.BadlyInitialized))
            return null;
        bool isFirst = IsAlone;
        if (_outgrown.Begins(early && history.WeightGrowth >= _options.EarlyGrowth, record.Step) && isFirst)
            return Found(record.Step, 1, double.NaN,
                Sentence($"The weights have grown to {Number(history.WeightGrowth)} times their first norm (median over the large tensors) in {record.Step} steps"));
        // Adam's very first step changes every weight by the whole rate, whatever the gradient.
        if (record.Step == 1 || history.WarmingUp || !double.IsFinite(history.UpdateRatio))
            return null;
        _ratios.Add(history.UpdateRatio);
        _ratioSteps[_ratiosSeen++ % _ratioSteps.Length] = record.Step;
        bool alone = IsAlone;
        if (!_large.Begins(_ratios.IsFull && _ratios.Median >= _options.LargeUpdateRatio, record.Step) || !alone)
            return null;
        return Found(record.Step, _ratioSteps[_ratiosSeen % _ratioSteps.Length], double.NaN,
            Sentence($"Each step changes the weights by {Percent(_ratios.Median)} of their norm (median over the large tensors and the last {_ratios.Count} measured steps), far above the 0.1 % of steady training"));
    }

    /// <summary>Whether no evidence is up: what more of it comes meanwhile is the same fault.</summary>
    private bool IsAlone => !_rising.Active && !_large.Active && !_overwritten.Active && !_spiky.Active && !_outgrown.Active;

    private static Verdict Found(long step, long since, double rate, string evidence) => new()
    {
        Kind = VerdictKind.LearningRateTooHigh,
        Step = step,
        Since = since,
        Summary = Sentence($"{evidence}, since step {since}."),
        Remedy = Sentence($"Lower LearningRate (--lr{(double.IsNaN(rate) ? "" : Sentence($" {Number(rate / 10)}"))}) by a factor of 3 to 10, raise WarmupSteps (--warmup), see that the first weights are not too small (Initialization), and begin anew{(since > 2 ? Sentence($" or from a checkpoint before step {since}") : "")}."),
    };
}
