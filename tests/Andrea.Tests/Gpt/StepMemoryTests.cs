using System.Globalization;
using Andrea.Clipping;
using Andrea.Cpu;
using Andrea.Gpt;
using Andrea.Optim;
using Andrea.Tests.Support;
using Andrea.Training;

namespace Andrea.Tests.Gpt;

/// <summary>What a training step holds besides parameters, gradients, moments and activations: panels, scratch, tables. In a child process
/// of its own, since the count is the process's.</summary>
public class StepMemoryTests : IFingerprint
{
    private const double MostOfWhatIsNeeded = 1.1;

    private static readonly (Preset Preset, int Batch, int Tokens)[] Steps =
        [(Preset.Chars, 12, 64), (Preset.Andrea12M, 4, 256), (Preset.Andrea120M, 4, 256)];

    // 1,536 rows of logits in two chunks, which would be 309 MB at once.
    private static readonly GptConfig LargeVocabulary = new() { VocabularySize = 50_257, ContextLength = 768, ChannelCount = 16, HeadCount = 2, LayerCount = 1 };

    static string IFingerprint.Fingerprint()
    {
        IEnumerable<long> overheads = Steps.Select(step => OfAllLayers(step.Preset.Config, step.Batch, step.Tokens));
        return string.Join('\n', overheads.Append(Overhead(LargeVocabulary, 2, 768)).Select(bytes => bytes.ToString(CultureInfo.InvariantCulture)));
    }

    [Fact]
    public void TrainingStep_HoldsAtMostATenthMoreThanArenasAndActivations()
    {
        long[] overheads =
            [.. InstructionSetRunner.Fingerprint<StepMemoryTests>("all").Split('\n').Select(line => long.Parse(line, CultureInfo.InvariantCulture))];
        Assert.Equal(Steps.Length + 1, overheads.Length);
        Assert.Equal(sizeof(float) * 768 * 50_257, LogitBytes(1536, 50_257));
        double large = Needed(LargeVocabulary, 2, 768);
        Assert.InRange((large + overheads[^1]) / large, 1, MostOfWhatIsNeeded);
        foreach (((Preset preset, int batch, int tokens), long overhead) in Steps.Zip(overheads))
        {
            double needed = Needed(preset.Config, batch, tokens);
            TestContext.Current.SendDiagnosticMessage($"{preset.Name}: {needed / 1e6:f1} MB needed, {overhead / 1e6:f2} MB more held");
            Assert.InRange((needed + overhead) / needed, 1, MostOfWhatIsNeeded);
        }
    }

    /// <summary>The overhead, from one layer and from two, which is quicker than all and tells what each further layer adds: nothing, if scratch memory is
    /// shared as it should be.</summary>
    private static long OfAllLayers(GptConfig preset, int batch, int tokens)
    {
        long one = Overhead(preset with { LayerCount = 1 }, batch, tokens), two = Overhead(preset with { LayerCount = 2 }, batch, tokens);
        return one + (preset.LayerCount - 1) * (two - one);
    }

    /// <summary>Bytes held after a step beyond those of arenas and activations.</summary>
    private static long Overhead(GptConfig config, int batch, int tokens)
    {
        long before = HostMemory.BytesInUse;
        using Device device = Device.Cpu(2);
        using var model = new GptModel(device, config);
        using var pass = new GptPass(model, batch, tokens);
        using var clipper = new GradClipper(device, model.Gradients);
        using var optimizer = new AdamW(device, model.Parameters, model.Gradients, clipper: clipper);
        var text = new int[batch * tokens];
        pass.ForwardBackward(text, text);
        optimizer.Step(learningRate: 1e-3);
        return HostMemory.BytesInUse - before - Needed(config, batch, tokens);
    }

    /// <summary>Four arenas of parameters' size, and what each layer remembers and the backward pass hands on; see GptActivations.</summary>
    private static long Needed(GptConfig config, int batch, int tokens)
    {
        long rows = (long)batch * tokens, channels = config.ChannelCount;
        long layer = 16 * channels + 4 + config.HeadCount, others = 11 * channels + 3;
        return sizeof(float) * (4 * GptParameters.CreateLayout(config).ArenaLength + rows * (config.LayerCount * layer + others))
            + LogitBytes(rows, config.VocabularySize);
    }

    private static long LogitBytes(long rows, int vocabularySize) => sizeof(float) * LogitChunk.RowsFor(rows, vocabularySize, LogitChunk.DefaultBudget) * vocabularySize;
}
