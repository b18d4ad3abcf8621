using Andrea.Cli.Commands;
using Andrea.Optim;

namespace Andrea.Tests.Cli;

public class OptimizerChoiceTests
{
    [Fact]
    public void Of_EachName_GivesItsOptimizerAndKeepsTheRest()
    {
        var before = new AdamWOptions { Beta2 = 0.95, WeightDecay = 0.3, UseGraph = false, Groups = [new ParameterGroup("wte")] };
        Assert.Same(before, OptimizerChoice.Of(null, before));
        Type?[] stabilizers = [null, null, typeof(UpdateRmsStabilizer), typeof(SpamStabilizer), typeof(StableSpamStabilizer)];
        foreach ((string word, Type? stabilizer) in OptimizerChoice.Words.Zip(stabilizers))
        {
            OptimizerOptions options = OptimizerChoice.Of(word, before);
            Assert.Equal((0.3, false, 1), (options.WeightDecay, options.UseGraph, options.Groups.Count));
            Assert.Equal(word == "s3", options is SoftSignOptions);
            Assert.Equal(stabilizer, (options as AdamWOptions)?.Stabilizer?.GetType());
            Assert.Equal(word == "s3" ? null : 0.95, (options as AdamWOptions)?.Beta2);
        }
    }

    [Fact]
    public void Of_TheNameOfWhatItIs_KeepsItsSettings()
    {
        var spam = new AdamWOptions { Stabilizer = new SpamStabilizer { ResetEvery = 7, WarmupSteps = 3 } };
        Assert.Equal(spam, OptimizerChoice.Of("spam", spam));
        Assert.Null(((AdamWOptions)OptimizerChoice.Of("adamw", spam)).Stabilizer);
        var s3 = new SoftSignOptions { Power = 2 };
        Assert.Same(s3, OptimizerChoice.Of("s3", s3));
        Assert.Equal(0.25, OptimizerChoice.Of("adamw", s3 with { WeightDecay = 0.25 }).WeightDecay);
    }
}
