using Andrea.Clipping;
using Andrea.Training;
using Andrea.Training.Guard;

namespace Andrea.Tests.Training.Guard;

/// <summary>What the host decides, step by step.</summary>
public class SpikeGuardTests
{
    private const int Lag = 2;

    private static readonly SpikeGuardOptions Options = new() { RetryAfter = 5, MaxRetries = 2, WideCount = 3, WideWindow = 8, RateFactor = 0.5, RateSteps = 10 };

    [Fact]
    public void Batch_ThatSpikes_IsTriedAgainAfterSoManySteps()
    {
        var guard = new SpikeGuard(Options, Lag);
        List<GuardTurn> turns = Make(guard, 20, turn => turn.Step == 4);
        Assert.Equal([4, 9], turns.Where(turn => turn.DrawnAt == 4).Select(turn => turn.Step));
        Assert.Equal(1, turns[8].Attempt);
    }

    [Fact]
    public void Batch_ThatAlwaysSpikes_IsGivenUpAfterItsRetries()
    {
        var guard = new SpikeGuard(Options, Lag);
        List<GuardTurn> turns = Make(guard, 40, turn => turn.DrawnAt == 4);
        Assert.Equal([4, 9, 14], turns.Where(turn => turn.DrawnAt == 4).Select(turn => turn.Step));
        Assert.Equal(3, guard.SkippedSteps);
    }

    [Fact]
    public void Batches_ThatSpikeInARow_AreTriedAgainOneByOne()
    {
        List<GuardTurn> turns = Make(new SpikeGuard(Options, Lag), 20, turn => turn.Step is 4 or 5);
        Assert.Equal([4, 5], turns[8..10].Select(turn => turn.DrawnAt));
    }

    [Fact]
    public void Answer_IsTheSame_WheneverResultsArrive()
    {
        static bool Spikes(GuardTurn turn) => turn.DrawnAt % 9 == 0;
        SpikeGuard atOnce = new(Options, Lag), late = new(Options, Lag);
        List<GuardTurn> first = Make(atOnce, 60, Spikes, arrivesAfter: 0), second = Make(late, 60, Spikes, arrivesAfter: 1);
        Assert.Equal(first.Select(turn => (turn.Step, turn.DrawnAt, turn.Attempt)), second.Select(turn => (turn.Step, turn.DrawnAt, turn.Attempt)));
    }

    [Fact]
    public void Answer_ThreeOfEight_IsAWideSpikeThatBeganAtTheFirst()
    {
        var guard = new SpikeGuard(Options with { MaxRetries = 0 }, Lag);
        var wide = new List<(long, long)>();
        Make(guard, 30, turn => turn.Step is 3 or 12 or 15 or 19, wide: (step, first) => wide.Add((step, first)));
        Assert.Equal([(21, 12)], wide);
    }

    [Fact]
    public void RolledBack_ForgetsRetriesAndWhatWasUnderWay()
    {
        var guard = new SpikeGuard(Options, Lag);
        List<GuardTurn> turns = Make(guard, 40, turn => turn.Step is >= 3 and <= 6, wide: (step, _) => guard.RolledBack(step));
        Assert.Equal(1, guard.Rollbacks);
        Assert.All(turns, turn => Assert.Equal(0, turn.Attempt));
        Assert.True(guard.IsCalm);
    }

    [Fact]
    public void RolledBack_TellsOfEveryBatchThatLosesItsRetry()
    {
        var guard = new SpikeGuard(Options, Lag);
        var told = new List<(long, long, int)>();
        Make(guard, 40, turn => turn.Step is >= 3 and <= 6, wide: (step, _) => guard.RolledBack(step), abandoned: (step, lost) => told.Add((step, lost.DrawnAt, lost.Attempt)));
        // Step 6 was under way at the rollback before step 7.
        Assert.Equal([(7, 3, 1), (7, 4, 1), (7, 5, 1), (8, 6, 1)], told);
    }

    [Fact]
    public void Factor_AfterARollback_IsLowerThenComesBackEvenly()
    {
        var guard = new SpikeGuard(Options, Lag);
        Assert.Equal(1, guard.FactorAt(1));
        guard.RolledBack(100);
        Assert.Equal([0.5, 0.5, 0.5, 0.75, 1, 1], ((long[])[100, 109, 110, 115, 120, 200]).Select(guard.FactorAt));
        guard.RolledBack(115);
        Assert.Equal([0.375, 0.375, 1], ((long[])[115, 125, 135]).Select(guard.FactorAt));
    }

    [Fact]
    public void Save_AtAnyStep_GoesOnAlike()
    {
        static bool Spikes(GuardTurn turn) => turn.DrawnAt % 7 < 2;
        var straight = new SpikeGuard(Options, Lag);
        List<GuardTurn> expected = Make(straight, 60, Spikes, wide: (step, _) => straight.RolledBack(step));
        for (int stop = 1; stop < 40; stop++)
        {
            SpikeGuard first = new(Options, Lag), second = new(Options, Lag);
            Make(first, stop, Spikes, wide: (step, _) => first.RolledBack(step));
            second.Restore(first.Save(stop));
            List<GuardTurn> rest = Make(second, 60, Spikes, wide: (step, _) => second.RolledBack(step), from: stop + 1);
            Assert.Equal(expected[stop..].Select(turn => (turn.DrawnAt, turn.Attempt)), rest.Select(turn => (turn.DrawnAt, turn.Attempt)));
            Assert.Equal((straight.Rollbacks, straight.SkippedSteps, straight.FactorAt(61)), (second.Rollbacks, second.SkippedSteps, second.FactorAt(61)));
        }
    }

    /// <summary>Makes steps whose results arrive so many steps later, at most one.</summary>
    private static List<GuardTurn> Make(
        SpikeGuard guard, int steps, Func<GuardTurn, bool> spikes, int arrivesAfter = 0, Action<long, long>? wide = null, int from = 1,
        Action<long, GuardRetry>? abandoned = null)
    {
        var turns = new List<GuardTurn>();
        for (long step = from; step <= steps; step++)
        {
            if (guard.Answer(step, out long first))
                wide?.Invoke(step, first);
            while (guard.TakeAbandoned(out GuardRetry lost))
                abandoned?.Invoke(step, lost);
            GuardRetry? due = guard.TakeDue(step);
            var turn = new GuardTurn(step, due?.Draw ?? new BatchDraw(0, step, 1), due?.DrawnAt ?? step, due?.Attempt ?? 0);
            guard.Begin(turn);
            turns.Add(turn);
            int known = turns.Count - 1 - arrivesAfter;
            if (known >= 0)
                guard.Accept(turns[known].Step, spikes(turns[known]) ? SkipReason.LossSpike : SkipReason.None);
        }
        return turns;
    }
}
