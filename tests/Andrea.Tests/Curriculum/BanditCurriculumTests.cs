using Andrea.Curriculum;

namespace Andrea.Tests.Curriculum;

/// <summary>The bandit's phases, weights and choices, against numbers worked out by hand.</summary>
public class BanditCurriculumTests
{
    private static readonly string[] Names = ["a", "b", "c"];
    private static readonly double[] Fresh = [0, 0, 0];

    [Fact]
    public void Options_Defaults_AreTheDocumentedOnes()
    {
        var options = new CurriculumOptions();
        Assert.Equal((CurriculumReward.LearningProgress, 1.0, 0.5, 4.0), (options.Reward, options.Exploration, options.OtherWeight, options.EpochLimit));
        Assert.Equal((64, 0L), (options.ProgressWindow, options.WarmupSteps));
        Assert.Equal([7, 14, 21, 28, 42], options.PhaseSteps);
        Assert.Empty(options.Sources);
        Assert.Equal(new SourceLimits("a", Floor: 0, Cap: 1, Warmup: false), new SourceLimits("a"));
    }

    [Fact]
    public void Phases_HaveTheLengthsAskedForAndKeepTheirWeights()
    {
        var bandit = new BanditCurriculum(new CurriculumOptions(), Names, seed: 7);
        var lengths = new HashSet<long>();
        for (int phase = 1; phase <= 60; phase++)
        {
            bandit.Next(Fresh);
            Assert.Equal(phase, bandit.Phase);
            double[] weights = [.. bandit.Weights];
            long steps = bandit.PhaseEnd - bandit.Turn + 1;
            lengths.Add(steps);
            for (int step = 1; step < steps; step++)
            {
                bandit.Learn(bandit.Next(Fresh), 1 + step % 3);
                Assert.Equal(weights, bandit.Weights);
            }
        }
        Assert.Equal([7, 14, 21, 28, 42], lengths.Order());
    }

    [Fact]
    public void Weights_FloorCapAndEpochs_AreAppliedInThisOrder()
    {
        var options = new CurriculumOptions
        {
            OtherWeight = 0.1,
            EpochLimit = 4,
            Sources = [new("a", Cap: 0.5), new("b", Floor: 0.8), new("c", Floor: 0.6)],
        };
        var bandit = new BanditCurriculum(options, Names, seed: 7);
        bandit.Next([0, 4, 12]);
        // Nothing is known of any, so the first is in focus: its 1 is capped. The others' draws below 0.1 are lifted to their floors.
        Assert.Equal(0, bandit.Focus);
        Assert.Equal([0.5, 0.8, 0.6 * (4.0 / 12)], bandit.Weights);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(7, 0)] // 8.33 + 7 * 0.554 is more than 5 + 7 * 0.960; without the root, 8.33 + 7 * 0.307 less than 5 + 7 * 0.922
    [InlineData(9, 1)]
    [InlineData(100, 1)]
    public void Focus_Ucb1_IsTheHighestMeanPlusBonus(double exploration, int expected)
    {
        var options = new CurriculumOptions { Reward = CurriculumReward.LossDrop, Exploration = exploration, PhaseSteps = [100] };
        var bandit = new BanditCurriculum(options, Names, seed: 7);
        for (int step = 0; step < 100; step++)
            bandit.Next(Fresh);
        // a: 12 losses, rewards 0, 100, then 0 while the average falls below 3: mean 100 / 12 = 8.33. b: 4 losses, mean 20 / 4 = 5. c: 24, mean 0.
        Learn(0, [3, 2.9, .. Enumerable.Repeat(4.0, 10)]);
        Learn(1, [3, 2.98, 4, 4]);
        Learn(2, [.. Enumerable.Repeat(3.0, 24)]);
        bandit.Next(Fresh);
        // N = 40, ln N = 3.689: bonuses 0.554, 0.960, 0.392 times C.
        Assert.Equal(expected, bandit.Focus);
        ArmState[] arms = bandit.Save().Arms;
        Assert.Equal((12, 100.0), (arms[0].Pulls, Math.Round(arms[0].RewardSum, 6)));
        Assert.Equal((4, 20.0), (arms[1].Pulls, Math.Round(arms[1].RewardSum, 6)));

        void Learn(int source, double[] losses)
        {
            foreach (double loss in losses)
                bandit.Learn(source, loss);
        }
    }

    [Fact]
    public void LossDrop_IsAndreasReward()
    {
        var arm = new BanditArm(8);
        // Average 2; then 2 + 0.1 (1 - 2) = 1.9, then 1.9 + 0.1 (3 - 1.9) = 2.01, then the last loss lies 0.51 below it.
        double[] losses = [2, 1, 3, 1.5], rewards = [0, 1000, 0, 510];
        for (int i = 0; i < losses.Length; i++)
        {
            arm.Learn(losses[i], CurriculumReward.LossDrop);
            Assert.Equal(rewards[i], arm.LastReward, 1e-9);
        }
        ArmState before = arm.Save();
        arm.Learn(double.NaN, CurriculumReward.LossDrop);
        arm.Learn(double.PositiveInfinity, CurriculumReward.LossDrop);
        Assert.Equal((before.Pulls, before.RewardSum, before.Average), (arm.Save().Pulls, arm.Save().RewardSum, arm.Save().Average));
    }

    [Fact]
    public void LearningProgress_PaysAFallByItsSlopeAndRelearningNothing()
    {
        const int Window = 8;
        var arm = new BanditArm(Window);
        for (int i = 0; i < 4 * Window; i++)
            arm.Learn(5 - 0.01 * i, CurriculumReward.LearningProgress);
        Assert.Equal(10, arm.LastReward, 1e-9);
        for (int i = 0; i < 4 * Window; i++)
            arm.Learn(6 - 0.01 * i, CurriculumReward.LearningProgress);
        Assert.Equal(0, arm.LastReward);
    }

    [Fact]
    public void Restore_WindowMadeSmaller_GoesOnWithTheLatestLosses()
    {
        BanditArm large = new(16), small = new(8), larger = new(32);
        for (int i = 0; i < 40; i++)
            large.Learn(5 - 0.01 * i, CurriculumReward.LearningProgress);
        small.Restore(large.Save());
        larger.Restore(large.Save());
        Assert.Equal(large.Save().Losses[^8..], small.Save().Losses);
        Assert.Equal(large.Save().Records[^8..], small.Save().Records);
        Assert.Equal(large.Save().Losses, larger.Save().Losses);
        for (int i = 40; i < 56; i++)
            small.Learn(5 - 0.01 * i, CurriculumReward.LearningProgress);
        Assert.Equal(10, small.LastReward, 1e-9);
    }

    [Fact]
    public void Warmup_DrawsFromItsSourcesOnlyAndEndsWhereItShould()
    {
        var options = new CurriculumOptions { WarmupSteps = 50, OtherWeight = 1, Sources = [new("b", Warmup: true), new("c", Warmup: true)] };
        var bandit = new BanditCurriculum(options, Names, seed: 3);
        int[] drawn = new int[3];
        for (int step = 0; step < 50; step++)
            drawn[bandit.Next(Fresh)]++;
        Assert.Equal((0, true, true), (drawn[0], drawn[1] > 0, drawn[2] > 0));
        Assert.Equal(50, bandit.PhaseEnd);
        bandit.Next(Fresh);
        Assert.True(bandit.Weights[0] > 0);
    }

    [Fact]
    public void Options_OutOfRange_AreRefusedByName()
    {
        (CurriculumOptions Options, string Word)[] cases =
        [
            (new() { Exploration = double.NaN }, "Exploration"),
            (new() { PhaseSteps = [] }, "PhaseSteps"),
            (new() { PhaseSteps = [7, 0] }, "PhaseSteps"),
            (new() { OtherWeight = 0 }, "OtherWeight"),
            (new() { EpochLimit = -1 }, "EpochLimit"),
            (new() { ProgressWindow = 1 }, "ProgressWindow"),
            (new() { WarmupSteps = 5 }, "Warmup"),
            (new() { Sources = [new("a", Floor: 2)] }, "floor of source 'a'"),
            (new() { Sources = [new("a", Floor: 0.5, Cap: 0.4)] }, "cap of source 'a'"),
        ];
        foreach ((CurriculumOptions options, string word) in cases)
            Assert.Contains(word, Assert.ThrowsAny<ArgumentException>(options.Validate).Message, StringComparison.Ordinal);
        var stranger = new CurriculumOptions { Sources = [new("d")] };
        Assert.Contains("'d'", Assert.Throws<ArgumentException>(() => new BanditCurriculum(stranger, Names, 1)).Message, StringComparison.Ordinal);
    }
}
