using Andrea.Monitoring;
using Andrea.Monitoring.Diagnosis;

namespace Andrea.Tests.Monitoring.Diagnosis;

/// <summary>A second moment that decays while gradients grow, planted into a healthy run; and a curvature that says so.</summary>
public class StaleSecondMomentTests
{
    [Fact]
    public void StaleMoment_GradientsGrowMeanwhile_IsNamed()
    {
        using GradientDiagnosis diagnosis = Run(growing: true, stale: true, tensors: _ => true).Diagnose(300);
        Verdict verdict = Assert.Single(diagnosis.Verdicts, verdict => verdict.Kind == VerdictKind.StaleSecondMoment);
        Assert.InRange(verdict.Since, 110, 150);
        Assert.Contains("beta2 is 0.999", verdict.Summary, StringComparison.Ordinal);
        Assert.Contains("v changes by 0.999", verdict.Summary, StringComparison.Ordinal);
        Assert.Contains("Beta2", verdict.Remedy, StringComparison.Ordinal);
        Assert.Equal(SyntheticRun.Blocks * 3 + 2, verdict.Tensors.Count);
    }

    [Theory]
    [InlineData(false, true)] // v lags behind a gradient that has faded
    [InlineData(true, false)] // v follows a gradient that grows
    public void StaleMoment_ControlsWithoutOneCondition_RaiseNothing(bool growing, bool stale)
    {
        using GradientDiagnosis diagnosis = Run(growing, stale, tensors: _ => true).Diagnose(300);
        Assert.DoesNotContain(diagnosis.Verdicts, verdict => verdict.Kind == VerdictKind.StaleSecondMoment);
    }

    [Fact]
    public void StaleMoment_OfAFewParameters_IsNoFinding()
    {
        using GradientDiagnosis diagnosis = Run(growing: true, stale: true, tensors: tensor => tensor.Depth == 2).Diagnose(300);
        Assert.DoesNotContain(diagnosis.Verdicts, verdict => verdict.Kind == VerdictKind.StaleSecondMoment);
    }

    [Fact]
    public void Curvature_ThatAnnounces_IsAVerdict()
    {
        using var diagnosis = new GradientDiagnosis();
        diagnosis.OnCurvature(new CurvatureRecord(10, 1500, 2000, 0, Announces: false));
        diagnosis.OnCurvature(new CurvatureRecord(20, 2100, 2000, 1, Announces: false));
        diagnosis.OnCurvature(new CurvatureRecord(30, 2200, 2000, 2, Announces: false));
        Assert.Empty(diagnosis.Verdicts);
        diagnosis.OnCurvature(new CurvatureRecord(40, 2300, 2000, 3, Announces: true));
        Verdict verdict = Assert.Single(diagnosis.Verdicts);
        Assert.Equal((VerdictKind.InstabilityPredicted, 40L, 20L), (verdict.Kind, verdict.Step, verdict.Since));
        Assert.Contains("2300, above 2 / learning rate = 2000", verdict.Summary, StringComparison.Ordinal);
    }

    /// <summary>From step 100 on, for 100 steps.</summary>
    private static SyntheticRun Run(bool growing, bool stale, Func<MonitoredTensor, bool> tensors)
    {
        var run = new SyntheticRun();
        Func<long, MonitoredTensor, double> healthy = run.TensorNorm;
        run.TensorNorm = (step, tensor) =>
            healthy(step, tensor) * (growing && tensors(tensor) && step is > 100 and <= 200 ? Math.Exp((step - 100) / 30.0) : 1);
        run.SecondMomentRatio = (step, tensor) => stale && tensors(tensor) && step is > 100 and <= 200 ? 40 : 1;
        return run;
    }
}
