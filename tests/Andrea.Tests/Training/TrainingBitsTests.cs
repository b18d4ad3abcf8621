using Andrea.Clipping;
using Andrea.Data;
using Andrea.Gpt;
using Andrea.Monitoring;
using Andrea.Tests.Support;
using Andrea.Training;

namespace Andrea.Tests.Training;

/// <summary>Norms, AdamW and whole training steps give the same bits whatever vectors the processor has.</summary>
public class TrainingBitsTests : IFingerprint
{
    [Theory, MemberData(nameof(InstructionSetRunner.Narrower), MemberType = typeof(InstructionSetRunner))]
    public void Training_NarrowerVectors_SameBits(string instructionSet) =>
        Assert.Equal(Fingerprint(), InstructionSetRunner.Fingerprint<TrainingBitsTests>(instructionSet));

    public static string Fingerprint() => $"norms {NormBits()}\ntraining {TrainedBits()}";

    private static string NormBits()
    {
        using Device device = Device.Cpu(2);
        using var set = new GradientSet(
            TestDevice.Normal(1, 70_001), TestDevice.Normal(2, 257, 1e19), [], TestDevice.Normal(3, 8193, 1e-30), [float.Epsilon, float.MaxValue]);
        using var clipper = new GradClipper(device, set.Tensors, new GradClipperOptions { MaxNorm = 0.7 });
        clipper.Clip();
        var norms = new double[set.Tensors.Count];
        clipper.ReadTensorNorms(norms);
        return BitDigest.Of<double>([clipper.Read().NormBefore, clipper.Read().MaxMagnitude, .. norms]) + BitDigest.Of<uint>(set.Bits);
    }

    private static string TrainedBits()
    {
        TokenDataset data = TokenDataset.FromText(string.Concat(Enumerable.Repeat("a stitch in time saves nine. ", 30)), "char");
        var config = new GptConfig { VocabularySize = 1, ContextLength = 19, ChannelCount = 24, HeadCount = 2, LayerCount = 2, Biases = true };
        using Device device = Device.Cpu(2);
        using var trainer = new Trainer(device, config, data, new TrainerOptions { BatchSize = 3, LearningRate = 1e-2, EvaluationBatches = 0, Initialization = InitializationKind.Andrea });
        var losses = new List<double>();
        trainer.Observe(new LossObserver(losses));
        for (int step = 0; step < 3; step++)
            trainer.TrainStep();
        return BitDigest.Of<double>(losses.ToArray()) + BitDigest.Of(trainer.Model.Parameters.Flat);
    }

    private sealed class LossObserver(List<double> losses) : IStepObserver
    {
        public void OnStep(in StepRecord record) => losses.Add(record.Loss);
    }
}
