using Andrea.Monitoring;

namespace Andrea.Cli.Rendering;

/// <summary>Makes a status of each step: smooths the loss, and tells speed and remaining time from the clock.</summary>
internal sealed class TrainingMeter(TimeProvider clock)
{
    // The loss of about the last twenty steps.
    private const double Smoothing = 0.95;

    private readonly long _started = clock.GetTimestamp();
    private long _firstStep = -1;
    private double _sum, _weight;

    /// <summary>Takes a step in.</summary>
    public TrainingStatus Add(in StepRecord record)
    {
        if (_firstStep < 0)
            _firstStep = record.Step - 1;
        // A NaN would stay in the mean for ever.
        if (double.IsFinite(record.Loss))
        {
            _sum = (_sum * Smoothing) + record.Loss;
            _weight = (_weight * Smoothing) + 1;
        }
        TimeSpan elapsed = clock.GetElapsedTime(_started);
        // By their numbers: a step may have been dropped on its way here.
        long done = record.Step - _firstStep;
        return new TrainingStatus
        {
            Step = record.Step,
            TotalSteps = record.TotalSteps,
            // A mean of the steps before would look healthy while the run is not.
            Loss = double.IsFinite(record.Loss) ? _sum / _weight : record.Loss,
            StepLoss = record.Loss,
            NormBefore = record.Clip.NormBefore,
            NormAfter = record.Clip.NormAfter,
            ClipRate = record.ClipRate,
            SkippedSteps = record.Clip.SkippedCalls,
            LearningRate = record.LearningRate,
            TokensPerSecond = elapsed > TimeSpan.Zero ? done * record.Tokens / elapsed.TotalSeconds : 0,
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
