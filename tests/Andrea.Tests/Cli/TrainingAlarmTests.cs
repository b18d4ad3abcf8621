using Andrea.Cli.Rendering;
using Andrea.Clipping;
using Andrea.Monitoring;

namespace Andrea.Tests.Cli;

/// <summary>What the terminal makes of readings, spikes and verdicts.</summary>
public sealed class TrainingAlarmTests
{
    private static readonly MonitoredTensor[] Tensors = [new("wte", 10, null), new("h.0.mlp", 10, 0), new("h.1.mlp", 10, 1)];

    [Fact]
    public void WorstLayers_AreTheLargestShareAndTheLargestRatio()
    {
        WorstLayers worst = default(WorstLayers).After(Record(1, (3, 0.01), (4, 0.002), (0, 0.05)), norm: 5);
        Assert.Equal(("h.0.mlp", "h.1.mlp"), (worst.Largest, worst.Fastest));
        Assert.Equal(0.64, worst.LargestShare, precision: 12);
        Assert.Equal("h.0.mlp 64% of norm  h.1.mlp update/weight 5.00e-2", worst.Text());
        Assert.Equal("h.0.mlp 64% of norm", worst.Text(30));
        Assert.Equal("h.0", worst.Text(3));
    }

    [Fact]
    public void WorstLayers_KeepTheLastMeasuredRatio()
    {
        WorstLayers worst = default(WorstLayers).After(Record(1, (3, 0.01), (4, 0.002), (0, 0.05)), norm: 5)
            .After(Record(2, (4, double.NaN), (3, double.NaN), (0, double.NaN)), norm: 5);
        Assert.Equal("wte 64% of norm  h.1.mlp update/weight 5.00e-2", worst.Text());
    }

    [Fact]
    public void WorstLayers_NotFinite_ComesFirstAndIsRememberedForAWhile()
    {
        GradientRecord bad = Record(7, (3, 0.01), (double.NaN, 0.002), (double.PositiveInfinity, 0.05));
        bad.Places[1] = bad.Places[1] with { NonFiniteCount = 2, FirstNonFinite = 4 };
        bad.Places[2] = bad.Places[2] with { NonFiniteCount = 1, FirstNonFinite = 0 };
        WorstLayers worst = default(WorstLayers).After(bad, double.NaN);
        Assert.Equal("h.0.mlp[4] not finite at step 7  h.1.mlp update/weight 5.00e-2", worst.Text());
        worst = worst.After(Record(8, (3, 0.01), (4, 0.002), (0, 0)), norm: 5);
        Assert.StartsWith("h.0.mlp[4] not finite at step 7  h.0.mlp 64% of norm", worst.Text(), StringComparison.Ordinal);
        Assert.Null(worst.After(Record(200, (3, 0.01), (4, 0.002), (0, 0)), norm: 5).NotFinite);
    }

    [Fact]
    public void WorstLayers_OfZeroOrNoGradients_SaysNothing()
    {
        Assert.Equal("", default(WorstLayers).Text());
        Assert.Equal("", default(WorstLayers).After(Record(1, (0, double.NaN), (0, double.NaN), (0, double.NaN)), norm: 0).Text());
        Assert.Equal("", default(WorstLayers).After(new GradientRecord([]), norm: 1).Text());
    }

    [Fact]
    public void PlainLine_NamesTheWorstLayersOfTheStepBefore()
    {
        var output = new StringWriter();
        var clock = new FakeClock();
        var observer = new TrainingObserver(new PlainLines(output, clock, every: 1), new TrainingMeter(clock));
        observer.OnStep(Step(1, norm: 5));
        observer.OnGradients(Record(1, (3, 0.01), (4, 0.002), (0, 0.05)));
        observer.OnStep(Step(2, norm: 5));
        string[] lines = output.ToString().ReplaceLineEndings("\n").Split('\n');
        Assert.EndsWith("ETA ?", lines[0], StringComparison.Ordinal);
        Assert.EndsWith("  worst h.0.mlp 64% of norm  h.1.mlp update/weight 5.00e-2", lines[1], StringComparison.Ordinal);
        Assert.Equal(3, lines.Length);
    }

    [Fact]
    public void Verdict_IsOneLineWithNameEvidenceAndRemedy()
    {
        Assert.Equal(
            [
                "Dead tensor at step 200, since step 101: h.0.mlp has had no gradient for 100 steps. Choose another initialisation.",
                "NaN or Inf at step 7: Now. Do it.", "Learning rate too high at step 20: It rises since step 16. Lower it.", "",
            ],
            Told(observer =>
            {
                observer.OnVerdict(new Verdict
                {
                    Kind = VerdictKind.DeadTensor, Step = 200, Since = 101, Tensors = ["h.0.mlp"],
                    Summary = "h.0.mlp has had no gradient\r\nfor 100 steps.", Remedy = "Choose another initialisation.",
                });
                observer.OnVerdict(new Verdict { Kind = VerdictKind.NonFinite, Step = 7, Since = 7, Summary = "Now.", Remedy = "Do it." });
                observer.OnVerdict(new Verdict { Kind = VerdictKind.LearningRateTooHigh, Step = 20, Since = 16, Summary = "It rises since step 16.", Remedy = "Lower it." });
            }));
    }

    [Fact]
    public void Verdict_OfEveryKind_HasANameInWords()
    {
        foreach (VerdictKind kind in Enum.GetValues<VerdictKind>())
        {
            string line = Told(observer => observer.OnVerdict(new Verdict { Kind = kind, Step = 7, Since = 7, Summary = "Now.", Remedy = "Do it." }))[0];
            Assert.Contains(' ', line[..line.IndexOf(" at step 7: ", StringComparison.Ordinal)]);
        }
    }

    [Fact]
    public void BadSteps_AreToldOfMoreAndMoreSeldom_AndTheirEndOnce()
    {
        const string Bad = "3 gradients are not finite, the first in wte[5]";
        string[] lines = Told(observer =>
        {
            for (int step = 1; step <= 1200; step++)
            {
                // A long streak, a single step, and every second step for a while.
                bool isBad = step is (>= 2 and <= 1001) or 1030 || (step is >= 1060 and < 1160 && step % 2 == 0);
                StepRecord record = Step(step, norm: 5);
                observer.OnStep(isBad ? record with { Clip = record.Clip with { NonFiniteCount = 3, FirstBadTensor = "wte", FirstBadIndex = 5 } } : record);
            }
        });
        Assert.Equal(
            [
                $"step 2: {Bad}", $"step 11: {Bad}; so in 10 steps since step 2", $"step 101: {Bad}; so in 100 steps since step 2",
                $"step 1001: {Bad}; so in 1000 steps since step 2",
                "step 1002: gradients are finite again, after 1000 steps since step 2 in which they were not",
                $"step 1030: {Bad}", $"step 1060: {Bad}", $"step 1078: {Bad}; so in 10 steps since step 1060",
                "step 1159: gradients are finite again, after 50 steps since step 1060 in which they were not", "",
            ],
            lines.Where(line => !line.Contains("tok/s", StringComparison.Ordinal)));
    }

    [Fact]
    public void Spike_SaysWhatBecameOfItOrWhatWouldHoldIt()
    {
        var clipped = new SpikeRecord(1, SpikeQuantity.Norm, 50, 31.4, 0.5);
        string[] lines = Told(observer =>
        {
            observer.OnStep(Step(1, norm: 50, after: 1));
            observer.OnSpike(clipped);
            observer.OnStep(Step(2, norm: 50, after: 50));
            observer.OnSpike(clipped with { Step = 2 });
            observer.OnSpike(new SpikeRecord(2, SpikeQuantity.Loss, 9, 12, 2));
            observer.OnSpike(new SpikeRecord(2, SpikeQuantity.Loss, double.NaN, double.PositiveInfinity, 2));
            StepRecord skipped = Step(3, norm: double.NaN);
            observer.OnStep(skipped with { Clip = skipped.Clip with { SkipReason = SkipReason.NonFiniteGradients } });
            observer.OnSpike(new SpikeRecord(3, SpikeQuantity.Norm, double.NaN, double.PositiveInfinity, 0.5));
        });
        Assert.Equal(
            [
                "step 1: norm spikes to 50.0000, 31 deviations above the median 0.5000; clipped to 1.0000",
                "step 2: norm spikes to 50.0000, 31 deviations above the median 0.5000; a --max-norm between the two would clip it",
                "step 2: loss spikes to 9.0000, 12 deviations above the median 2.0000; if it does not come back down, lower --lr or --max-norm, or look at what the step read",
                "step 2: loss is NaN, where the median is 2.0000; --non-finite skip leaves such steps out, a lower --lr or longer --warmup may avoid them",
                "step 3: norm is NaN, where the median is 0.5000; the step was skipped", "",
            ],
            lines.Where(line => !line.Contains("tok/s", StringComparison.Ordinal)));
    }

    [Fact]
    public void Observer_FollowingTheRun_AllocatesNothingPerStep()
    {
        WorstLayers worst = default;
        var lines = new StatusLines();
        var meter = new TrainingMeter(new FakeClock());
        GradientRecord record = Record(1, (3, 0.01), (4, 0.002), (0, 0.05));
        Follow(100);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Follow(3 * Curve.Capacity);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Follow(int steps)
        {
            for (int step = 1; step <= steps; step++)
            {
                worst = worst.After(record, 5);
                lines.Add(meter.Add(Step(step, norm: 5)) with { Worst = worst });
            }
        }
    }

    private static string[] Told(Action<TrainingObserver> tell)
    {
        var output = new StringWriter();
        tell(new TrainingObserver(new PlainLines(output, new FakeClock()), new TrainingMeter(new FakeClock())));
        return output.ToString().ReplaceLineEndings("\n").Split('\n');
    }

    private static GradientRecord Record(long step, params (double Norm, double Ratio)[] tensors)
    {
        var record = new GradientRecord(Tensors) { Step = step, Coefficient = 1, HasUpdates = true };
        for (int i = 0; i < tensors.Length; i++)
            record.Places[i] = new TensorReading
            {
                Norm = tensors[i].Norm, NormAfter = tensors[i].Norm, MaxMagnitude = 1, NonFiniteCount = 0, FirstNonFinite = -1,
                WeightNorm = 10, UpdateNorm = 10 * tensors[i].Ratio, GradientRms = 1, SecondMomentRatio = 1,
            };
        return record;
    }

    private static StepRecord Step(long step, double norm, double? after = null) => new()
    {
        Step = step,
        TotalSteps = 200,
        Loss = 3,
        Clip = new ClipResult { Call = 4, NormBefore = norm, NormAfter = after ?? norm, Coefficient = 1, MaxMagnitude = 0.5, ClippedCalls = 1, SkippedCalls = 0 },
        LearningRate = 1e-3,
        Tokens = 768,
        Duration = TimeSpan.FromMilliseconds(20),
    };
}
