using Andrea.Curriculum;
using Andrea.Numerics;

namespace Andrea.Tests.Curriculum;

/// <summary>What each reward makes of a source that is only noisy and one that is only repetitive, beside one that teaches, on losses made up to be
/// so; <c>andrea lab curriculum</c> shows the same on a model.</summary>
public class CurriculumRewardTests
{
    private const int Steps = 6000, Teaches = 0, Noise = 1, Repeats = 2;

    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public void LossDrop_PaysTheNoise(ulong seed)
    {
        double[] shares = Shares(CurriculumReward.LossDrop, seed);
        Assert.True(shares[Noise] > 0.6, $"{string.Join(", ", shares)}");
        Assert.True(shares[Teaches] < 0.25, $"{string.Join(", ", shares)}");
    }

    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public void LearningProgress_PaysWhatTeaches(ulong seed)
    {
        double[] shares = Shares(CurriculumReward.LearningProgress, seed);
        Assert.True(shares[Teaches] > 0.45, $"{string.Join(", ", shares)}");
        Assert.True(shares[Noise] < 0.35 && shares[Repeats] < 0.35, $"{string.Join(", ", shares)}");
    }

    /// <summary>Shares of the sources over the second half of a run.</summary>
    private static double[] Shares(CurriculumReward reward, ulong seed)
    {
        var bandit = new BanditCurriculum(new CurriculumOptions { Reward = reward, EpochLimit = 0 }, ["teaches", "noise", "repeats"], seed);
        var random = new Philox(seed, 99);
        int[] drawn = new int[3], late = new int[3];
        for (int step = 0; step < Steps; step++)
        {
            int source = bandit.Next([0, 0, 0]);
            bandit.Learn(source, Loss(source, drawn[source]++, random.NextNormal()));
            if (step >= Steps / 2)
                late[source]++;
        }
        return [.. late.Select(count => (double)count / late.Sum())];
    }

    /// <summary>Falls slowly and for long; stays and scatters widely; falls at once, to nothing.</summary>
    private static double Loss(int source, int pulls, double normal) => source switch
    {
        Teaches => 1 + 3 / (1 + pulls / 400.0) + 0.05 * normal,
        Noise => 3 + 0.5 * normal,
        _ => 0.05 + 3 * Math.Pow(0.9, pulls) + 0.005 * normal,
    };
}
