namespace Andrea.Monitoring.Diagnosis;

/// <summary>A learning rate that hardly moves the weights: small updates, and a loss that has hardly fallen.</summary>
internal sealed class LearningRateTooLowRule : DiagnosisRule
{
    private readonly GradientDiagnosisOptions _options;
    private readonly int? _vocabularySize;
    private readonly Episode _episode;
    private readonly RobustWindow _ratios;
    private long _begin;

    public LearningRateTooLowRule(GradientDiagnosisOptions options, int? vocabularySize)
    {
        _options = options;
        _vocabularySize = vocabularySize;
        _episode = new Episode(options.BeginAfter, options.EndAfter);
        _ratios = new RobustWindow(options.RatioWindow);
    }

    public override Verdict? OnStep(in StepRecord record, RunHistory history)
    {
        if (history.WarmingUp || _begin == 0)
            _begin = record.Step;
        double loss = history.Losses.Recent.Median, ratio = _ratios.Median;
        bool atFullRate = history.StepsSinceWarmup >= _options.SlowSteps && record.LearningRate >= _options.StalledRateShare * history.PeakRate;
        bool low = atFullRate && _ratios.IsFull && (HasHardlyLearned(history, loss, ratio) || HardlyMoves(history, ratio));
        if (!_episode.Begins(low, record.Step))
            return null;
        string fall = ratio <= _options.SmallUpdateRatio && !double.IsFinite(history.FirstLoss)
            ? Sentence($"the loss fell from {Loss(history.Losses.Earlier.Median)} to {Loss(loss)} in {_options.Window} steps")
            : Sentence($"the loss is {Loss(loss)} after {Loss(history.FirstLoss)} in step 1");
        return new Verdict
        {
            Kind = VerdictKind.LearningRateTooLow,
            Step = record.Step,
            Since = _begin,
            Summary = Sentence($"Training is slow: after {record.Step - _begin + 1} steps without warmup {fall}, and each step changes the weights by {Percent(ratio)} of their norm, at learning rate {Number(record.LearningRate)}."),
            Remedy = Sentence($"Raise LearningRate (--lr {Number(10 * record.LearningRate)}) by a factor of 3 to 10, with WarmupSteps (--warmup), and watch that loss and norm do not rise together."),
        };
    }

    public override Verdict? OnGradients(GradientRecord record, RunHistory history)
    {
        if (record.HasUpdates)
            _ratios.Add(history.UpdateRatio);
        return null;
    }

    /// <summary>Still close to where an untrained model stands.</summary>
    private bool HasHardlyLearned(RunHistory history, double loss, double ratio) =>
        _vocabularySize is { } size
        && history.FirstLoss >= _options.UntrainedShare * Math.Log(size)
        && history.FirstLoss <= Math.Log(size) + _options.InitialLossExcess
        && loss >= _options.SlowShare * history.FirstLoss
        && history.Losses.Fall > _options.StalledFall
        && ratio <= _options.SlowUpdateRatio;

    /// <summary>Whatever the loss was, it cannot change much like this.</summary>
    private bool HardlyMoves(RunHistory history, double ratio) =>
        ratio <= _options.SmallUpdateRatio && history.Losses.IsFull && history.Losses.Fall < _options.StalledFall
        && !(history.Losses.Recent.Median < _options.LearnedShare * history.FirstLoss);
}
