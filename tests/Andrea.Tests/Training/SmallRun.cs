using Andrea.Clipping;
using Andrea.Data;
using Andrea.Gpt;
using Andrea.Monitoring;
using Andrea.Training;
using Andrea.Training.Checkpoints;

namespace Andrea.Tests.Training;

/// <summary>A run that takes milliseconds, and what tests do to it.</summary>
internal static class SmallRun
{
    public static GptConfig Config { get; } = new()
    {
        VocabularySize = 1,
        ContextLength = 16,
        ChannelCount = 16,
        HeadCount = 2,
        LayerCount = 1,
        TiedHead = true,
    };

    /// <summary>Every event off; switch on what a test is about.</summary>
    public static TrainerOptions Options { get; } = new()
    {
        Steps = 12,
        BatchSize = 4,
        LearningRate = 1e-2,
        WarmupSteps = 3,
        EvaluateEvery = 0,
        EvaluationBatches = 0,
        CheckpointEvery = 0,
        Clip = new GradClipperOptions { MaxNorm = 0.5 },
    };

    public static TokenDataset Data { get; } =
        TokenDataset.FromText(string.Concat(Enumerable.Repeat("how vexingly quick daft zebras jump; sphinx of black quartz, judge my vow. ", 20)), "char");

    public static Trainer Create(Device device, TrainerOptions options) => new(device, Config, Data, options);

    public static Trainer Resume(Device device, string path) => Trainer.Resume(device, path, tokenizer => Data);

    public static CheckpointStore StoreOf(string runFolder) => new(RunFolder.CheckpointsOf(runFolder));

    public static void OnStep(this Trainer trainer, Action<StepRecord> action) => trainer.Observe(new CallbackObserver(action));

    /// <summary>Makes one parameter NaN, so that every step is skipped until <see cref="Cure"/>.</summary>
    public static void Poison(this Trainer trainer) => trainer.Model.Parameters["wpe"].CopyFrom([float.NaN], start: 5);

    public static void Cure(this Trainer trainer, float value) => trainer.Model.Parameters["wpe"].CopyFrom([value], start: 5);

    /// <summary>The parameter that <see cref="Poison"/> overwrites.</summary>
    public static float Curable(this Trainer trainer) => trainer.Model.Parameters["wpe"].ToArray()[5];

    /// <summary>Makes the model far worse than any training step would, but leaves it finite.</summary>
    public static void Spoil(this Trainer trainer)
    {
        float[] values = trainer.Model.Parameters.Flat.ToArray();
        trainer.Model.Parameters.Flat.CopyFrom([.. values.Select(value => value * 10)]);
    }

    public static uint[] Bits(this Trainer trainer) => [.. trainer.Model.Parameters.Flat.ToArray().Select(BitConverter.SingleToUInt32Bits)];

    private sealed class CallbackObserver(Action<StepRecord> onStep) : IStepObserver
    {
        public void OnStep(in StepRecord record) => onStep(record);
    }
}

/// <summary>Keeps every record.</summary>
internal sealed class RecordLog : IStepObserver
{
    public List<StepRecord> Steps { get; } = [];

    public List<EvaluationRecord> Evaluations { get; } = [];

    public List<SampleRecord> Samples { get; } = [];

    public List<CheckpointRecord> Checkpoints { get; } = [];

    public void OnStep(in StepRecord record) => Steps.Add(record);

    public void OnEvaluation(EvaluationRecord record) => Evaluations.Add(record);

    public void OnSample(SampleRecord record) => Samples.Add(record);

    public void OnCheckpoint(CheckpointRecord record) => Checkpoints.Add(record);
}
