using System.Text.Json;
using Andrea.Monitoring;
using Andrea.Monitoring.Diagnosis;
using Andrea.Tests.Support;
using Andrea.Training;

namespace Andrea.Tests.Training;

/// <summary>The coherence gate: when it halts, what it leaves, and that a resumed run goes on counting.</summary>
public sealed class TrainerCoherenceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    // Twelve steps in, the model writes nonsense, far from full marks: so a threshold of 100 halts at the third look, and one of 0 never.
    private TrainerOptions Options => SmallRun.Options with
    {
        RunFolder = _folder["run"],
        Steps = 20,
        Coherence = new CoherenceGateOptions { Every = 2, Tokens = 40, Threshold = 100, InARow = 3 },
    };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Run_LowInARow_HaltsAndKeepsTheCheckpoint()
    {
        using Device device = Device.Cpu(1);
        using Trainer trainer = SmallRun.Create(device, Options);
        var log = new CoherenceLog();
        trainer.Observe(log);
        TrainingSummary summary = await trainer.RunAsync();
        Assert.Equal((StopReason.Incoherent, 6), (summary.Reason, summary.Step));
        Assert.Equal([(2, 1), (4, 2), (6, 3)], log.Records.Select(record => ((int)record.Step, record.LowInARow)));
        Assert.All(log.Records, record => Assert.Equal(40, record.Text.Length));
        Assert.Equal(6, SmallRun.StoreOf(_folder["run"]).Latest()!.State!.Step);
    }

    [Fact]
    public async Task Run_NeverLow_Completes()
    {
        using Device device = Device.Cpu(1);
        using Trainer trainer = SmallRun.Create(device, Options with { Coherence = Options.Coherence! with { Threshold = 0 } });
        TrainingSummary summary = await trainer.RunAsync();
        Assert.Equal((StopReason.Completed, 20), (summary.Reason, summary.Step));
    }

    [Theory]
    [InlineData(3, 6)] // one low look before the stop
    [InlineData(4, 6)] // two, the second in the step of the checkpoint
    public async Task Resume_BetweenLooks_GoesOnCounting(int stop, int halt)
    {
        using Device device = Device.Cpu(1);
        using (Trainer first = SmallRun.Create(device, Options))
        {
            using var stopping = new CancellationTokenSource();
            first.OnStep(record =>
            {
                if (record.Step == stop)
                    stopping.Cancel();
            });
            Assert.Equal(StopReason.Cancelled, (await first.RunAsync(stopping.Token)).Reason);
        }
        using Trainer resumed = SmallRun.Resume(device, _folder["run"]);
        TrainingSummary summary = await resumed.RunAsync();
        Assert.Equal((StopReason.Incoherent, halt), (summary.Reason, summary.Step));
    }

    [Fact]
    public async Task Resume_BetweenLooks_KnowsWhatTheModelWroteBefore()
    {
        using Device device = Device.Cpu(1);
        TrainerOptions options = Options with
        {
            Steps = 12,
            Coherence = new CoherenceGateOptions { Every = 2, Tokens = 300, Threshold = 0 },
            Diagnosis = new GradientDiagnosisOptions { RepetitionWindow = 1, RepetitionHistory = 4 },
        };
        using (Trainer straight = SmallRun.Create(device, options with { RunFolder = _folder["straight"] }))
            await straight.RunAsync();
        using (Trainer first = SmallRun.Create(device, options))
            await RunUntil(first, 2);
        using (Trainer second = SmallRun.Resume(device, _folder["run"]))
            await RunUntil(second, 10);
        using Trainer poisoned = Trainer.Resume(device, _folder["run"], _ => SmallRun.Data, change => change with { RunFolder = null });
        using (Trainer third = SmallRun.Resume(device, _folder["run"]))
            await third.RunAsync();
        Assert.Equal(RepetitionIn("straight"), RepetitionIn("run"));
        // What writes nothing counts as repeating itself: a rise, if it is known that there was less before.
        poisoned.Poison();
        await poisoned.RunAsync();
        Assert.Equal(12, Assert.Single(poisoned.Verdicts, verdict => verdict.Kind == VerdictKind.RepetitionRising).Step);

        static async Task RunUntil(Trainer trainer, int stop)
        {
            using var stopping = new CancellationTokenSource();
            trainer.OnStep(record =>
            {
                if (record.Step == stop)
                    stopping.Cancel();
            });
            await trainer.RunAsync(stopping.Token);
        }

        string RepetitionIn(string run) => JsonSerializer.Serialize(SmallRun.StoreOf(_folder[run]).Latest()!.State!.Repetition!);
    }

    [Fact]
    public async Task Run_ModelIsNotFinite_ScoresZeroInsteadOfFailing()
    {
        using Device device = Device.Cpu(1);
        using Trainer trainer = SmallRun.Create(device, Options with { RunFolder = null, Coherence = Options.Coherence! with { Threshold = 30 } });
        var log = new CoherenceLog();
        trainer.Observe(log);
        trainer.Poison();
        TrainingSummary summary = await trainer.RunAsync();
        Assert.Equal((StopReason.Incoherent, 6), (summary.Reason, summary.Step));
        Assert.All(log.Records, record => Assert.Equal(("", 0.0), (record.Text, record.Score.Total)));
    }

    [Fact]
    public async Task Run_WithTheGate_TrainsToTheSameBits()
    {
        using Device device = Device.Cpu(1);
        using Trainer gated = SmallRun.Create(device, Options with { RunFolder = null, Coherence = Options.Coherence! with { Threshold = 0 } });
        using Trainer plain = SmallRun.Create(device, Options with { RunFolder = null, Coherence = null });
        await gated.RunAsync();
        await plain.RunAsync();
        Assert.Equal(plain.Bits(), gated.Bits());
    }

    [Fact]
    public void Options_OutOfRange_AreRefusedByName()
    {
        foreach ((CoherenceGateOptions options, string word) in ((CoherenceGateOptions, string)[])
            [(new() { Every = 0 }, "Every"), (new() { Tokens = 0 }, "Tokens"), (new() { InARow = 0 }, "InARow"), (new() { Threshold = 101 }, "Threshold")])
            Assert.Contains(word, Assert.Throws<ArgumentOutOfRangeException>(options.Validate).Message, StringComparison.Ordinal);
    }

    private sealed class CoherenceLog : IStepObserver
    {
        public List<CoherenceRecord> Records { get; } = [];

        public void OnCoherence(CoherenceRecord record) => Records.Add(record);
    }
}
