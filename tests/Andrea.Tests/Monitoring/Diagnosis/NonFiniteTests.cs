using Andrea.Monitoring;
using Andrea.Monitoring.Diagnosis;

namespace Andrea.Tests.Monitoring.Diagnosis;

public class NonFiniteTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(10)]
    public void NonFinite_FromABlockDown_NamesTheBoundary(int recordEvery)
    {
        // In blocks 0 to 2, c_fc of block 3 and c_attn of block 3: the way back from the loss fails in block 3 between c_proj and c_fc.
        var run = new SyntheticRun
        {
            RecordEvery = recordEvery,
            FirstBad = (step, tensor) => step == 200 && (tensor.Depth < 3 || tensor.Name is "h.3.mlp.c_fc.weight" or "h.3.attn.c_attn.weight" or "wte")
                ? tensor.Name == "h.3.mlp.c_fc.weight" ? 77 : 5 : -1,
        };
        Verdict verdict = PlantedFaultTests.Only(run, 400);
        Assert.Equal((VerdictKind.NonFinite, 200L, 200L), (verdict.Kind, verdict.Step, verdict.Since));
        Assert.Contains("the first in memory wte[5]", verdict.Summary, StringComparison.Ordinal);
        Assert.Contains("h.3.mlp.c_proj.weight is the last finite one and h.3.mlp.c_fc.weight[77] the first that is not", verdict.Summary, StringComparison.Ordinal);
        Assert.Equal(12, verdict.Tensors.Count);
    }

    [Fact]
    public void NonFinite_LossAndEverything_SaysThatTheForwardPassFailed()
    {
        var run = new SyntheticRun { FirstBad = (step, tensor) => step >= 200 ? 0 : -1 };
        Func<long, double> healthy = run.Loss;
        run.Loss = step => step >= 200 ? double.NaN : healthy(step);
        Verdict verdict = PlantedFaultTests.Only(run, 300);
        Assert.Contains("the loss is NaN", verdict.Summary, StringComparison.Ordinal);
        Assert.Contains("the forward pass has failed", verdict.Summary, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void NonFinite_LossAlone_IsNamed(double value)
    {
        var run = new SyntheticRun { RecordEvery = 0 };
        Func<long, double> healthy = run.Loss;
        run.Loss = step => step == 200 ? value : healthy(step);
        Verdict verdict = PlantedFaultTests.Only(run, 300);
        Assert.Equal(200, verdict.Step);
        Assert.Contains("while all gradients are finite", verdict.Summary, StringComparison.Ordinal);
    }

    [Fact]
    public void NonFinite_MonitoredEveryStep_IsToldWithItsGradients()
    {
        var found = new List<Verdict>();
        using var diagnosis = new GradientDiagnosis();
        diagnosis.Found += found.Add;
        var run = new SyntheticRun { FirstBad = (step, tensor) => step == 3 ? 1 : -1 };
        for (long step = 1; step <= 2; step++)
            run.Tell(diagnosis, step);
        diagnosis.OnStep(run.Step(3));
        Assert.Empty(found);
        diagnosis.OnGradients(run.Gradients(3));
        Assert.Equal(3, Assert.Single(found).Step);
    }

    [Fact]
    public void NonFinite_InAStepThatIsNotMonitored_IsToldAtOnce()
    {
        var found = new List<Verdict>();
        using var diagnosis = new GradientDiagnosis();
        diagnosis.Found += found.Add;
        var run = new SyntheticRun { RecordEvery = 10, FirstBad = (step, tensor) => step == 25 ? 1 : -1 };
        for (long step = 1; step <= 24; step++)
            run.Tell(diagnosis, step);
        diagnosis.OnStep(run.Step(25));
        Assert.Equal(25, Assert.Single(found).Step);
    }

    [Theory]
    [InlineData("step")]
    [InlineData("checkpoint")]
    [InlineData("dispose")]
    public void NonFinite_AwaitedGradientsDoNotCome_IsToldWithWhatComesNext(string next)
    {
        var found = new List<Verdict>();
        var diagnosis = new GradientDiagnosis();
        diagnosis.Found += found.Add;
        var run = new SyntheticRun { FirstBad = (step, tensor) => step == 1 ? 1 : -1 };
        diagnosis.OnStep(run.Step(1));
        if (next == "step")
            diagnosis.OnStep(run.Step(2));
        else if (next == "checkpoint")
            diagnosis.OnCheckpoint(new CheckpointRecord(1, "x"));
        diagnosis.Dispose();
        diagnosis.Dispose();
        Assert.Equal((1L, VerdictKind.NonFinite), (Assert.Single(found).Step, found[0].Kind));
    }

    [Fact]
    public void NonFinite_AgainAfterAHundredGoodSteps_IsToldAgain()
    {
        var run = new SyntheticRun { FirstBad = (step, tensor) => step is 200 or 202 or 250 or 400 ? 1 : -1 };
        using GradientDiagnosis diagnosis = run.Diagnose(500);
        Assert.Equal([200, 400], diagnosis.Verdicts.Select(verdict => verdict.Step));
    }

    [Fact]
    public void NonFinite_Steps_LeaveNoTraceInOtherRules()
    {
        // Half of all steps are skipped; what remains is healthy.
        using GradientDiagnosis diagnosis = new SyntheticRun { FirstBad = (step, tensor) => step % 2 == 0 ? 1 : -1 }.Diagnose(2000);
        Assert.Equal(VerdictKind.NonFinite, Assert.Single(diagnosis.Verdicts).Kind);
    }

    [Fact]
    public void NonFinite_InAStepThatIsDueByItself_NamesTheBoundary()
    {
        // Every third step and every seventh: the gaps say nothing about step 7.
        var monitor = new GradientMonitorOptions { Every = 3, UpdatesEvery = 7, FirstUpdates = 0 };
        var diagnosis = new GradientDiagnosis { Monitor = monitor };
        var run = new SyntheticRun { FirstBad = (step, tensor) => step == 7 && tensor.Depth < 2 ? 1 : -1 };
        foreach (long step in (long[])[1, 2, 3, 4, 5, 6, 7])
        {
            diagnosis.OnStep(run.Step(step));
            if (monitor.Records(step))
                diagnosis.OnGradients(run.Gradients(step));
        }
        Assert.Contains("h.1.mlp.c_proj.weight[1] the first that is not", Assert.Single(diagnosis.Verdicts).Summary, StringComparison.Ordinal);
    }

    [Fact]
    public void NonFinite_InTheLastOfTheMonitoredWithAFiniteLoss_BlamesNoForwardPass()
    {
        var run = new SyntheticRun { FirstBad = (step, tensor) => step == 200 && tensor.Name == "ln_f.weight" ? 1 : -1 };
        string summary = PlantedFaultTests.Only(run, 300).Summary;
        Assert.Contains("from ln_f.weight[1] on, the first of those monitored", summary, StringComparison.Ordinal);
        Assert.DoesNotContain("forward", summary, StringComparison.Ordinal);
    }
}
