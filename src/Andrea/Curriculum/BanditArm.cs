namespace Andrea.Curriculum;

/// <summary>What is known of one source, and what its latest loss is worth.</summary>
internal sealed class BanditArm(int window)
{
    /// <summary>ANDREA's rate of the moving average.</summary>
    private const double AverageRate = 0.1;

    /// <summary>Rewards are in thousandths of a nat.</summary>
    private const double RewardScale = 1000;

    /// <summary>Fewer losses tell no slope.</summary>
    private const int FewestLosses = 8;

    // As a ring.
    private readonly double[] _losses = new double[window];
    private long _seen;
    private double _rewardSum;
    private double? _average;

    /// <summary>Finite losses seen.</summary>
    public long Pulls { get; private set; }

    /// <summary>Reward of the latest loss.</summary>
    public double LastReward { get; private set; }

    /// <summary>Mean reward of all losses; 0 before the first.</summary>
    public double MeanReward => Pulls == 0 ? 0 : _rewardSum / Pulls;

    /// <summary>Takes in a loss. NaN and Inf say nothing about the source, and leave no trace.</summary>
    public void Learn(double loss, CurriculumReward reward)
    {
        if (!double.IsFinite(loss))
            return;
        _losses[_seen++ % _losses.Length] = loss;
        LastReward = RewardScale * (reward == CurriculumReward.LossDrop ? Drop(loss) : Progress());
        _average = _average is { } average ? average + AverageRate * (loss - average) : loss;
        _rewardSum += LastReward;
        Pulls++;
    }

    public ArmState Save()
    {
        int count = (int)Math.Min(_seen, _losses.Length);
        return new(Pulls, _rewardSum, LastReward, _average, [.. Enumerable.Range(0, count).Select(i => _losses[(_seen - count + i) % _losses.Length])]);
    }

    public void Restore(ArmState state)
    {
        (Pulls, _rewardSum, LastReward, _average) = (state.Pulls, state.RewardSum, state.LastReward, state.Average);
        _seen = 0;
        foreach (double loss in state.Losses)
            _losses[_seen++ % _losses.Length] = loss;
    }

    /// <summary>By how much the loss lies below the average before it.</summary>
    private double Drop(double loss) => Math.Max(0, (_average ?? loss) - loss);

    /// <summary>By how much the loss falls with each pull, at least: the slope of a line through the latest losses, less its standard
    /// error. Of pure scatter it is above 0 in one case of six, and 0.08 standard errors in the mean.</summary>
    private double Progress()
    {
        int count = (int)Math.Min(_seen, _losses.Length);
        if (count < FewestLosses)
            return 0;
        double middle = 0.5 * (count - 1), mean = 0, covariance = 0, spread = 0, variance = 0;
        for (int i = 0; i < count; i++)
            mean += _losses[i];
        mean /= count;
        for (int i = 0; i < count; i++)
        {
            double x = i - middle, y = _losses[(_seen - count + i) % _losses.Length] - mean;
            covariance += x * y;
            spread += x * x;
            variance += y * y;
        }
        double slope = covariance / spread;
        double residual = Math.Max(0, variance - slope * covariance) / (count - 2);
        return Math.Max(0, -slope - Math.Sqrt(residual / spread));
    }
}
