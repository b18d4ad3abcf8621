using Andrea.Monitoring.Diagnosis;
using Andrea.Tests.Cpu;

namespace Andrea.Tests.Monitoring.Diagnosis;

public class RobustWindowTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(8)]
    [InlineData(31)]
    [InlineData(100)]
    public void Statistics_AtEveryFill_AreThoseOfSortedValues(int capacity)
    {
        var random = new Random(capacity);
        var window = new RobustWindow(capacity);
        var kept = new Queue<double>();
        for (int i = 0; i < 6 * capacity + 20; i++)
        {
            double value = ValueOf(random);
            bool taken = window.Add(value, out double oldest);
            Assert.Equal(double.IsFinite(value), taken);
            double expectedOldest = taken && kept.Count == capacity ? kept.Dequeue() : double.NaN;
            Assert.Equal(expectedOldest, oldest);
            if (taken)
                kept.Enqueue(value);
            Assert.Equal((kept.Count, kept.Count == capacity), (window.Count, window.IsFull));
            AssertSame(kept, window);
        }
    }

    [Fact]
    public void Statistics_HugeValues_DoNotOverflow()
    {
        var window = new RobustWindow(4);
        foreach (double value in new[] { double.MaxValue, double.MaxValue, 1, double.MaxValue })
            window.Add(value);
        Assert.Equal(double.MaxValue, window.Median);
        Assert.Equal(0, window.MedianAbsoluteDeviation());
    }

    [Fact]
    public void Statistics_Empty_AreNaN()
    {
        var window = new RobustWindow(3);
        window.Add(double.NaN);
        window.Add(double.PositiveInfinity);
        Assert.Equal(0, window.Count);
        Assert.All([window.Median, window.MedianAbsoluteDeviation(), window.Min, window.Max, window.ZScore(1)], value => Assert.True(double.IsNaN(value)));
        window.Add(1);
        window.Clear();
        Assert.True(double.IsNaN(window.Median));
    }

    [Fact]
    public void ZScore_ZeroDeviation_UsesTheSmallestShare()
    {
        var window = new RobustWindow(10);
        for (int i = 0; i < 10; i++)
            window.Add(2);
        Assert.Equal(0, window.ZScore(2));
        Assert.Equal(double.PositiveInfinity, window.ZScore(2.1));
        Assert.Equal(double.NegativeInfinity, window.ZScore(1.9));
        Assert.Equal(5, window.ZScore(2.1, smallestShare: 0.01), 1e-9);
        Assert.Equal(double.PositiveInfinity, window.ZScore(double.NaN, smallestShare: 0.01));
        Assert.Equal(double.PositiveInfinity, window.ZScore(double.NegativeInfinity, smallestShare: 0.01));
    }

    [Fact]
    public void ZScore_NormalValues_IsInStandardDeviations()
    {
        var random = new Random(1);
        var window = new RobustWindow(10_000);
        while (!window.IsFull)
            window.Add(5 + 3 * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        Assert.Equal(2, window.ZScore(11), 0.1);
    }

    [Fact]
    public void Add_AndAsk_AllocateNothing()
    {
        var window = new RobustWindow(50);
        double latest = 0;
        int next = 0;
        Allocations.AssertNone(() =>
        {
            for (int i = 0; i < 200; i++)
            {
                window.Add(SyntheticRun.Wave(next++));
                latest = window.ZScore(0.3) + window.Median;
            }
        });
        Assert.True(double.IsFinite(latest));
    }

    private static double ValueOf(Random random) => random.Next(12) switch
    {
        0 => double.NaN,
        1 => double.PositiveInfinity,
        2 => double.NegativeInfinity,
        3 or 4 or 5 => random.Next(3),
        6 => -0.0,
        7 => 1e12 * random.NextDouble(),
        _ => random.NextDouble() - 0.5,
    };

    private static void AssertSame(Queue<double> kept, RobustWindow window)
    {
        if (kept.Count == 0)
            return;
        double median = MedianOf(kept);
        Assert.Equal(median, window.Median);
        Assert.Equal(MedianOf(kept.Select(value => Math.Abs(value - median))), window.MedianAbsoluteDeviation());
        Assert.Equal((kept.Min(), kept.Max()), (window.Min, window.Max));
    }

    private static double MedianOf(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Select(value => value + 0.0).Order()];
        double low = sorted[(sorted.Length - 1) / 2], high = sorted[sorted.Length / 2];
        return low + 0.5 * (high - low);
    }
}
