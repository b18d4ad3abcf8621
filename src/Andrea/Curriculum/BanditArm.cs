namespace Andrea.Curriculum;

/// <summary>What is known of one source, and what its latest loss is worth.</summary>
internal sealed class BanditArm(int window)
{
    /// <summary>ANDREA's rate of the moving average.</summary>
    private const double AverageRate = 0.1;

    /// <summary>Rewards are in thousandths of a nat.</summary>
    private const double RewardScale = 1000;

    // As rings: the latest losses, and the lowest mean of so many as it was after each of them.
    private readonly double[] _losses = new double[window], _records = new double[window];
    private long _seen, _recorded;
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

    public ArmState Save() => new(Pulls, _rewardSum, LastReward, _average, Latest(_losses, _seen), Latest(_records, _recorded));

    public void Restore(ArmState state)
    {
        (Pulls, _rewardSum, LastReward, _average) = (state.Pulls, state.RewardSum, state.LastReward, state.Average);
        _seen = Fill(_losses, state.Losses);
        _recorded = Fill(_records, state.Records);
    }

    /// <summary>By how much the loss lies below the average before it.</summary>
    private double Drop(double loss) => Math.Max(0, (_average ?? loss) - loss);

    /// <summary>By how much the record, the lowest mean of a window so far, was lowered by each of the latest losses. Scatter sets fewer and fewer
    /// records; what was forgotten and is learned again sets none.</summary>
    private double Progress()
    {
        int window = _losses.Length;
        if (_seen < window)
            return 0;
        double mean = 0;
        // By age, so that the order of the sum does not depend on where the ring began.
        for (long i = _seen - window; i < _seen; i++)
            mean += _losses[i % window];
        mean /= window;
        double record = _recorded == 0 ? mean : Math.Min(_records[(_recorded - 1) % window], mean);
        double before = _recorded == 0 ? mean : _records[Math.Max(0, _recorded - window) % window];
        _records[_recorded++ % window] = record;
        return (before - record) / window;
    }

    private static double[] Latest(double[] ring, long added)
    {
        int count = (int)Math.Min(added, ring.Length);
        return [.. Enumerable.Range(0, count).Select(i => ring[(added - count + i) % ring.Length])];
    }

    /// <summary>Takes the latest values that fit: the window may have been made smaller.</summary>
    private static long Fill(double[] ring, double[] values)
    {
        ReadOnlySpan<double> latest = values.AsSpan(Math.Max(0, values.Length - ring.Length));
        latest.CopyTo(ring);
        return latest.Length;
    }
}
