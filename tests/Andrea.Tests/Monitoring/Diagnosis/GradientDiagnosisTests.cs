using Andrea.Monitoring;
using Andrea.Monitoring.Diagnosis;
using Andrea.Tests.Cpu;

namespace Andrea.Tests.Monitoring.Diagnosis;

public class GradientDiagnosisTests
{
    [Fact]
    public void Step_Healthy_AllocatesNothing()
    {
        using var diagnosis = new GradientDiagnosis { VocabularySize = SyntheticRun.Vocabulary, MaxNorm = 1 };
        var run = new SyntheticRun();
        StepRecord record = run.Step(1);
        GradientRecord gradients = run.Gradients(1);
        long step = 0;
        Allocations.AssertNone(() =>
        {
            for (int i = 0; i < 50; i++)
            {
                gradients.Step = ++step;
                diagnosis.OnStep(record with { Step = step });
                diagnosis.OnGradients(gradients);
            }
        });
        Assert.Empty(diagnosis.Verdicts);
    }

    [Fact]
    public void Facts_ThatCannotBe_AreRefusedByName()
    {
        Assert.Equal("MaxNorm", Assert.Throws<ArgumentOutOfRangeException>(() => new GradientDiagnosis { MaxNorm = double.NaN }).ParamName);
        Assert.Equal("MaxNorm", Assert.Throws<ArgumentOutOfRangeException>(() => new GradientDiagnosis { MaxNorm = -1 }).ParamName);
        Assert.Equal("VocabularySize", Assert.Throws<ArgumentOutOfRangeException>(() => new GradientDiagnosis { VocabularySize = 0 }).ParamName);
        using var unlimited = new GradientDiagnosis { MaxNorm = double.PositiveInfinity, VocabularySize = 1 };
        Assert.Equal((double.PositiveInfinity, 1), (unlimited.MaxNorm, unlimited.VocabularySize));
    }

    [Fact]
    public void Fault_ThatComesAndGoes_IsToldOnceUntilItHasEnded()
    {
        var run = new SyntheticRun();
        Func<long, MonitoredTensor, double> healthy = run.TensorNorm;
        // Away for 50 records within the fault, for 150 between the faults.
        run.TensorNorm = (step, tensor) => tensor.Name == "wte" && step is (>= 100 and < 150) or (>= 200 and < 250) or (>= 400 and < 450) && tensor.Name == "wte"
            ? 0 : healthy(step, tensor);
        using GradientDiagnosis diagnosis = run.Diagnose(600);
        Assert.Equal([119, 419], diagnosis.Verdicts.Select(verdict => verdict.Step));
        Assert.Equal([100, 400], diagnosis.Verdicts.Select(verdict => verdict.Since));
    }

    [Fact]
    public void Findings_AreToldInOrderAndKept()
    {
        var verdicts = new List<Verdict>();
        var spikes = new List<SpikeRecord>();
        using var diagnosis = new GradientDiagnosis();
        diagnosis.Found += verdicts.Add;
        diagnosis.Spiked += spikes.Add;
        var run = new SyntheticRun { FirstBad = (step, tensor) => step == 150 ? 1 : -1 };
        Func<long, double> healthy = run.Loss;
        run.Loss = step => step == 120 ? 9 : healthy(step);
        for (long step = 1; step <= 200; step++)
            run.Tell(diagnosis, step);
        Assert.Equal(verdicts, diagnosis.Verdicts);
        Assert.Equal(spikes, diagnosis.Spikes);
        Assert.Equal([(120, SpikeQuantity.Loss), (150, SpikeQuantity.Norm)], spikes.Select(spike => (spike.Step, spike.Quantity)));
        Assert.Equal(150, Assert.Single(verdicts).Step);
    }

    [Fact]
    public void Findings_Thousands_KeepTheLatestThousand()
    {
        var run = new SyntheticRun { RecordEvery = 0 };
        Func<long, double> healthy = run.Loss;
        run.Loss = step => step > 100 && step % 3 == 0 ? 50 : healthy(step);
        using GradientDiagnosis diagnosis = run.Diagnose(4000, new GradientDiagnosisOptions { SpikeWindow = 30 });
        Assert.Equal(1000, diagnosis.Spikes.Count);
        Assert.Equal(3999, diagnosis.Spikes[^1].Step);
    }

    [Fact]
    public void Records_OfAnotherMonitor_BeginAnew()
    {
        using var diagnosis = new GradientDiagnosis();
        var first = new SyntheticRun();
        for (long step = 1; step <= 100; step++)
            first.Tell(diagnosis, step);
        // A resumed run: equal tensors, another list.
        var second = new SyntheticRun { TensorNorm = (step, tensor) => tensor.Name == "wte" ? 0 : 0.1 };
        for (long step = 101; step <= 200; step++)
            second.Tell(diagnosis, step);
        Assert.Equal((VerdictKind.DeadTensor, 101L), (Assert.Single(diagnosis.Verdicts).Kind, diagnosis.Verdicts[0].Since));
    }

    [Fact]
    public void Groups_InsteadOfTensors_AreComparedOverDepth()
    {
        MonitoredTensor[] groups = [.. Enumerable.Range(0, 6).Select(block => new MonitoredTensor($"h.{block}", 1000, block))];
        var record = new GradientRecord(groups);
        using var diagnosis = new GradientDiagnosis();
        for (long step = 1; step <= 20; step++)
        {
            record.Step = step;
            for (int i = 0; i < groups.Length; i++)
                record.Places[i] = new SyntheticRun().Gradients(1).Readings[0] with { Norm = Math.Pow(10, i - 5) };
            diagnosis.OnGradients(record);
        }
        Verdict verdict = Assert.Single(diagnosis.Verdicts);
        Assert.Equal(VerdictKind.VanishingGradients, verdict.Kind);
        Assert.Contains("h.*", verdict.Summary, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_OutOfRange_AreNamed()
    {
        var wrong = Assert.Throws<ArgumentOutOfRangeException>(() => new GradientDiagnosis(new GradientDiagnosisOptions { Window = 0 }));
        Assert.StartsWith("Window is 0; expected 1", wrong.Message, StringComparison.Ordinal);
        wrong = Assert.Throws<ArgumentOutOfRangeException>(() => new SpikeDetector(SpikeQuantity.Loss, new GradientDiagnosisOptions { LossSpike = double.NaN }));
        Assert.StartsWith("LossSpike is NaN", wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_Infinite_SwitchARuleOff()
    {
        var run = new SyntheticRun { UpdateRatio = (step, tensor) => 0.2 };
        using GradientDiagnosis diagnosis = run.Diagnose(100, new GradientDiagnosisOptions { LargeUpdateRatio = double.PositiveInfinity });
        Assert.Empty(diagnosis.Verdicts);
    }
}
