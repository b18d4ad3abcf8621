using Andrea.Clipping;
using Andrea.Data;
using Andrea.Gpt;
using Andrea.Monitoring;
using Andrea.Tests.Support;
using Andrea.Training;
using Andrea.Training.Checkpoints;

namespace Andrea.Tests.Training;

public class TrainerTests
{
    private const string Text = "the quick brown fox jumps over the lazy dog; pack my box with five dozen liquor jugs. ";

    internal static readonly GptConfig SmallConfig = new()
    {
        VocabularySize = 1,
        ContextLength = 16,
        ChannelCount = 16,
        HeadCount = 2,
        LayerCount = 2,
        TiedHead = true,
    };

    internal static readonly TrainerOptions SmallOptions = new()
    {
        Steps = 12,
        BatchSize = 4,
        LearningRate = 1e-2,
        WarmupSteps = 3,
        EvaluateEvery = 4,
        EvaluationBatches = 2,
        CheckpointEvery = 5,
        Clip = new GradClipperOptions { MaxNorm = 0.5 },
    };

    internal static TokenDataset Data => TokenDataset.FromText(string.Concat(Enumerable.Repeat(Text, 20)), "char");

    [Fact]
    public async Task Run_OnRepetitiveText_LearnsIt()
    {
        using Device device = Device.Cpu(2);
        using var trainer = new Trainer(device, SmallConfig, Data, SmallOptions with { Steps = 300, EvaluateEvery = 0 });
        double before = trainer.Evaluate();
        TrainingSummary summary = await trainer.RunAsync(TestContext.Current.CancellationToken);
        Assert.Equal(Math.Log(trainer.Model.Config.VocabularySize), before, 0.1);
        Assert.True(summary.ValidationLoss < 1, $"the validation loss is {summary.ValidationLoss}");
        Assert.Equal((StopReason.Completed, 300L, 0L), (summary.Reason, summary.Step, summary.SkippedSteps));
        Assert.Null(summary.CheckpointPath);
    }

    [Fact]
    public async Task Run_WithProgress_ReportsEveryStepOfThatRunOnly()
    {
        using Device device = Device.Cpu(1);
        using var trainer = new Trainer(device, SmallConfig, Data, SmallOptions with { EvaluateEvery = 0 });
        using var stop = new CancellationTokenSource();
        var reported = new Reported(record =>
        {
            if (record.Step == 5)
                stop.Cancel();
        });
        TrainingSummary summary = await trainer.RunAsync(reported, stop.Token);
        Assert.Equal(StopReason.Cancelled, summary.Reason);
        Assert.Equal(Enumerable.Range(1, (int)summary.Step).Select(step => (long)step), reported.Steps);
        await trainer.RunAsync(progress: null, TestContext.Current.CancellationToken);
        Assert.Equal(summary.Step, reported.Steps.Count);
    }

    private sealed class Reported(Action<StepRecord> told) : IProgress<StepRecord>
    {
        public List<long> Steps { get; } = [];

        public void Report(StepRecord value)
        {
            Steps.Add(value.Step);
            told(value);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(7)]
    public async Task Resume_AfterAnyStep_IsBitExact(int stopAt)
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(2);
        var straightLog = new RecordingObserver();
        using var straight = new Trainer(device, SmallConfig, Data, SmallOptions with { MicroBatches = 2 });
        straight.Observe(straightLog);
        await straight.RunAsync(TestContext.Current.CancellationToken);

        var resumedLog = new RecordingObserver();
        using (var first = new Trainer(device, SmallConfig, Data, SmallOptions with { MicroBatches = 2, RunFolder = folder["run"] }))
        {
            using var stop = new CancellationTokenSource();
            first.Observe(resumedLog);
            first.Observe(new CallbackObserver(record =>
            {
                if (record.Step == stopAt)
                    stop.Cancel();
            }));
            TrainingSummary cancelled = await first.RunAsync(stop.Token);
            Assert.Equal((StopReason.Cancelled, (long)stopAt), (cancelled.Reason, cancelled.Step));
        }
        // On another number of threads, which must not matter either.
        using Device other = Device.Cpu(3);
        using Trainer second = Trainer.Resume(other, folder["run"], tokenizer => Data);
        second.Observe(resumedLog);
        TrainingSummary summary = await second.RunAsync(TestContext.Current.CancellationToken);

        Assert.Equal(12, summary.Step);
        Assert.Equal(straight.Model.Parameters.Flat.ToArray().Select(BitConverter.SingleToUInt32Bits), second.Model.Parameters.Flat.ToArray().Select(BitConverter.SingleToUInt32Bits));
        Assert.Equal(straightLog.Steps.Select(step => (step.Step, step.Loss, step.Clip, step.LearningRate)), resumedLog.Steps.Select(step => (step.Step, step.Loss, step.Clip, step.LearningRate)));
        Assert.Equal(straightLog.Evaluations[^1], resumedLog.Evaluations[^1]);
        Assert.Contains(straightLog.Steps, step => step.Clip.Clipped);
        string[] lines = await File.ReadAllLinesAsync(folder["run/metrics.jsonl"], TestContext.Current.CancellationToken);
        Assert.Equal(12, lines.Count(line => line.Contains("\"loss\"", StringComparison.Ordinal)));
    }

    [Fact]
    public void TrainStep_AnyThreadCount_HasTheSameBits()
    {
        uint[]? expected = null;
        foreach (int threads in new[] { 1, 2, 3, 7 })
        {
            using Device device = Device.Cpu(threads);
            using var trainer = new Trainer(device, SmallConfig with { TiedHead = false, Biases = true }, Data, SmallOptions);
            for (int step = 0; step < 4; step++)
                trainer.TrainStep();
            uint[] bits = [.. trainer.Model.Parameters.Flat.ToArray().Select(BitConverter.SingleToUInt32Bits)];
            expected ??= bits;
            Assert.Equal(expected, bits);
        }
    }

    [Fact]
    public void TrainStep_TwoMicroBatches_EqualOneOfTwiceTheSize()
    {
        using Device device = Device.Cpu(2);
        using var whole = new Trainer(device, SmallConfig, Data, SmallOptions with { BatchSize = 8 });
        using var halves = new Trainer(device, SmallConfig, Data, SmallOptions with { BatchSize = 4, MicroBatches = 2 });
        var wholeLog = new RecordingObserver();
        var halvesLog = new RecordingObserver();
        whole.Observe(wholeLog);
        halves.Observe(halvesLog);
        for (int step = 0; step < 3; step++)
        {
            whole.TrainStep();
            halves.TrainStep();
            Assert.Equal(wholeLog.Steps[step].Loss, halvesLog.Steps[step].Loss, 1e-5);
            // One clip for both halves together: their joint norm, not the sum of two clipped ones.
            Assert.Equal(wholeLog.Steps[step].Clip.NormBefore, halvesLog.Steps[step].Clip.NormBefore, 1e-4);
            Assert.Equal(step + 1, halvesLog.Steps[step].Clip.Call);
        }
        Tolerance.Chained.AssertClose("parameters", whole.Model.Parameters.Flat.ToArray(), halves.Model.Parameters.Flat.ToArray());
    }

    [Fact]
    public async Task Run_ParametersNaN_SkipsThenStopsAndKeepsTheLastFiniteCheckpoint()
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(2);
        TrainerOptions options = SmallOptions with
        {
            Steps = 100,
            CheckpointEvery = 1,
            KeepCheckpoints = 1,
            EvaluateEvery = 0,
            RunFolder = folder["run"],
            Clip = new GradClipperOptions { MaxConsecutiveSkips = 5 },
        };
        using var trainer = new Trainer(device, SmallConfig, Data, options);
        trainer.Observe(new CallbackObserver(record =>
        {
            if (record.Step == 3)
                trainer.Model.Parameters["h.1.mlp.c_fc.weight"].CopyFrom([float.NaN], start: 7);
        }));
        var exception = await Assert.ThrowsAsync<NonFiniteGradientException>(() => trainer.RunAsync(TestContext.Current.CancellationToken));
        Assert.Equal(5, exception.Result.ConsecutiveSkips);
        using TrainedModel kept = TrainedModel.Load(device, folder["run"]);
        Assert.Equal(2, kept.Step);
        Assert.All(kept.Model.Parameters.Flat.ToArray(), value => Assert.True(float.IsFinite(value)));
        string metrics = await File.ReadAllTextAsync(folder["run/metrics.jsonl"], TestContext.Current.CancellationToken);
        Assert.Contains("\"skipped\":true", metrics, StringComparison.Ordinal);
        Assert.DoesNotContain(":NaN", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_ThrowPolicy_LeavesTheParametersOfTheLastGoodStep()
    {
        using Device device = Device.Cpu(1);
        using var trainer = new Trainer(device, SmallConfig, Data, SmallOptions with { Clip = new GradClipperOptions { NonFinite = NonFinitePolicy.Throw } });
        var log = new RecordingObserver();
        trainer.Observe(log);
        trainer.TrainStep();
        trainer.Model.Parameters["wpe"].CopyFrom([float.PositiveInfinity], start: 5);
        uint[] before = [.. trainer.Model.Parameters.Flat.ToArray().Select(BitConverter.SingleToUInt32Bits)];
        await Assert.ThrowsAsync<NonFiniteGradientException>(() => trainer.RunAsync(TestContext.Current.CancellationToken));
        Assert.Equal(before, trainer.Model.Parameters.Flat.ToArray().Select(BitConverter.SingleToUInt32Bits));
        Assert.Equal(2, log.Steps.Count);
        Assert.Equal(SkipReason.NonFiniteGradients, log.Steps[1].Clip.SkipReason);
    }

    [Fact]
    public async Task Resume_OtherData_IsRefused()
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(1);
        using (var trainer = new Trainer(device, SmallConfig, Data, SmallOptions with { Steps = 1, RunFolder = folder["run"] }))
            await trainer.RunAsync(TestContext.Current.CancellationToken);
        string other = string.Concat(Enumerable.Repeat(Text, 21));
        var exception = Assert.Throws<TrainingDataException>(
            () => Trainer.Resume(device, folder["run"], tokenizer => TokenDataset.Create(TextSource.FromText(other), tokenizer)));
        Assert.Contains("fingerprint", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Create_FolderOfAnotherRun_IsRefused()
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(1);
        TrainerOptions options = SmallOptions with { Steps = 1, RunFolder = folder["run"] };
        using (var trainer = new Trainer(device, SmallConfig, Data, options))
            await trainer.RunAsync(TestContext.Current.CancellationToken);
        Assert.Throws<CheckpointException>(() => new Trainer(device, SmallConfig, Data, options));
    }

    [Fact]
    public async Task RequestCheckpoint_DuringTheRun_WritesOneAndGoesOn()
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(1);
        using var trainer = new Trainer(device, SmallConfig, Data, SmallOptions with { CheckpointEvery = 0, EvaluateEvery = 0, RunFolder = folder["run"] });
        var log = new RecordingObserver();
        trainer.Observe(log);
        trainer.Observe(new CallbackObserver(record =>
        {
            if (record.Step == 2)
                trainer.RequestCheckpoint();
        }));
        TrainingSummary summary = await trainer.RunAsync(TestContext.Current.CancellationToken);
        Assert.Equal([2L, 12L], log.Checkpoints.Select(checkpoint => checkpoint.Step));
        Assert.Equal(12, summary.Step);
    }

    [Fact]
    public void Sample_SameSeed_WritesTheSameText()
    {
        using Device device = Device.Cpu(2);
        using var trainer = new Trainer(device, SmallConfig, Data, SmallOptions);
        trainer.TrainStep();
        var sampling = new SamplingOptions { Seed = 5, Temperature = 1, TopK = 0 };
        // Longer than the context, so that the cache is refilled on the way.
        string first = trainer.Sample("the ", 60, sampling);
        Assert.Equal(first, trainer.Sample("the ", 60, sampling));
        Assert.StartsWith("the ", first, StringComparison.Ordinal);
        Assert.Equal(64, first.Length);
        Assert.NotEqual(first, trainer.Sample("the ", 60, sampling with { Seed = 6 }));
    }

    private sealed class RecordingObserver : IStepObserver
    {
        public List<StepRecord> Steps { get; } = [];

        public List<EvaluationRecord> Evaluations { get; } = [];

        public List<CheckpointRecord> Checkpoints { get; } = [];

        public void OnStep(in StepRecord record) => Steps.Add(record);

        public void OnEvaluation(EvaluationRecord record) => Evaluations.Add(record);

        public void OnCheckpoint(CheckpointRecord record) => Checkpoints.Add(record);
    }

    private sealed class CallbackObserver(Action<StepRecord> onStep) : IStepObserver
    {
        public void OnStep(in StepRecord record) => onStep(record);
    }
}
