using System.Text.Json;
using Andrea.Monitoring;
using Andrea.Monitoring.Diagnosis;
using Andrea.Tests.Support;

namespace Andrea.Tests.Monitoring.Diagnosis;

/// <summary>The early warning against the coherence gate, on samples of real runs; Recorded/README.md says how they were made.</summary>
public class RepetitionRisingTests
{
    /// <summary>Runs that collapse, where the gate halts, and the step of the warning.</summary>
    public static TheoryData<string, int, int> Collapses { get; } = new()
    {
        { "self-fed-1", 820, 680 },
        { "self-fed-2", 820, 680 },
    };

    [Theory, MemberData(nameof(Collapses))]
    public void Collapse_IsToldBeforeTheGateHalts(string name, int halt, int warning)
    {
        (long halted, Verdict[] verdicts) = Watch(name);
        Assert.Equal(halt, halted);
        Verdict verdict = Assert.Single(verdicts);
        Assert.Equal((VerdictKind.RepetitionRising, warning), (verdict.Kind, verdict.Step));
        Assert.InRange(verdict.Since, warning - 60, warning);
        Assert.Contains("coherence score", verdict.Summary, StringComparison.Ordinal);
    }

    [Theory, InlineData(500), InlineData(560), InlineData(600), InlineData(660), InlineData(680), InlineData(740)]
    public void Collapse_RunIsResumedOnTheWay_IsToldAtTheSameStepAndOnce(int stop)
    {
        var trend = new RepetitionTrend(new GradientDiagnosisOptions());
        using GradientDiagnosis before = new(), after = new();
        foreach (CoherenceRecord record in Read("self-fed-1").Where(record => record.Step <= 820))
        {
            if (record.Step <= stop)
                trend.Begins(record.Step, record.Score.Repetition);
            (record.Step <= stop ? before : after).OnCoherence(record);
            if (record.Step == stop)
                after.Restore(trend.Save());
        }
        Verdict verdict = Assert.Single([.. before.Verdicts, .. after.Verdicts]);
        Assert.Equal((680, 640), (verdict.Step, verdict.Since));
    }

    [Fact]
    public void SlowRise_RunIsResumedAgainAndAgain_IsToldAtTheSameStep()
    {
        // What was best long ago is in no window any more.
        RepetitionTrend straight = new(new GradientDiagnosisOptions()), resumed = new(new GradientDiagnosisOptions());
        int told = 0;
        for (int i = 0; i < 400; i++)
        {
            bool begins = straight.Begins(i + 1, 0.001 * i);
            Assert.Equal(begins, resumed.Begins(i + 1, 0.001 * i));
            told += begins ? 1 : 0;
            if (i % 7 != 0)
                continue;
            RepetitionState state = resumed.Save();
            resumed = new RepetitionTrend(new GradientDiagnosisOptions());
            resumed.Restore(state);
        }
        Assert.Equal(1, told);
    }

    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public void Rise_RunIsResumedWhileItEnds_EndsAtTheSameSample(int away)
    {
        // A rise at 41 that ends with the fourth sample without it, so that the next one is told, too.
        var options = new GradientDiagnosisOptions { RepetitionWindow = 1, EndAfter = 4 };
        var trend = new RepetitionTrend(options);
        var told = new List<long>();
        for (int i = 1; i <= 46; i++)
        {
            if (trend.Begins(i, i is 41 or 46 ? 0.9 : 0.1))
                told.Add(i);
            if (i != 41 + away)
                continue;
            RepetitionState state = trend.Save();
            Assert.Equal((true, away), (state.Rising, state.Away));
            trend = new RepetitionTrend(options);
            trend.Restore(state);
        }
        Assert.Equal([41, 46], told);
    }

    [Fact]
    public void Restore_WindowsMadeSmaller_KeepsTheLatest()
    {
        RepetitionTrend large = new(new() { RepetitionWindow = 3, RepetitionHistory = 6 }), small = new(new() { RepetitionWindow = 2, RepetitionHistory = 2 });
        for (int i = 1; i <= 12; i++)
            large.Begins(i, 0.01 * i);
        small.Restore(large.Save());
        RepetitionState state = small.Save();
        Assert.Equal([11, 12], state.Steps);
        Assert.Equal([0.11, 0.12], state.Recent);
        Assert.Equal([0.09, 0.10], state.History);
    }

    [Theory, InlineData("takeover-1"), InlineData("takeover-2")]
    public void LoopThatOnlySomeSamplesFallInto_IsToldWhereTheGateSeesNothing(string name)
    {
        (long halted, Verdict[] verdicts) = Watch(name);
        Assert.True(halted < 0 || halted > verdicts[0].Step);
        Assert.Equal(VerdictKind.RepetitionRising, verdicts[0].Kind);
    }

    [Theory, InlineData("healthy-mixed"), InlineData("healthy-notes"), InlineData("healthy-questions")]
    public void HealthyRun_RaisesNothingAndScoresFarAboveTheGate(string name)
    {
        (long halted, Verdict[] verdicts) = Watch(name);
        Assert.Equal(-1, halted);
        Assert.Empty(verdicts);
        // The lowest has a line of dashes in it.
        Assert.All(Read(name), record => Assert.True(record.Score.Total > 50, $"step {record.Step}: {record.Score}"));
        Assert.True(Read(name).Select(record => record.Score.Total).Order().ElementAt(25) > 90);
    }

    [Fact]
    public void SlowRise_OverManyTimesTheHistory_IsTold()
    {
        using var diagnosis = new GradientDiagnosis();
        for (int i = 0; i < 400; i++)
            diagnosis.OnCoherence(Record(i + 1, 0.001 * i));
        Verdict verdict = Assert.Single(diagnosis.Verdicts);
        Assert.InRange(verdict.Step, 150, 180);
    }

    [Fact]
    public void ScatterThatDoesNotRise_IsNotTold()
    {
        using var diagnosis = new GradientDiagnosis();
        for (int i = 0; i < 400; i++)
            diagnosis.OnCoherence(Record(i + 1, i % 3 * 0.1));
        Assert.Empty(diagnosis.Verdicts);
    }

    [Fact]
    public void Rise_WithinTheScatterSoFar_IsNotTold()
    {
        // Median 0.2 and a usual distance of 0.1 from it: 4 * 1.4826 * 0.1 = 0.593, so up to 0.793 all may be scatter; 0.15 alone is not enough.
        using var diagnosis = new GradientDiagnosis();
        for (int i = 0; i < 40; i++)
            diagnosis.OnCoherence(Record(i + 1, 0.2 + (i % 3 - 1) * 0.1));
        for (int i = 40; i < 44; i++)
            diagnosis.OnCoherence(Record(i + 1, 0.75));
        Assert.Empty(diagnosis.Verdicts);
        for (int i = 44; i < 47; i++)
            diagnosis.OnCoherence(Record(i + 1, 0.9));
        Assert.Single(diagnosis.Verdicts);
    }

    private static CoherenceRecord Record(long step, double repetition) =>
        new(step, new CoherenceScore(35 * (1 - repetition), 35 * (1 - repetition), 20, 10), 0, "");

    /// <summary>Where the gate with its defaults would have halted, -1 for nowhere, and what was found up to there.</summary>
    private static (long Halted, Verdict[] Verdicts) Watch(string name)
    {
        var gate = new CoherenceGate(new CoherenceGateOptions());
        using var diagnosis = new GradientDiagnosis();
        foreach (CoherenceRecord record in Read(name))
        {
            gate.Add(record.Score);
            diagnosis.OnCoherence(record);
            if (gate.Halts)
                return (record.Step, [.. diagnosis.Verdicts]);
        }
        return (-1, [.. diagnosis.Verdicts]);
    }

    private static IEnumerable<CoherenceRecord> Read(string name)
    {
        string path = Path.Combine(SourceTree.Root(), "tests", "Andrea.Tests", "Monitoring", "Recorded", name + ".jsonl");
        foreach (string line in File.ReadLines(path))
        {
            JsonElement record = JsonElement.Parse(line);
            string text = record.GetProperty("sample").GetString()!;
            yield return new CoherenceRecord(record.GetProperty("step").GetInt64(), CoherenceScore.Of(text), 0, text);
        }
    }
}
