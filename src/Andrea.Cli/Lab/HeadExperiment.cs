using Andrea.Clipping;
using Andrea.Data;
using Andrea.Gpt;
using Andrea.Monitoring;
using Andrea.Numerics;
using Andrea.Optim;
using Andrea.Tensors;
using Andrea.Training;

namespace Andrea.Cli.Lab;

/// <summary>What a vocabulary that grows costs with one way to begin its new rows.</summary>
/// <param name="Kind">How the new rows of the head began.</param>
/// <param name="Seed">The run's seed.</param>
/// <param name="NewTokens">First loss on the new tokens, nats a token.</param>
/// <param name="OldTokens">First loss on all others, nats a token.</param>
/// <param name="Before">Loss of the model before it grew, nats a character.</param>
/// <param name="First">First loss on all, nats a character.</param>
/// <param name="FirstNorm">Norm of the first gradient.</param>
/// <param name="After">Loss after each of <see cref="HeadExperiment.Looks"/> steps, nats a character.</param>
internal sealed record HeadResult(
    HeadInitializationKind Kind, ulong Seed, double NewTokens, double OldTokens, double Before, double First, double FirstNorm, double[] After)
{
    /// <summary>The spike: how far the first loss lies above that before.</summary>
    public double Spike => First - Before;
}

/// <summary>A character model, trained; then some of the text's commonest pairs of characters become tokens, and training goes on.</summary>
/// <remarks>Losses of the whole are by character, which is what the model before and after have in common. A new token's embedding, which is not
/// in question here, begins as that of its second character: what follows a pair is what follows its end.</remarks>
internal sealed class HeadExperiment : IDisposable
{
    private const int NewTokenCount = 12, Batch = 8, Context = 32, FeatureBatches = 32, EvaluationBatches = 8;

    // Between the seeds of a text to train on and of one to look at.
    private const ulong OtherTexts = 1_000_000;

    private readonly Device _device = Device.Cpu(1);
    private readonly Trainer _trained;
    private readonly (int, int)[] _pairs;
    private readonly int[] _text, _otherText;
    private readonly int _oldSize;
    private readonly double _before;
    private readonly ulong _seed;

    /// <summary>Trains the model.</summary>
    public HeadExperiment(ulong seed, long steps = 1500, int characters = 100_000)
    {
        _seed = seed;
        string trainedOn = BuiltInCorpus.Generate(seed, characters);
        TokenDataset data = TokenDataset.FromText(trainedOn, "char");
        var config = new GptConfig { VocabularySize = 1, ContextLength = Context, ChannelCount = 32, HeadCount = 2, LayerCount = 2, TiedHead = false };
        _trained = new Trainer(_device, config, data, new TrainerOptions
        {
            Steps = steps,
            BatchSize = Batch,
            LearningRate = 3e-3,
            FinalLearningRate = 3e-4,
            WarmupSteps = 50,
            Monitor = GradientMonitorOptions.Off,
            Diagnosis = null,
            EvaluationBatches = 0,
            Seed = seed,
        });
        for (long step = 0; step < steps; step++)
            _trained.TrainStep();
        _oldSize = _trained.Model.Config.VocabularySize;
        int[] text = data.Tokenizer.Encode(trainedOn);
        // Of the same language, without the characters that the first lacks; nobody is trained on it or fitted to it.
        _otherText = data.Tokenizer.Encode(new string([.. BuiltInCorpus.Generate(seed + OtherTexts, characters).Where(trainedOn.ToHashSet().Contains)]));
        _pairs = CommonestPairs(text);
        using (var pass = new GptPass(_trained.Model, Batch, Context))
            _before = Evaluate(_trained.Model, pass, new int[Batch * Context], new int[Batch * Context]).PerCharacter;
        (_text, _otherText) = (Merge(text), Merge(_otherText));
    }

    /// <summary>Steps after which the loss is looked at.</summary>
    public static int[] Looks { get; } = [10, 50, 200];

    /// <summary>Enlarges the trained model and trains on.</summary>
    /// <param name="kind">How rows of the head begin.</param>
    /// <param name="everyRow">Those of old tokens as well: with <see cref="HeadInitializationKind.SoftmaxFit"/> what is left of the spike then is not the head's.</param>
    public HeadResult Run(HeadInitializationKind kind, bool everyRow = false)
    {
        using GptModel model = HeadInitialization.Enlarge(_trained.Model, _oldSize + NewTokenCount);
        Tensor embeddings = model.Parameters[GptParameters.TokenTable];
        float[] trained = embeddings.ToArray();
        for (int i = 0; i < _pairs.Length; i++)
            embeddings.CopyFrom(trained.AsSpan(_pairs[i].Item2 * model.Config.ChannelCount, model.Config.ChannelCount), (long)(_oldSize + i) * model.Config.ChannelCount);
        using var pass = new GptPass(model, Batch, Context);
        int[] inputs = new int[Batch * Context], targets = new int[Batch * Context];
        var features = new HeadFeatures(model.Config.VocabularySize, model.Config.ChannelCount);
        for (int batch = 0; batch < FeatureBatches; batch++)
        {
            FillBatch(_text, batch, inputs, targets);
            features.Add(pass, inputs, targets);
        }
        HeadInitialization.Fill(model, kind, everyRow ? 0 : _oldSize, features, _seed);
        (double newTokens, double oldTokens, double first) = Evaluate(model, pass, inputs, targets);
        using var clipper = new GradClipper(_device, model.Gradients);
        using var optimizer = new AdamW(_device, model.Parameters, model.Gradients, clipper: clipper);
        var after = new List<double>();
        double firstNorm = 0;
        for (int step = 0; step < Looks[^1]; step++)
        {
            FillBatch(_text, FeatureBatches + step, inputs, targets);
            model.ZeroGradients();
            pass.ForwardBackward(inputs, targets);
            optimizer.Step(1e-3);
            firstNorm = step == 0 ? clipper.Read().NormBefore : firstNorm;
            if (Looks.Contains(step + 1))
                after.Add(Evaluate(model, pass, inputs, targets).PerCharacter);
        }
        return new HeadResult(kind, _seed, newTokens, oldTokens, _before, first, firstNorm, [.. after]);
    }

    public void Dispose()
    {
        _trained.Dispose();
        _device.Dispose();
    }

    /// <summary>Mean losses over batches of the other text: of a new token, of another, of a character.</summary>
    private (double New, double Old, double PerCharacter) Evaluate(GptModel model, GptPass pass, int[] inputs, int[] targets)
    {
        double[] sums = new double[2];
        int[] counts = new int[2];
        int vocabulary = model.Config.VocabularySize;
        for (int batch = 0; batch < EvaluationBatches; batch++)
        {
            FillBatch(_otherText, batch, inputs, targets);
            pass.Forward(inputs);
            float[] logits = pass.Logits.ToArray();
            for (int row = 0; row < targets.Length; row++)
            {
                ReadOnlySpan<float> z = logits.AsSpan(row * vocabulary, vocabulary);
                double sum = 0;
                foreach (float value in z)
                    sum += Math.Exp(value - z[targets[row]]);
                int group = targets[row] >= _oldSize ? 0 : 1;
                sums[group] += Math.Log(sum);
                counts[group]++;
            }
        }
        return (sums[0] / counts[0], sums[1] / counts[1], (sums[0] + sums[1]) / (2 * counts[0] + counts[1]));
    }

    private static void FillBatch(int[] text, int index, int[] inputs, int[] targets)
    {
        var random = new Philox((ulong)index);
        for (int row = 0; row < Batch; row++)
        {
            int start = random.NextInt32(text.Length - Context - 1);
            text.AsSpan(start, Context).CopyTo(inputs.AsSpan(row * Context));
            text.AsSpan(start + 1, Context).CopyTo(targets.AsSpan(row * Context));
        }
    }

    private static (int, int)[] CommonestPairs(int[] text) =>
        [.. text.Zip(text.Skip(1)).CountBy(pair => pair).OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key).Take(NewTokenCount).Select(pair => pair.Key)];

    /// <summary>The text with the pairs as tokens of their own, from left to right.</summary>
    private int[] Merge(int[] text)
    {
        Dictionary<(int, int), int> ids = _pairs.Select((pair, i) => (pair, _oldSize + i)).ToDictionary();
        var merged = new List<int>();
        for (int i = 0; i < text.Length; i++)
            if (i + 1 < text.Length && ids.TryGetValue((text[i], text[i + 1]), out int id))
            {
                merged.Add(id);
                i++;
            }
            else
                merged.Add(text[i]);
        return [.. merged];
    }
}
