using Andrea.Monitoring;
using Andrea.Monitoring.Diagnosis;
using Andrea.Tests.Cpu;

namespace Andrea.Tests.Monitoring.Diagnosis;

/// <summary>The diagnosis of runs over several sources, each of which has a usual of its own.</summary>
public class SourcesDiagnosisTests
{
    private const int Steps = 1600;

    // What is known by heart is forgotten in the other's visits, and learned again in some steps.
    private static readonly int[] Lengths = [7, 14, 21, 28, 42];
    private static readonly (string Source, int Place, int Away)[] Visits = [.. MakeVisits()];

    private static bool IsRep(long step) => Visits[step].Source == "rep";

    private static double Forgotten(long step) => IsRep(step) ? Math.Min(1, Visits[step].Away / 42.0) * Math.Exp(-Visits[step].Place / 2.0) : 0;

    [Fact]
    public void Visits_OfAHealthyCurriculum_RaiseNothing()
    {
        using GradientDiagnosis diagnosis = Diagnose(Create());
        Assert.Empty(diagnosis.Spikes);
        Assert.Empty(diagnosis.Verdicts);
    }

    [Fact]
    public void Spike_WithinAVisit_IsTold()
    {
        long prose = StepOf("prose", place: 14, after: 800), rep = StepOf("rep", place: 15, after: 900), arrival = StepOf("rep", place: 2, after: 1200);
        SyntheticRun run = Create();
        (Func<long, double> loss, Func<long, double> norm) = (run.Loss, run.Norm);
        // A loss of 1.2 is usual for prose.
        run.Loss = step => step == rep ? 1.2 : step == prose ? 4 : step == arrival ? double.NaN : loss(step);
        run.Norm = step => step == rep ? 0.8 : norm(step);
        using GradientDiagnosis diagnosis = Diagnose(run);
        Assert.Equal(
            [(prose, SpikeQuantity.Loss), (rep, SpikeQuantity.Loss), (rep, SpikeQuantity.Norm), (arrival, SpikeQuantity.Loss)],
            diagnosis.Spikes.Select(spike => (spike.Step, spike.Quantity)));
    }

    [Fact]
    public void Rise_OfLossAndNormInEverySource_IsTold()
    {
        SyntheticRun run = Create();
        (Func<long, double> loss, Func<long, double> norm) = (run.Loss, run.Norm);
        double Rise(long step) => Math.Exp(Math.Max(0, step - 1000) / 100.0);
        run.Loss = step => loss(step) * Rise(step);
        run.Norm = step => norm(step) * Rise(step);
        using GradientDiagnosis diagnosis = Diagnose(run);
        Assert.Contains(diagnosis.Verdicts, verdict => verdict.Kind == VerdictKind.LearningRateTooHigh && verdict.Step is > 1000 and < 1300);
    }

    [Fact]
    public void Sources_DrawnFromAllTheTime_HaveEachTheirOwnUsual()
    {
        // Every fourth step is one of a source that is known by heart: away for 3 steps, and often for longer.
        string Source(long step) => SyntheticRun.Wave(3 * step) > 0.4 ? "rep" : "prose";
        var run = new SyntheticRun
        {
            Source = Source,
            Loss = step => Source(step) == "rep" ? 0.03 + 0.003 * SyntheticRun.Wave(step) : 1.5 + 0.1 * SyntheticRun.Wave(step),
            Norm = step => Source(step) == "rep" ? 0.03 + 0.003 * SyntheticRun.Wave(step) : 0.6 + 0.05 * SyntheticRun.Wave(step),
            RecordEvery = 0,
        };
        Func<long, double> loss = run.Loss;
        long at = Enumerable.Range(800, 100).First(step => Source(step) == "rep");
        run.Loss = step => step == at ? 1.5 : loss(step);
        using GradientDiagnosis diagnosis = run.Diagnose(1200);
        Assert.Equal([at], diagnosis.Spikes.Select(spike => spike.Step));
    }

    [Fact]
    public void Step_OfAnySource_AllocatesNothing()
    {
        SyntheticRun run = Create();
        StepRecord[] records = [.. Enumerable.Range(1, Steps).Select(step => run.Step(step))];
        using var diagnosis = new GradientDiagnosis();
        diagnosis.OnPhase(new PhaseRecord(1, 7, "prose", []));
        int step = 0;
        for (; step < 200; step++)
            diagnosis.OnStep(records[step]);
        Allocations.AssertNone(() =>
        {
            for (int i = 0; i < 100; i++)
                diagnosis.OnStep(records[step++]);
        });
    }

    private static SyntheticRun Create() => new()
    {
        Source = step => Visits[step].Source,
        Loss = step => IsRep(step)
            ? 0.03 + 2 * Math.Exp(-step / 40.0) + 0.3 * Forgotten(step) + 0.002 * SyntheticRun.Wave(step)
            : 1.2 + 3.1 * Math.Exp(-step / 300.0) + 0.05 * SyntheticRun.Wave(step),
        Norm = step => IsRep(step) ? 0.05 + 0.6 * Forgotten(step) + 0.005 * SyntheticRun.Wave(step + 7) : 0.7 + 0.1 * SyntheticRun.Wave(step + 7),
        RecordEvery = 0,
    };

    private static GradientDiagnosis Diagnose(SyntheticRun run)
    {
        var diagnosis = new GradientDiagnosis { VocabularySize = SyntheticRun.Vocabulary, MaxNorm = run.MaxNorm };
        for (long step = 1; step <= Steps; step++)
        {
            if (Visits[step].Place == 0)
                diagnosis.OnPhase(new PhaseRecord(step, 7, Visits[step].Source, []));
            run.Tell(diagnosis, step);
        }
        return diagnosis;
    }

    private static long StepOf(string source, int place, int after) =>
        Enumerable.Range(after, Steps - after).First(step => Visits[step].Source == source && Visits[step].Place == place);

    private static IEnumerable<(string Source, int Place, int Away)> MakeVisits()
    {
        yield return ("prose", 0, 0);
        int away = 0;
        for (int visit = 0, made = 0; made <= Steps; visit++)
        {
            int steps = Lengths[visit * 7 % 31 % Lengths.Length];
            for (int place = 0; place < steps; place++, made++)
                yield return (visit % 2 == 0 ? "prose" : "rep", place, away);
            away = steps;
        }
    }
}
