using System.Diagnostics;

namespace Andrea.Cli.Bench;

/// <summary>Repeated measurements of one thing, in milliseconds.</summary>
internal sealed class Timings
{
    private readonly List<double> _milliseconds = [];

    public double Median
    {
        get
        {
            double[] sorted = [.. _milliseconds.Order()];
            int middle = sorted.Length / 2;
            return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        }
    }

    public double Minimum => _milliseconds.Min();

    public void Add(double milliseconds) => _milliseconds.Add(milliseconds);

    /// <summary>Times an action: the mean of a batch of them.</summary>
    /// <param name="action">Enqueues the work.</param>
    /// <param name="count">How often, without a wait in between.</param>
    /// <param name="synchronize">Waits until the work is done.</param>
    public void Measure(Action action, int count, Action synchronize)
    {
        long started = Stopwatch.GetTimestamp();
        for (int i = 0; i < count; i++)
            action();
        synchronize();
        Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds / count);
    }

    /// <summary>The result line, with rates over the median.</summary>
    public BenchResult ToResult(string name, double bytes = 0, double operations = 0, double tokens = 0, double? wholeMs = null)
    {
        double median = Median;
        double? Rate(double amount, double unit) => amount > 0 && median > 0 ? amount / unit / (median / 1000) : null;
        double? share = wholeMs > 0 ? median / wholeMs : null;
        return new BenchResult(name, median, Minimum, Rate(bytes, 1e9), Rate(operations, 1e9), Rate(tokens, 1), share);
    }
}
