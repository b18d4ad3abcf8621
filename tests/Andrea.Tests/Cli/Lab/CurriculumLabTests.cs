using Andrea.Cli.Lab;
using Andrea.Curriculum;

namespace Andrea.Tests.Cli.Lab;

public class CurriculumLabTests
{
    [Fact]
    public void Arms_HaveTheRewardsThatTheyAreNamedAfter() => Assert.Equal(
        [("by share", null), ("bandit, loss drop", CurriculumReward.LossDrop), ("bandit, progress", CurriculumReward.LearningProgress)],
        CurriculumLab.Arms.Select(arm => (arm.Name, arm.Curriculum?.Reward)));

    [Fact]
    public void Run_OfAnArm_MeasuresEachSourceAndDrawsAsTheArmDoes()
    {
        using Device device = Device.Cpu(1);
        CurriculumResult[] results = [.. CurriculumLab.Arms.Select(arm => CurriculumLab.Quick.Run(device, arm, seed: 1))];
        foreach (CurriculumResult result in results)
        {
            Assert.Equal(1, result.Shares.Sum(), 1e-12);
            // Of what teaches, of noise, of what repeats: the last is learned first, and noise never.
            Assert.True(result.Losses[2] < result.Losses[0] - 0.2, $"teaches {result.Losses[0]}, repeats {result.Losses[2]}");
            Assert.True(result.Losses[0] < result.Losses[1], $"teaches {result.Losses[0]}, noise {result.Losses[1]}");
        }
        Assert.Equal(3, results.Select(result => string.Join(' ', result.Shares)).Distinct().Count());
    }

    [Fact]
    public async Task Command_Quick_MakesOneShortRunOfEachKind()
    {
        CliRun run = (await CliRun.Of("lab", "curriculum", "--quick", "--threads", "1")).Succeeded();
        Assert.StartsWith("100 steps, 1 seed, ", run.Output, StringComparison.Ordinal);
        CliRun shorter = (await CliRun.Of("lab", "curriculum", "--quick", "--steps", "10", "--seeds", "2", "--threads", "1")).Succeeded();
        Assert.StartsWith("10 steps, 2 seeds, ", shorter.Output, StringComparison.Ordinal);
    }
}
