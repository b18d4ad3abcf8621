using Andrea.Cli.Lab.Runs;
using Andrea.Monitoring.Diagnosis;

namespace Andrea.Cli.Lab.Spikes;

/// <summary>What a fault cost a run.</summary>
/// <param name="FinalLoss">Validation loss at the end.</param>
/// <param name="Spikes">Steps after the fault whose loss stands above the limit of <see cref="SpikeScore"/>'s remarks.</param>
/// <param name="LostSteps">Steps skipped or taken back since the fault began, and steps from its end until the loss is back.</param>
/// <param name="IsBack">Whether the loss came back at all.</param>
/// <remarks>
/// What is usual is told by the median and the median absolute deviation of the 50 losses before the fault. A spike stands 6 such deviations
/// above the median, and at least 12 % of it. The loss is back when the median of 10 losses is at most one deviation above the median of before.
/// </remarks>
internal sealed record SpikeScore(double FinalLoss, int Spikes, long LostSteps, bool IsBack)
{
    private const int Before = 50, Recent = 10;
    private const double Limit = 6, SmallestShare = 0.02;

    /// <summary>Scores a run with a fault.</summary>
    /// <param name="result">The run.</param>
    /// <param name="first">First step that something was wrong in.</param>
    /// <param name="last">Last step that something was wrong in.</param>
    public static SpikeScore Of(LabResult result, long first, long last)
    {
        var usual = new RobustWindow(Before);
        foreach (double loss in result.Losses.Take((int)first - 1).TakeLast(Before))
            usual.Add(loss);
        double scale = Math.Max(RobustWindow.NormalScale * usual.MedianAbsoluteDeviation(), SmallestShare * Math.Abs(usual.Median));
        double[] after = [.. result.Losses.Skip((int)last)];
        int spikes = after.Count(loss => usual.ZScore(loss, SmallestShare) > Limit);
        int back = StepsUntil(after, usual.Median + scale);
        // A rollback takes back the steps since its snapshot.
        long undone = result.Skips.Count(step => step >= first) + result.Rollbacks.Where(action => action.Step >= first).Sum(action => action.Step - 1 - action.SnapshotStep);
        return new SpikeScore(result.FinalLoss, spikes, undone + (back < 0 ? after.Length : back), back >= 0);
    }

    /// <summary>Steps of a run whose loss stands as far above the 50 before it.</summary>
    public static int CountOf(IReadOnlyList<double> losses)
    {
        var usual = new RobustWindow(Before);
        int count = 0;
        foreach (double loss in losses)
        {
            count += usual.IsFull && usual.ZScore(loss, SmallestShare) > Limit ? 1 : 0;
            usual.Add(loss);
        }
        return count;
    }

    /// <summary>Steps before the first 10 losses with a median of at most so much; -1 where there are none.</summary>
    private static int StepsUntil(double[] losses, double level)
    {
        for (int start = 0; start + Recent <= losses.Length; start++)
            if (Spread.Median(losses.AsSpan(start, Recent).ToArray()) <= level)
                return start;
        return -1;
    }
}
