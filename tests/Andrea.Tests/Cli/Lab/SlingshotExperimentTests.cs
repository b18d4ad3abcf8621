using Andrea.Cli.Lab;

namespace Andrea.Tests.Cli.Lab;

/// <summary>The claim of arXiv:2605.06152 in small: absorbed tokens make the head's rows drift together; gradients that sum to 0 do not.</summary>
public class SlingshotExperimentTests
{
    [Fact]
    public void ZeroSumGradient_OfAbsorbedTokens_StopsTheDriftOfTheHead()
    {
        var experiment = new SlingshotExperiment { Steps = 1600 };
        SlingshotResult own = experiment.Run(zeroSum: false, seed: 1), zeroSum = experiment.Run(zeroSum: true, seed: 1);
        Assert.NotNull(own.FirstAbsorbed);
        Assert.NotNull(zeroSum.FirstAbsorbed);
        Assert.InRange(own.WorstError, 1e-9, 1e-6);
        Assert.True(zeroSum.WorstError < 1e-12, $"{zeroSum.WorstError}");
        Assert.True(own.LargestDrift > 4 * zeroSum.LargestDrift, $"{own.LargestDrift} against {zeroSum.LargestDrift}");
    }
}
