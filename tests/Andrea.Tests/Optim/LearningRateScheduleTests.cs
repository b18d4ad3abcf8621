using Andrea.Optim;

namespace Andrea.Tests.Optim;

public class LearningRateScheduleTests
{
    [Fact]
    public void Cosine_WithWarmup_FollowsTheFormulaAtEveryStep()
    {
        var schedule = new LearningRateSchedule { PeakRate = 1e-3, FinalRate = 1e-4, WarmupSteps = 100, TotalSteps = 2000 };
        for (long t = 0; t < 2500; t++)
        {
            double progress = Math.Min(1, t / 2000.0);
            double cosine = 1e-4 + 0.5 * (1e-3 - 1e-4) * (1 + Math.Cos(Math.PI * progress));
            Assert.Equal(cosine * Math.Min(1, (t + 1) / 100.0), schedule.At(t), 1e-15);
        }
    }

    [Fact]
    public void Linear_GoesStraightFromPeakToFinal()
    {
        var schedule = new LearningRateSchedule { Kind = ScheduleKind.Linear, PeakRate = 1, FinalRate = 0.5, TotalSteps = 10 };
        Assert.Equal([1.0, 0.95, 0.75, 0.5, 0.5], new[] { schedule.At(0), schedule.At(1), schedule.At(5), schedule.At(10), schedule.At(99) });
    }

    [Fact]
    public void Constant_StaysAtPeakAfterWarmup()
    {
        var schedule = new LearningRateSchedule { Kind = ScheduleKind.Constant, PeakRate = 2, WarmupSteps = 4, TotalSteps = 10 };
        Assert.Equal([0.5, 1.0, 1.5, 2.0, 2.0, 2.0], new[] { 0L, 1, 2, 3, 4, 1000 }.Select(schedule.At));
    }

    [Fact]
    public void WarmupStableDecay_HoldsThePeakUntilTheLastPhase()
    {
        var schedule = new LearningRateSchedule { Kind = ScheduleKind.WarmupStableDecay, PeakRate = 1, WarmupSteps = 2, TotalSteps = 100, DecaySteps = 10 };
        Assert.Equal([0.5, 1.0, 1.0, 1.0, 0.5, 0.0, 0.0], new[] { 0L, 1, 50, 90, 95, 100, 200 }.Select(schedule.At));
    }

    [Fact]
    public void At_ImpossibleValues_AreNamed()
    {
        var good = new LearningRateSchedule { TotalSteps = 10 };
        (LearningRateSchedule Schedule, string Expected)[] bad =
        [
            (good with { TotalSteps = 0 }, "covers 0 steps"), (good with { PeakRate = double.NaN }, "peak learning rate is NaN"),
            (good with { PeakRate = -1 }, "peak learning rate is -1"), (good with { FinalRate = 1 }, "final learning rate is 1"),
            (good with { WarmupSteps = -1 }, "takes -1 steps"), (good with { DecaySteps = 11 }, "takes 11 steps"),
            (good with { Kind = (ScheduleKind)99 }, "schedule 99 is unknown"),
        ];
        foreach ((LearningRateSchedule schedule, string expected) in bad)
        {
            var error = Assert.Throws<ArgumentOutOfRangeException>(() => schedule.At(0));
            Assert.Contains(expected, error.Message, StringComparison.Ordinal);
            Assert.NotNull(typeof(LearningRateSchedule).GetProperty(error.ParamName!));
        }
        Assert.Throws<ArgumentOutOfRangeException>(() => good.At(-1));
    }
}
