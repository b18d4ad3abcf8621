using System.Text.Json;
using Andrea.Optim;
using Andrea.Reporting;
using Andrea.Tests.Support;
using Andrea.Training;
using Andrea.Training.Checkpoints;

namespace Andrea.Tests.Training;

/// <summary>What a step reports is what it did, and what is due at a step happens at that step.</summary>
public class TrainerScheduleTests
{
    [Theory]
    [InlineData(ScheduleKind.Cosine)]
    [InlineData(ScheduleKind.Linear)]
    [InlineData(ScheduleKind.WarmupStableDecay)]
    public async Task Run_AnySchedule_ReportsAndUsesItsRates(ScheduleKind kind)
    {
        // Without memory of earlier gradients and without decay, AdamW moves what has a gradient by just the rate.
        TrainerOptions options = SmallRun.Options with
        {
            Schedule = kind,
            DecaySteps = 5,
            FinalLearningRate = 1e-3,
            Optimizer = new AdamWOptions { Beta1 = 0, Beta2 = 0, WeightDecay = 0 },
        };
        using Device device = Device.Cpu(2);
        using Trainer trainer = SmallRun.Create(device, options);
        var log = new RecordLog();
        var moves = new List<double>();
        float[] before = trainer.Model.Parameters.Flat.ToArray();
        trainer.Observe(log);
        trainer.OnStep(_ =>
        {
            float[] after = trainer.Model.Parameters.Flat.ToArray();
            moves.Add(before.Zip(after, (was, value) => Math.Abs((double)value - was)).Max());
            before = after;
        });
        await trainer.RunAsync();

        LearningRateSchedule schedule = options.CreateSchedule();
        double[] rates = [.. Enumerable.Range(0, 12).Select(step => schedule.At(step))];
        Assert.Equal(rates, log.Steps.Select(step => step.LearningRate));
        Assert.Equal(12, moves.Count);
        for (int step = 0; step < 12; step++)
            Assert.InRange(moves[step] / rates[step], 0.99, 1.01);
    }

    [Fact]
    public async Task Run_EveryStep_IsReportedInFull()
    {
        using Device device = Device.Cpu(1);
        using Trainer trainer = SmallRun.Create(device, SmallRun.Options with { MicroBatches = 3, ContextLength = 8 });
        var log = new RecordLog();
        trainer.Observe(log);
        TrainingSummary summary = await trainer.RunAsync();
        Assert.Equal(Enumerable.Range(1, 12), log.Steps.Select(step => (int)step.Step));
        Assert.Equal(log.Steps[^1].Loss, summary.TrainingLoss);
        Assert.All(log.Steps, step =>
        {
            Assert.Equal(12, step.TotalSteps);
            Assert.Equal(3 * 4 * 8, step.Tokens);
            Assert.True(step.Duration > TimeSpan.Zero);
            Assert.Equal(step.Tokens / step.Duration.TotalSeconds, step.TokensPerSecond);
            Assert.InRange(step.Loss, 0.1, 10);
            Assert.Equal(step.Step, step.Clip.Call);
            Assert.Equal(step.Clip.ClippedCalls / (double)step.Step, step.ClipRate);
        });
    }

    [Fact]
    public async Task Run_SampleEveryFive_WritesTextOfThatLength()
    {
        using Device device = Device.Cpu(1);
        using Trainer trainer = SmallRun.Create(device, SmallRun.Options with { SampleEvery = 5, SampleTokens = 23 });
        var log = new RecordLog();
        trainer.Observe(log);
        await trainer.RunAsync();
        Assert.Equal([5L, 10L], log.Samples.Select(sample => sample.Step));
        Assert.All(log.Samples, sample => Assert.Equal(23, sample.Text.Length));
        Assert.NotEqual(log.Samples[0].Text, log.Samples[1].Text);
    }

    [Theory]
    [InlineData(0, new long[] { 12 })]
    [InlineData(5, new long[] { 5, 10, 12 })]
    [InlineData(6, new long[] { 6, 12 })]
    public async Task Run_SampleAtEnd_ContinuesThePromptBehindTheLastCheckpoint(long every, long[] expected)
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(1);
        TrainerOptions options = SmallRun.Options with { SampleEvery = every, SampleAtEnd = true, SamplePrompt = "daft ze", SampleTokens = 23, RunFolder = folder["run"] };
        using Trainer trainer = SmallRun.Create(device, options);
        var log = new RecordLog();
        trainer.Observe(log);
        await trainer.RunAsync();
        Assert.Equal(expected, log.Samples.Select(sample => sample.Step));
        Assert.All(log.Samples, sample => Assert.Equal("daft ze".Length + 23, sample.Text.Length));
        Assert.All(log.Samples, sample => Assert.StartsWith("daft ze", sample.Text, StringComparison.Ordinal));
        Assert.Equal(trainer.Sample("daft ze", 23), log.Samples[^1].Text);
        Assert.Equal(expected, RunData.Read(folder["run"]).Samples.Select(sample => sample.Step));
    }

    [Fact]
    public async Task Run_SampleAtEnd_StoppedBefore_WritesNone_AndResumedGivesTheSameBits()
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(1);
        TrainerOptions options = SmallRun.Options with { SampleAtEnd = true, SampleTokens = 5 };
        using Trainer straight = SmallRun.Create(device, options);
        await straight.RunAsync();
        using var stop = new CancellationTokenSource();
        var log = new RecordLog();
        using (Trainer stopped = SmallRun.Create(device, options with { RunFolder = folder["run"] }))
        {
            stopped.Observe(log);
            stopped.OnStep(record => { if (record.Step == 5) stop.Cancel(); });
            await stopped.RunAsync(stop.Token);
        }
        Assert.Empty(log.Samples);
        using Trainer resumed = SmallRun.Resume(device, folder["run"]);
        resumed.Observe(log);
        await resumed.RunAsync();
        Assert.Equal(12, Assert.Single(log.Samples).Step);
        Assert.Equal(straight.Bits(), resumed.Bits());
    }

    [Fact]
    public void New_PromptOfUnknownCharacters_IsRefused()
    {
        using Device device = Device.Cpu(1);
        Exception error = Assert.ThrowsAny<Exception>(() => SmallRun.Create(device, SmallRun.Options with { SamplePrompt = "daft @" }));
        Assert.Contains("U+0040", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_OfACheckpointWithoutAPrompt_HaveAnEmptyOne()
    {
        TrainerOptions options = JsonSerializer.Deserialize("{}", CheckpointJson.Default.TrainerOptions)!;
        Assert.Equal(("", false), (options.SamplePrompt, options.SampleAtEnd));
    }

    [Fact]
    public async Task Run_SampleEveryZero_WritesNone()
    {
        using Device device = Device.Cpu(1);
        using Trainer trainer = SmallRun.Create(device, SmallRun.Options);
        var log = new RecordLog();
        trainer.Observe(log);
        await trainer.RunAsync();
        Assert.Empty(log.Samples);
    }

    [Fact]
    public async Task Run_EvaluateEveryFive_MeasuresThenAndAtTheEnd()
    {
        using Device device = Device.Cpu(1);
        using Trainer trainer = SmallRun.Create(device, SmallRun.Options with { EvaluateEvery = 5, EvaluationBatches = 2 });
        var log = new RecordLog();
        trainer.Observe(log);
        TrainingSummary summary = await trainer.RunAsync();
        Assert.Equal([5L, 10L, 12L], log.Evaluations.Select(evaluation => evaluation.Step));
        Assert.Equal(trainer.Evaluate(), log.Evaluations[^1].Loss);
        Assert.Equal((log.Evaluations[^1].Loss, log.Evaluations.Min(evaluation => evaluation.Loss)), (summary.ValidationLoss, summary.BestValidationLoss));
    }

    [Fact]
    public async Task Run_ValidationLossNaN_IsNeverTheBest()
    {
        using Device device = Device.Cpu(1);
        using Trainer trainer = SmallRun.Create(device, SmallRun.Options with { EvaluateEvery = 3, EvaluationBatches = 1 });
        var log = new RecordLog();
        float healthy = 0;
        trainer.Observe(log);
        // Ill at the first and third measurement, cured before the other two.
        trainer.OnStep(record =>
        {
            if (record.Step is 3 or 9)
            {
                healthy = trainer.Curable();
                trainer.Poison();
            }
            if (record.Step is 4 or 10)
                trainer.Cure(healthy);
        });
        TrainingSummary summary = await trainer.RunAsync();
        Assert.Equal([true, false, true, false], log.Evaluations.Select(evaluation => double.IsNaN(evaluation.Loss)));
        Assert.Equal([false, true, false], log.Evaluations.Take(3).Select(evaluation => evaluation.Best));
        Assert.Equal(Math.Min(log.Evaluations[1].Loss, log.Evaluations[3].Loss), summary.BestValidationLoss);
    }
}
