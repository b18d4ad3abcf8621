using Andrea.Monitoring;
using Andrea.Monitoring.Diagnosis;
using Andrea.Tests.Support;

namespace Andrea.Tests.Monitoring.Diagnosis;

/// <summary>The same small transformer at four learning rates and with bad first weights, really trained on the built-in corpus.</summary>
public class ClassicExperimentTests
{
    [Fact]
    public void Rate10_WithDecayAndPropagation_NaNIsNamedAtItsFirstStep()
    {
        DiagnosisRun run = DiagnosisRun.Classic[1];
        long firstBad = 0;
        using GradientDiagnosis diagnosis = run.CreateDiagnosis();
        using MeasuredTraining training = run.Begin();
        var found = new List<long>();
        while (firstBad == 0)
        {
            StepRecord record = training.TrainStep();
            firstBad = double.IsFinite(record.Loss) && double.IsFinite(record.Clip.NormBefore) ? 0 : record.Step;
            Assert.DoesNotContain(diagnosis.Verdicts, verdict => verdict.Kind == VerdictKind.NonFinite);
            diagnosis.OnStep(record);
            diagnosis.OnGradients(training.Gradients);
            Assert.True(record.Step < 200, "the run does not diverge");
        }
        // Before the next step is made.
        Verdict named = Assert.Single(diagnosis.Verdicts, verdict => verdict.Kind == VerdictKind.NonFinite);
        Assert.Equal((firstBad, firstBad), (named.Step, named.Since));
        Assert.Contains("the loss is NaN", named.Summary, StringComparison.Ordinal);
        Assert.NotEmpty(named.Tensors);
        Assert.Contains(diagnosis.Verdicts, verdict => verdict.Kind == VerdictKind.LearningRateTooHigh && verdict.Step < firstBad);
    }

    [Theory]
    [InlineData(10, VerdictKind.LearningRateTooHigh, 60)]
    [InlineData(0.1, VerdictKind.LearningRateTooHigh, 60)]
    [InlineData(0.00005, VerdictKind.LearningRateTooLow, 320)]
    public void Rate_Wrong_IsNamed(double rate, VerdictKind expected, long within)
    {
        DiagnosisRun run = DiagnosisRun.AtRate(rate);
        using GradientDiagnosis diagnosis = Shortened(run, within).Diagnose();
        Assert.Equal(expected, diagnosis.Verdicts[0].Kind);
        Assert.DoesNotContain(diagnosis.Verdicts, verdict => verdict.Kind == VerdictKind.NonFinite);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Rate0001_IsHealthy(bool clips)
    {
        DiagnosisRun run = DiagnosisRun.AtRate(0.001);
        if (!clips)
            run = run with { Options = run.Options with { Clip = DiagnosisRun.NoClip } };
        using GradientDiagnosis diagnosis = run.Diagnose();
        Assert.Empty(diagnosis.Verdicts);
        Assert.Empty(diagnosis.Spikes);
    }

    [Theory]
    [InlineData(50)]
    [InlineData(0.005)]
    [InlineData(0)]
    public void FirstWeights_FarTooLargeOrSmall_AreNamedInTheFirstStep(double scale)
    {
        using GradientDiagnosis diagnosis = Shortened(DiagnosisRun.AtRate(0.001) with { WeightScale = scale }, 30).Diagnose();
        Assert.Equal((VerdictKind.BadInitialization, 1L), (diagnosis.Verdicts[0].Kind, diagnosis.Verdicts[0].Step));
        Assert.Equal(scale == 0, diagnosis.Verdicts.Any(verdict => verdict.Kind == VerdictKind.DeadTensor));
    }

    [Fact]
    public void NormWeights_ThatGrowWithDepth_MakeGradientsVanish()
    {
        DiagnosisRun run = Shortened(DiagnosisRun.AtRate(0.001), 30);
        using GradientDiagnosis ill = (run with { Spoil = model => ScaleNorms(model, block => Math.Pow(10, block - 3)) }).Diagnose();
        Assert.Equal(VerdictKind.VanishingGradients, Assert.Single(ill.Verdicts).Kind);
        using GradientDiagnosis mirrored = (run with { Spoil = model => ScaleNorms(model, block => Math.Pow(10, -block)) }).Diagnose();
        Assert.Equal(VerdictKind.ExplodingGradients, Assert.Single(mirrored.Verdicts).Kind);
        using GradientDiagnosis control = (run with { Spoil = model => ScaleNorms(model, block => 1) }).Diagnose();
        Assert.Empty(control.Verdicts);
    }

    [Fact]
    public void SkippedSteps_FromAPoisonedParameter_AreNamedOnce()
    {
        DiagnosisRun run = Shortened(DiagnosisRun.AtRate(0.001), 40);
        using GradientDiagnosis diagnosis = run.CreateDiagnosis();
        using MeasuredTraining training = run.Begin();
        training.Run(diagnosis, step =>
        {
            if (step == 21)
                training.Model.Parameters["h.2.ln_1.weight"].CopyFrom([float.NaN], start: 3);
            return true;
        });
        Verdict verdict = Assert.Single(diagnosis.Verdicts);
        Assert.Equal((VerdictKind.NonFinite, 21L), (verdict.Kind, verdict.Step));
    }

    private static DiagnosisRun Shortened(DiagnosisRun run, long steps) => run with { Options = run.Options with { Steps = steps } };

    private static void ScaleNorms(Andrea.Gpt.GptModel model, Func<int, double> scale)
    {
        for (int block = 0; block < model.Config.LayerCount; block++)
            foreach (string norm in new[] { "ln_1", "ln_2" })
                model.Parameters[$"h.{block}.{norm}.weight"].CopyFrom([.. Enumerable.Repeat((float)scale(block), model.Config.ChannelCount)]);
    }
}
