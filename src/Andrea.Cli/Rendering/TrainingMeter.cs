using Andrea.Monitoring;

namespace Andrea.Cli.Rendering;

/// <summary>Makes a status of each step: smooths the loss, and tells speed and remaining time from the clock.</summary>
internal sealed class TrainingMeter(TimeProvider clock)
{
    // The loss of about the last twenty steps.
    private const double Smoothing = 0.95;

    private readonly long _started = clock.GetTimestamp();
    private long _firstStep = -1;
    private long _tokens;
    private double _sum, _weight;

    /// <summary>Takes a step in.</summary>
    public TrainingStatus Add(in StepRecord record)
    {
        if (_firstStep < 0)
            _firstStep = record.Step - 1;
        _tokens += record.Tokens;
        // A NaN would stay for ever.
        if (double.IsFinite(record.Loss))
        {
            _sum = (_sum * Smoothing) + record.Loss;
            _weight = (_weight * Smoothing) + 1;
        }
        TimeSpan elapsed = clock.GetElapsedTime(_started);
        long done = record.Step - _firstStep;
        return new TrainingStatus
        {
            Step = record.Step,
            TotalSteps = record.TotalSteps,
            Loss = _weight > 0 ? _sum / _weight : double.NaN,
            StepLoss = record.Loss,
            NormBefore = record.Clip.NormBefore,
            NormAfter = record.Clip.NormAfter,
            ClipRate = record.ClipRate,
            SkippedSteps = record.Clip.SkippedCalls,
            LearningRate = record.LearningRate,
            TokensPerSecond = elapsed > TimeSpan.Zero ? _tokens / elapsed.TotalSeconds : 0,
            Remaining = RemainingAfter(elapsed, done, record.TotalSteps - record.Step),
        };
    }

    /// <summary>Null when nothing is known yet, and for more than a lifetime, which a TimeSpan may not even hold.</summary>
    private static TimeSpan? RemainingAfter(TimeSpan elapsed, long done, long left)
    {
        double days = elapsed.TotalDays / done * left;
        return elapsed > TimeSpan.Zero && days < 9_999 ? TimeSpan.FromDays(days) : null;
    }
}
