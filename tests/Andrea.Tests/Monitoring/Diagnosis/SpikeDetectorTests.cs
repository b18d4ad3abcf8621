using Andrea.Monitoring;
using Andrea.Monitoring.Diagnosis;
using Andrea.Tests.Cpu;

namespace Andrea.Tests.Monitoring.Diagnosis;

public class SpikeDetectorTests
{
    [Fact]
    public void Next_SteadySeries_FindsNothing() => Assert.Empty(Find(step => 3 + 0.1 * SyntheticRun.Wave(step), 1000));

    [Fact]
    public void Next_OneSpike_IsFoundWithItsScore()
    {
        SpikeRecord spike = Assert.Single(Find(step => step == 200 ? 5 : 3 + 0.1 * SyntheticRun.Wave(step), 400));
        Assert.Equal((200, SpikeQuantity.Loss, 5.0), (spike.Step, spike.Quantity, spike.Value));
        Assert.Equal(3, spike.Median, 0.05);
        Assert.InRange(spike.ZScore, 10, 60);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(30)]
    public void Next_HugeSpikeBefore_DoesNotMaskTheNext(int distance)
    {
        double Series(long step) => step == 200 ? 1e9 : step == 200 + distance ? 5 : 3 + 0.1 * SyntheticRun.Wave(step);
        Assert.Equal([200, 200 + distance], Find(Series, 400).Select(spike => spike.Step));
        // The negative control: a mean and a deviation over the same steps do not see the second one.
        double[] before = [.. Enumerable.Range(100 + distance, 100).Select(step => Series(step))];
        double mean = before.Average(), deviation = Math.Sqrt(before.Average(value => (value - mean) * (value - mean)));
        Assert.True((5 - mean) / deviation < 1);
    }

    [Fact]
    public void Next_ManySpikes_AreAllFound()
    {
        // Every other step: kept in the window, they would be half of it, and usual.
        double Series(long step) => step >= 200 && step % 2 == 0 ? 6 : 3 + 0.1 * SyntheticRun.Wave(step);
        Assert.Equal(200, Find(Series, 599).Count);
    }

    [Fact]
    public void Next_NaNInTheMiddle_IsFoundAndLeavesNoTrace()
    {
        double Series(long step) => step is 200 or 201 or 202 ? double.NaN : step == 205 ? 5 : 3 + 0.1 * SyntheticRun.Wave(step);
        List<SpikeRecord> spikes = Find(Series, 400);
        Assert.Equal([200, 205], spikes.Select(spike => spike.Step));
        Assert.Equal(double.PositiveInfinity, spikes[0].ZScore);
    }

    [Fact]
    public void Next_SpikeThatTurnsInfinite_IsToldTwice()
    {
        double Series(long step) => step switch { 200 or 201 => 50, 202 or 203 => double.PositiveInfinity, _ => 3 + 0.1 * SyntheticRun.Wave(step) };
        Assert.Equal([200, 202], Find(Series, 400).Select(spike => spike.Step));
    }

    [Fact]
    public void Next_NaNAtTheVeryFirstStep_IsFound() =>
        Assert.Equal(1, Assert.Single(Find(step => step == 1 ? double.NaN : 3, 50)).Step);

    [Fact]
    public void Next_NewLevel_IsOneSpikeAndThenUsual()
    {
        double Series(long step) => (step < 200 ? 3 : step == 400 ? 16 : 8) + 0.1 * SyntheticRun.Wave(step);
        Assert.Equal([200, 400], Find(Series, 600).Select(spike => spike.Step));
    }

    [Fact]
    public void Next_ConstantSeries_NeedsMoreThanAHair()
    {
        Assert.Empty(Find(step => step == 200 ? 3.1 : 3, 300));
        Assert.Single(Find(step => step == 200 ? 3.5 : 3, 300));
    }

    [Fact]
    public void Next_FallingBelow_IsNoSpike() => Assert.Empty(Find(step => step >= 200 ? 0.1 : 3 + 0.1 * SyntheticRun.Wave(step), 300));

    [Fact]
    public void Next_AnyValue_AllocatesNothing()
    {
        var detector = new SpikeDetector(SpikeQuantity.Norm);
        long step = 0;
        Allocations.AssertNone(() =>
        {
            for (int i = 0; i < 100; i++, step++)
                detector.Next(step, step % 37 == 0 ? double.NaN : step % 11 == 0 ? 100 : SyntheticRun.Wave(step));
        });
    }

    private static List<SpikeRecord> Find(Func<long, double> series, long steps)
    {
        var detector = new SpikeDetector(SpikeQuantity.Loss);
        var spikes = new List<SpikeRecord>();
        for (long step = 1; step <= steps; step++)
            if (detector.Next(step, series(step)) is { } spike)
                spikes.Add(spike);
        return spikes;
    }

    [Fact]
    public void Next_FiniteSpikeAfterManyNaNs_IsToldAndBlindsToNothing()
    {
        var detector = new SpikeDetector(SpikeQuantity.Loss);
        long step = 0;
        for (int i = 0; i < 100; i++)
            Assert.Null(detector.Next(++step, 2 + 0.01 * SyntheticRun.Wave(step)));
        Assert.NotNull(detector.Next(++step, double.NaN));
        for (int i = 0; i < 50; i++)
            Assert.Null(detector.Next(++step, double.NaN));
        Assert.Equal(1000, detector.Next(++step, 1000)!.Value.Value);
        for (int i = 0; i < 18; i++)
            Assert.Null(detector.Next(++step, 2 + 0.01 * SyntheticRun.Wave(step)));
        Assert.NotNull(detector.Next(++step, 1000));
    }

    [Fact]
    public void Next_LevelThatHoldsForHalfAWindow_IsTheNewUsual()
    {
        var detector = new SpikeDetector(SpikeQuantity.Norm);
        long step = 0;
        for (int i = 0; i < 100; i++)
            detector.Next(++step, 1 + 0.01 * SyntheticRun.Wave(step));
        for (int i = 0; i < 95; i++)
            detector.Next(++step, 100 + SyntheticRun.Wave(step));
        Assert.NotNull(detector.Next(++step, 5000));
    }
}
