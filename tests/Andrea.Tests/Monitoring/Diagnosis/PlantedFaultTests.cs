using Andrea.Monitoring;
using Andrea.Monitoring.Diagnosis;

namespace Andrea.Tests.Monitoring.Diagnosis;

/// <summary>Every verdict from the fault it is about, planted into a healthy run; the run without it is the control.</summary>
public class PlantedFaultTests
{
    [Fact]
    public void HealthyRun_OfThreeThousandSteps_RaisesNothing()
    {
        using GradientDiagnosis diagnosis = new SyntheticRun().Diagnose(3000);
        Assert.Empty(diagnosis.Verdicts);
        Assert.Empty(diagnosis.Spikes);
    }

    [Fact]
    public void Vanishing_NormsShrinkTowardsTheInput_NamesSlopeAndLayers()
    {
        Verdict verdict = Only(new SyntheticRun { TensorNorm = (step, tensor) => 0.1 * Math.Pow(10, -0.5 * (SyntheticRun.Blocks - 1 - (tensor.Depth ?? 0))) }, 100);
        Assert.Equal((VerdictKind.VanishingGradients, 10L, 14L), (verdict.Kind, verdict.Since, verdict.Step));
        Assert.Contains("0.5 powers of ten a block", verdict.Summary, StringComparison.Ordinal);
        Assert.Contains("from block 5 to 0", verdict.Summary, StringComparison.Ordinal);
        Assert.Equal(18, verdict.Tensors.Count);
        Assert.Contains("Initialization", verdict.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void Vanishing_OneKindOfThree_IsNoFinding() =>
        AssertNothing(new SyntheticRun { TensorNorm = (step, tensor) => tensor.Name.EndsWith("c_fc.weight", StringComparison.Ordinal) ? Math.Pow(10, tensor.Depth!.Value - 5) : 0.1 }, 300);

    [Fact]
    public void Exploding_NormsGrowTowardsTheInput_IsNamed()
    {
        Verdict verdict = Only(new SyntheticRun { TensorNorm = (step, tensor) => 0.1 * Math.Pow(10, 0.5 * (SyntheticRun.Blocks - 1 - (tensor.Depth ?? 0))) }, 100);
        Assert.Equal(VerdictKind.ExplodingGradients, verdict.Kind);
        Assert.Contains("towards the input", verdict.Summary, StringComparison.Ordinal);
        Assert.Contains("--max-norm", verdict.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void Exploding_NormGrowsFromStepToStep_IsNamed()
    {
        var run = new SyntheticRun { MaxNorm = double.PositiveInfinity };
        Func<long, double> healthy = run.Norm;
        run.Norm = step => healthy(step) * (step < 500 ? 1 : Math.Pow(10, (step - 500) / 60.0));
        Verdict verdict = Only(run, 600);
        Assert.Equal(VerdictKind.ExplodingGradients, verdict.Kind);
        Assert.InRange(verdict.Since, 550, 580);
        Assert.Contains("from step to step", verdict.Summary, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("h.2.mlp.c_fc.weight")]
    [InlineData("wte")]
    public void DeadTensor_ZeroForTwentySteps_IsNamedSinceTheFirst(string name)
    {
        var run = new SyntheticRun();
        Func<long, MonitoredTensor, double> healthy = run.TensorNorm;
        run.TensorNorm = (step, tensor) => tensor.Name == name && step >= 50 ? 0 : healthy(step, tensor);
        Verdict verdict = Only(run, 500);
        Assert.Equal((VerdictKind.DeadTensor, 50L, 69L), (verdict.Kind, verdict.Since, verdict.Step));
        Assert.Equal([name], verdict.Tensors);
    }

    [Fact]
    public void DeadTensor_TinyOrSometimesZero_IsNoFinding() =>
        AssertNothing(new SyntheticRun { TensorNorm = (step, tensor) => tensor.Name == "wte" && step % 20 != 0 ? 0 : tensor.Name == "ln_f.weight" ? 1e-30 : 0.1 }, 500);

    [Fact]
    public void StalledLoss_FlatWithFadedGradients_IsNamed()
    {
        var run = new SyntheticRun
        {
            Loss = step => 3.2 + 1.4 * Math.Exp(-step / 50.0) + 0.02 * SyntheticRun.Wave(step),
            TensorNorm = (step, tensor) => 0.1 * Math.Exp(-step / 200.0),
        };
        Verdict verdict = Only(run, 1500);
        Assert.Equal(VerdictKind.StalledLoss, verdict.Kind);
        Assert.Contains("stalled at 3.2", verdict.Summary, StringComparison.Ordinal);
    }

    [Fact]
    public void StalledLoss_WithoutGradientRecords_GoesByTheNorm() =>
        Assert.Equal(VerdictKind.StalledLoss, Only(new SyntheticRun { RecordEvery = 0, Loss = step => 3.2 + 0.02 * SyntheticRun.Wave(step), Norm = step => 0.1 + 0.9 * Math.Exp(-step / 100.0) }, 1500).Kind);

    [Theory]
    [InlineData("norms as before")]
    [InlineData("rate at the end of its schedule")]
    [InlineData("a model that has learned")]
    public void StalledLoss_ControlsWithoutOneCondition_RaiseNothing(string control) => AssertNothing(
        new SyntheticRun
        {
            Loss = step => (control == "a model that has learned" ? 0.3 : 3.2) + 1.4 * Math.Exp(-step / 50.0),
            TensorNorm = (step, tensor) => control == "norms as before" ? 0.1 : 0.1 * Math.Exp(-step / 200.0),
            Rate = step => control == "rate at the end of its schedule" && step > 300 ? 1e-5 : 1e-3,
        },
        1500);

    [Fact]
    public void RateTooHigh_LossAndNormRiseTogether_IsNamed()
    {
        var run = new SyntheticRun { MaxNorm = double.PositiveInfinity };
        Func<long, double> loss = run.Loss, norm = run.Norm;
        run.Loss = step => loss(step) + Math.Max(0, step - 500) / 50.0;
        run.Norm = step => norm(step) * (1 + Math.Max(0, step - 500) / 25.0);
        Verdict verdict = Only(run, 560);
        Assert.Equal(VerdictKind.LearningRateTooHigh, verdict.Kind);
        Assert.InRange(verdict.Since, 520, 560);
        Assert.Contains("--lr 1.0e-4", verdict.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void RateTooHigh_LossAlone_IsNoFinding()
    {
        var run = new SyntheticRun();
        Func<long, double> loss = run.Loss;
        // As when the data changes: harder text, gradients as before. A spike it is.
        run.Loss = step => loss(step) + (step < 500 ? 0 : 1.5);
        using GradientDiagnosis diagnosis = run.Diagnose(1000);
        Assert.Empty(diagnosis.Verdicts);
        Assert.Equal(500, Assert.Single(diagnosis.Spikes).Step);
    }

    [Fact]
    public void RateTooHigh_LargeUpdates_AreNamedBeyondWarmupOnly()
    {
        var run = new SyntheticRun { UpdateRatio = (step, tensor) => tensor.Length > 1000 ? 0.2 : 0 };
        Verdict verdict = Only(run, 100);
        Assert.Equal((VerdictKind.LearningRateTooHigh, 2L, 9L), (verdict.Kind, verdict.Since, verdict.Step));
        run.Rate = step => 1e-3 * Math.Min(1, step / 60.0);
        Assert.Equal(61, Only(run, 100).Since);
    }

    [Fact]
    public void RateTooHigh_NormThatSpikesAgainAndAgain_IsNamedAtTheEighthSpike()
    {
        var run = new SyntheticRun();
        Func<long, double> norm = run.Norm;
        run.Norm = step => step > 100 && step % 50 == 0 ? 20 : norm(step);
        Verdict verdict = Only(run, 1000);
        Assert.Equal((VerdictKind.LearningRateTooHigh, 150L, 500L), (verdict.Kind, verdict.Since, verdict.Step));
        // As many, but further apart.
        run.Norm = step => step > 100 && step % 60 == 0 ? 20 : norm(step);
        using GradientDiagnosis rare = run.Diagnose(1000);
        Assert.Equal(15, rare.Spikes.Count);
        Assert.Empty(rare.Verdicts);
    }

    [Fact]
    public void RateTooHigh_WeightsThatSoonOutgrowTheirBeginning_AreNamed()
    {
        var run = new SyntheticRun { WeightRms = (step, tensor) => 0.02 * (1 + step / 10.0) };
        Verdict verdict = Only(run, 300);
        Assert.Equal((VerdictKind.LearningRateTooHigh, 1L), (verdict.Kind, verdict.Since));
        Assert.Contains("5.09 times their first norm", verdict.Summary, StringComparison.Ordinal);
        // As far, but in the course of training.
        run.WeightRms = (step, tensor) => 0.02 * (1 + step / 30.0);
        AssertNothing(run, 300);
    }

    [Fact]
    public void RateTooHigh_OfWeightsThatBeganFarTooSmall_IsTheInitialisationsFault()
    {
        var run = new SyntheticRun { WeightRms = (step, tensor) => 1e-4 * step, UpdateRatio = (step, tensor) => step < 50 ? 0.3 : 3e-3 };
        Assert.Equal(VerdictKind.BadInitialization, Only(run, 300).Kind);
    }

    [Fact]
    public void RateTooHigh_NormIsComparedWithThatAtTheBestLoss()
    {
        var run = new SyntheticRun { MaxNorm = double.PositiveInfinity };
        Func<long, double> loss = run.Loss;
        // The norm falls with the loss to a tenth, and then rises to half of what it began with.
        run.Norm = step => step < 500 ? Math.Max(0.1, 1 - step / 400.0) : 0.5;
        run.Loss = step => loss(step) * (step < 500 ? 1 : 1.5);
        using GradientDiagnosis diagnosis = run.Diagnose(560);
        Assert.Contains(diagnosis.Verdicts, verdict => verdict.Kind == VerdictKind.LearningRateTooHigh);
    }

    [Fact]
    public void ClippingNever_OfNormsThatAreZero_IsNoFinding()
    {
        using GradientDiagnosis diagnosis = new SyntheticRun { Norm = step => 0 }.Diagnose(1500);
        Assert.DoesNotContain(diagnosis.Verdicts, verdict => verdict.Kind == VerdictKind.ClippingNever);
    }

    [Fact]
    public void RateTooHigh_OverwrittenWeightsAndNoProgress_AreNamed()
    {
        var run = new SyntheticRun { WeightRms = (step, tensor) => 0.02 * Math.Clamp(1 + (step - 100) / 10.0, 1, 20) };
        AssertNothing(run, 1500);
        run.Loss = step => 3.2 + 0.02 * SyntheticRun.Wave(step);
        Verdict verdict = Only(run, 1500);
        Assert.Equal(VerdictKind.LearningRateTooHigh, verdict.Kind);
        Assert.Contains("20 times their first norm", verdict.Summary, StringComparison.Ordinal);
    }

    [Fact]
    public void RateTooLow_SmallUpdatesAndALossThatHardlyFalls_IsNamed()
    {
        var run = new SyntheticRun { Loss = step => 4.6 - step / 1000.0, UpdateRatio = (step, tensor) => 5e-4 };
        Verdict verdict = Only(run, 400);
        Assert.Equal((VerdictKind.LearningRateTooLow, 1L), (verdict.Kind, verdict.Since));
        Assert.Contains("0.05 %", verdict.Summary, StringComparison.Ordinal);
        Assert.Contains("--lr 0.01", verdict.Remedy, StringComparison.Ordinal);
        // Controls: larger updates, warmup, a model that was trained before.
        run.UpdateRatio = (step, tensor) => 5e-3;
        AssertNothing(run, 400);
        run.UpdateRatio = (step, tensor) => 5e-4;
        run.Rate = step => 1e-6 * step;
        AssertNothing(run, 400);
        run.Rate = step => 1e-3;
        run.Loss = step => 2.6 - step / 3000.0;
        AssertNothing(run, 400);
    }

    [Fact]
    public void RateTooLow_VanishingUpdatesAtTheFullRate_IsNamed()
    {
        var run = new SyntheticRun { Loss = step => 2 + 0.01 * SyntheticRun.Wave(step), UpdateRatio = (step, tensor) => 1e-6 };
        Assert.Equal(VerdictKind.LearningRateTooLow, Only(run, 1000).Kind);
        run.Rate = step => step < 100 ? 1e-3 : 1e-5;
        AssertNothing(run, 1000);
    }

    [Fact]
    public void ClippingAlways_NormsFarAbove_IsNamedAndJustAboveIsNot()
    {
        var run = new SyntheticRun { Norm = step => 20 + SyntheticRun.Wave(step) };
        Verdict verdict = Only(run, 1000);
        Assert.Equal((VerdictKind.ClippingAlways, 101L, 304L), (verdict.Kind, verdict.Since, verdict.Step));
        Assert.Contains("the largest allowed 1", verdict.Summary, StringComparison.Ordinal);
        run.Norm = step => 4 + 0.1 * SyntheticRun.Wave(step);
        AssertNothing(run, 1000);
        // Two spikes in five steps are many, but not most.
        run.Norm = step => step % 5 < 2 ? 50 : 0.5;
        using GradientDiagnosis diagnosis = run.Diagnose(1000);
        // What they are is the learning rate's fault.
        Assert.NotEmpty(diagnosis.Verdicts);
        Assert.All(diagnosis.Verdicts, other => Assert.Equal(VerdictKind.LearningRateTooHigh, other.Kind));
    }

    [Fact]
    public void ClippingNever_MaximumFarAboveEveryNorm_IsNamed()
    {
        Verdict verdict = Only(new SyntheticRun { MaxNorm = 100 }, 3000);
        Assert.Equal((VerdictKind.ClippingNever, 1L, 1000L), (verdict.Kind, verdict.Since, verdict.Step));
        AssertNothing(new SyntheticRun { MaxNorm = 100 }, 999);
        AssertNothing(new SyntheticRun { MaxNorm = 5 }, 3000);
        AssertNothing(new SyntheticRun { MaxNorm = double.PositiveInfinity }, 3000);
    }

    [Fact]
    public void BadInitialization_FirstLossOrWeights_IsNamedInTheFirstStep()
    {
        var run = new SyntheticRun();
        Func<long, double> healthy = run.Loss;
        run.Loss = step => step == 1 ? 20 : healthy(step);
        Assert.Equal((VerdictKind.BadInitialization, 1L), Pair(Only(run, 300)));
        run.Loss = healthy;
        run.WeightRms = (step, tensor) => 1e-4;
        Assert.Equal((VerdictKind.BadInitialization, 1L), Pair(Only(run, 300)));
        run.WeightRms = (step, tensor) => 2;
        Assert.Equal((VerdictKind.BadInitialization, 1L), Pair(Only(run, 300)));
        // Norm weights begin at 1 and biases at 0, and are small.
        run.WeightRms = (step, tensor) => tensor.Length < 100 ? 1 : 0.02;
        AssertNothing(run, 300);
    }

    internal static Verdict Only(SyntheticRun run, long steps)
    {
        using GradientDiagnosis diagnosis = run.Diagnose(steps);
        Verdict verdict = Assert.Single(diagnosis.Verdicts);
        AssertSentence(verdict.Summary);
        AssertSentence(verdict.Remedy);
        return verdict;
    }

    private static (VerdictKind Kind, long Step) Pair(Verdict verdict) => (verdict.Kind, verdict.Step);

    private static void AssertNothing(SyntheticRun run, long steps)
    {
        using GradientDiagnosis diagnosis = run.Diagnose(steps);
        Assert.Empty(diagnosis.Verdicts.Select(verdict => verdict.Summary));
    }

    private static void AssertSentence(string text)
    {
        Assert.True(char.IsUpper(text[0]) && text.EndsWith('.') && !text.Contains("..", StringComparison.Ordinal), text);
        Assert.DoesNotContain("NaN %", text, StringComparison.Ordinal);
    }
}
