using Andrea.Clipping;
using Andrea.Monitoring;
using Andrea.Tensors;
using Andrea.Training;
using Andrea.Training.Faults;

namespace Andrea.Tests.Training.Faults;

/// <summary>Faults do what they are called, at their steps alone, and the same every time.</summary>
public class FaultPlanTests
{
    private const int Rows = 4, Length = 40, Vocabulary = 30;

    [Theory]
    [InlineData(FaultKind.OutlierBatch)]
    [InlineData(FaultKind.LabelNoise)]
    [InlineData(FaultKind.SourceSwitch)]
    [InlineData(FaultKind.RepeatedToken)]
    internal void Batch_OutsideItsSteps_IsLeftAlone(FaultKind kind)
    {
        var plan = new FaultPlan(1, [new Fault(kind, 5, 6)]);
        foreach (long step in (long[])[4, 7])
            Assert.Equal(Flat(Batch()), Flat(Changed(plan, step)));
        foreach (long step in (long[])[5, 6])
            Assert.NotEqual(Batch().Targets, Changed(plan, step).Targets);
    }

    [Theory]
    [InlineData(FaultKind.OutlierBatch)]
    [InlineData(FaultKind.LabelNoise)]
    [InlineData(FaultKind.SourceSwitch)]
    internal void Batch_OfOneSeed_IsTheSameEveryTime(FaultKind kind)
    {
        Fault[] faults = [new(kind, 5, 6)];
        Assert.Equal(Flat(Changed(new FaultPlan(1, faults), 5)), Flat(Changed(new FaultPlan(1, faults), 5)));
        Assert.NotEqual(Changed(new FaultPlan(1, faults), 5).Targets, Changed(new FaultPlan(2, faults), 5).Targets);
        Assert.All(Changed(new FaultPlan(1, faults), 5).Targets, token => Assert.InRange(token, 0, Vocabulary - 1));
    }

    [Fact]
    public void OutlierBatch_HalfTheRows_LeavesTheOthers()
    {
        (int[] inputs, int[] targets) = Changed(new FaultPlan(1, [new Fault(FaultKind.OutlierBatch, 5, 5, 0.5)]), 5);
        Assert.Equal(Batch().Inputs[(Length / 2)..], inputs[(Length / 2)..]);
        Assert.NotEqual(Batch().Inputs[..(Length / 2)], inputs[..(Length / 2)]);
        Assert.Equal(Batch().Targets[(Length / 2)..], targets[(Length / 2)..]);
    }

    [Fact]
    public void RepeatedToken_HalfTheRows_SaysTheFirstTokenAgainAndAgain()
    {
        (int[] inputs, int[] targets) = Changed(new FaultPlan(1, [new Fault(FaultKind.RepeatedToken, 5, 5, 0.5)]), 5);
        int token = Batch().Inputs[0];
        Assert.All(inputs[..(Length / 2)].Concat(targets[..(Length / 2)]), value => Assert.Equal(token, value));
        Assert.Equal(Batch().Inputs[(Length / 2)..].Concat(Batch().Targets[(Length / 2)..]), inputs[(Length / 2)..].Concat(targets[(Length / 2)..]));
    }

    [Fact]
    public void LabelNoise_AThird_LeavesInputsAndTwoThirdsOfTheTargets()
    {
        (int[] inputs, int[] targets) = Changed(new FaultPlan(1, [new Fault(FaultKind.LabelNoise, 5, 5, 0.33)]), 5);
        Assert.Equal(Batch().Inputs, inputs);
        Assert.InRange(targets.Zip(Batch().Targets).Count(pair => pair.First == pair.Second), Length / 2, Length - 4);
    }

    [Fact]
    public void SourceSwitch_RenamesEveryTokenAlikeInEveryStep()
    {
        var plan = new FaultPlan(1, [new Fault(FaultKind.SourceSwitch, 5, 6)]);
        (int[] inputs, int[] targets) = Changed(plan, 5);
        Assert.Equal(inputs, Changed(plan, 6).Inputs);
        int[] before = [.. Batch().Inputs, .. Batch().Targets], after = [.. inputs, .. targets];
        Assert.Equal(before.Distinct().Count(), before.Zip(after).Distinct().Count());
        Assert.Equal(before.Distinct().Count(), after.Distinct().Count());
    }

    [Fact]
    public void LearningRate_InItsSteps_IsMultiplied()
    {
        List<double> rates = Train(new Fault(FaultKind.LearningRate, 3, 4, 10)).ConvertAll(step => step.LearningRate);
        List<double> usual = Train().ConvertAll(step => step.LearningRate);
        Assert.Equal([usual[0], usual[1], 10 * usual[2], 10 * usual[3], usual[4]], rates);
    }

    [Fact]
    public void NaNGradient_InItsStep_IsSkippedAndOver()
    {
        List<StepRecord> steps = Train(new Fault(FaultKind.NaNGradient, 3, 3));
        Assert.Equal([false, false, true, false, false], steps.Select(step => step.Clip.SkipReason == SkipReason.NonFiniteGradients));
        Assert.Equal(1, steps[2].Clip.NonFiniteCount);
    }

    [Fact]
    public void GradientScale_MultipliesTheNorm()
    {
        double usual = Train()[2].Clip.NormBefore, scaled = Train(new Fault(FaultKind.GradientScale, 3, 3, 100))[2].Clip.NormBefore;
        Assert.Equal(100 * usual, scaled, 1e-4 * scaled);
    }

    [Fact]
    public void StaleSecondMoment_LetsSecondMomentsDieAwayBeforeTheBurst()
    {
        List<StepRecord> steps = Train(FaultPlan.StaleSecondMoment(2, stretch: 2, burst: 1, factor: 10));
        Assert.Equal([0.0, 0.0], steps[1..3].Select(step => step.Clip.NormBefore));
        Assert.True(steps[3].Clip.NormBefore > 5 * steps[4].Clip.NormBefore);
    }

    [Theory]
    [InlineData(FaultKind.ParameterScale, 10.0)]
    [InlineData(FaultKind.FlippedBit, 29.0)]
    internal void Parameters_Changed_StayChanged(FaultKind kind, double strength)
    {
        List<StepRecord> usual = Train(), changed = Train(new Fault(kind, 3, 3, strength));
        Assert.Equal(usual[..2].Select(step => step.Loss), changed[..2].Select(step => step.Loss));
        Assert.All(usual[2..].Zip(changed[2..]), pair => Assert.NotEqual(pair.First.Loss, pair.Second.Loss));
    }

    [Fact]
    public void FlippedBit_ChangesOneParameter()
    {
        using Device device = Device.Cpu(1);
        var layout = new ParameterLayout();
        layout.Add("small", new TensorShape(3));
        layout.Add("large", new TensorShape(5, 7));
        using var arena = new ParameterArena(device, layout);
        new FaultPlan(1, [new Fault(FaultKind.FlippedBit, 1, 1, 30)]).ChangeParameters(1, arena);
        Assert.Equal(2f, Assert.Single(arena["large"].ToArray(), value => value != 0));
        Assert.All(arena["small"].ToArray(), value => Assert.Equal(0, value));
    }

    [Fact]
    public void Plan_StepsBackwards_SaysSo() =>
        Assert.Contains("steps count from 1", Assert.Throws<ArgumentException>(() => new FaultPlan(1, [new Fault(FaultKind.LearningRate, 4, 3)])).Message, StringComparison.Ordinal);

    private static (int[] Inputs, int[] Targets) Batch() =>
        ([.. Enumerable.Range(0, Length).Select(i => i * 7 % Vocabulary)], [.. Enumerable.Range(1, Length).Select(i => i * 7 % Vocabulary)]);

    private static int[] Flat((int[] Inputs, int[] Targets) batch) => [.. batch.Inputs, .. batch.Targets];

    private static (int[] Inputs, int[] Targets) Changed(FaultPlan plan, long step)
    {
        (int[] inputs, int[] targets) = Batch();
        plan.ChangeBatch(step, 0, Rows, Vocabulary, inputs, targets);
        return (inputs, targets);
    }

    private static List<StepRecord> Train(params Fault[] faults)
    {
        using Device device = Device.Cpu(1);
        using Trainer trainer = SmallRun.Create(device, SmallRun.Options with { Steps = 5 });
        trainer.Faults = new FaultPlan(1, faults);
        var steps = new List<StepRecord>();
        trainer.OnStep(steps.Add);
        for (int i = 0; i < 5; i++)
            trainer.TrainStep();
        return steps;
    }
}
