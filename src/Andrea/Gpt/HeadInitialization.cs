using Andrea.Numerics;
using Andrea.Tensors;

namespace Andrea.Gpt;

/// <summary>How rows of an output head begin.</summary>
public enum HeadInitializationKind
{
    /// <summary>0: every new token has the logit 0, which is far up or far down beside a trained head's.</summary>
    Zero,

    /// <summary>N(0, 0.02), as in a new model.</summary>
    Random,

    /// <summary>The mean of the trained rows: a new token begins as an average one.</summary>
    MeanRow,

    /// <summary>The token's mean feature, scaled to the mean norm of the trained rows (to length 1 / sqrt(C) where there are none).</summary>
    ClassMean,

    /// <summary>W = (1/C) M^T (Sigma + mu mu^T + lambda I)^-1 with C classes, class means M and lambda = 0.05: the least-squares classifier of the
    /// features, in units in which a hit is 1. Harun and Kanan 2025, arXiv:2503.06385.</summary>
    LeastSquares,

    /// <summary><see cref="LeastSquares"/> in the trained head's own units: mean of the trained rows + a * (classifier - its mean over trained tokens)
    /// + b * log frequency, a and b fitted to the trained rows. Ours: a classifier's outputs lie between 0 and 1, where a trained head's logits
    /// span tens, so that plain least squares begins little better than zeros beside it. As <see cref="LeastSquares"/> without trained rows.</summary>
    MatchedLeastSquares,

    /// <summary>Logits of log of a token's share among the targets, whatever the feature: W = log p u, u the least-squares fit of the constant 1. Stands in
    /// for the bias that a GPT's head has not; what it cannot do is follow a feature that is nearly orthogonal to the others' mean.</summary>
    LogUnigram,

    /// <summary>Rows fitted by the model's own loss on the features, its trained rows staying as they are, with a slight pull towards
    /// <see cref="MatchedLeastSquares"/>, where the fit begins. Ours: what the paper's formula is to a classifier of squared errors, this is to a
    /// softmax. The best start of all, and the dearest: for N features kept and K new tokens up to 300 steps of 4 N K C operations,
    /// and 2 N V C before them, in double on one thread; it ends before the minimum where 300 steps do not reach it.</summary>
    SoftmaxFit,
}

/// <summary>Gives output rows of a GPT their first values from data, so that the first loss does not spike; and makes room for new tokens.</summary>
/// <remarks>
/// In double throughout, by one or two Cholesky factorisations of C x C. Rows of tokens that the features never had as a target begin as
/// <see cref="HeadInitializationKind.MeanRow"/> where there are trained rows, and as 0 where there are none; with
/// <see cref="HeadInitializationKind.LogUnigram"/> as if each had been seen half a time.
/// <code>
/// using GptModel larger = HeadInitialization.Enlarge(model, model.Config.VocabularySize + 10);
/// using var pass = new GptPass(larger, batchSize: 4, tokenCount: 64);
/// var features = new HeadFeatures(larger.Config.VocabularySize, larger.Config.ChannelCount);
/// features.Add(pass, inputs, targets);
/// HeadInitialization.Fill(larger, HeadInitializationKind.SoftmaxFit, model.Config.VocabularySize, features);
/// </code>
/// </remarks>
public static class HeadInitialization
{
    /// <summary>The ridge of the least-squares classifier, as in the paper.</summary>
    internal const double Ridge = 0.05;

    private const double Deviation = 0.02;

    // Below those of a new model's tensors, above those of data.
    private const ulong Stream = (1UL << 32) - 1;

    /// <summary>Copies a model with room for more tokens: new rows of token table and head begin as the mean of the trained ones.</summary>
    /// <param name="model">The trained model; not changed.</param>
    /// <param name="vocabularySize">Number of tokens of the new one; not below the model's.</param>
    /// <returns>A model of its own, on the same device, whose old tokens have the bits they had; owned by the caller. An optimizer has to be built
    /// anew over it.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The number of tokens is below that of the model.</exception>
    /// <exception cref="ArgumentException">The number of tokens is more than a model can have.</exception>
    /// <exception cref="ObjectDisposedException">The model or its device has been disposed.</exception>
    /// <remarks>Works for tied heads, too, where the mean row is a moderate choice for both of its uses.</remarks>
    public static GptModel Enlarge(GptModel model, int vocabularySize)
    {
        ArgumentNullException.ThrowIfNull(model);
        int old = model.Config.VocabularySize;
        if (vocabularySize < old)
            throw new ArgumentOutOfRangeException(nameof(vocabularySize), vocabularySize, $"The model has {old} tokens already; expected as many or more, not {vocabularySize}.");
        var larger = new GptModel(model.Device, model.Config with { VocabularySize = vocabularySize });
        try
        {
            for (int i = 0; i < model.Parameters.Count; i++)
            {
                float[] values = model.Parameters[i].ToArray();
                larger.Parameters[model.Parameters.NameOf(i)].CopyFrom(values);
                if (model.Parameters.NameOf(i) is GptParameters.TokenTable || (!model.Config.TiedHead && model.Parameters.NameOf(i) == GptParameters.Weight(GptParameters.Head)))
                    FillRows(larger.Parameters[model.Parameters.NameOf(i)], old, MeanRow(values, old, model.Config.ChannelCount));
            }
            return larger;
        }
        catch
        {
            larger.Dispose();
            throw;
        }
    }

    /// <summary>Overwrites rows of a model's head.</summary>
    /// <param name="model">The model.</param>
    /// <param name="kind">How the rows begin.</param>
    /// <param name="firstToken">The first token whose row is overwritten, and all after it: 0 for the whole head, the old vocabulary's size for new tokens.</param>
    /// <param name="features">What the head reads, with those tokens among the targets; null where the kind needs none.</param>
    /// <param name="seed">For <see cref="HeadInitializationKind.Random"/>.</param>
    /// <exception cref="ArgumentException">The features are missing, of another size or empty; or the head is tied to the token table, and the kind
    /// is none of Random and MeanRow: its rows are the tokens' embeddings as well, which a classifier's rows would spoil.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such kind, or the first token is outside the vocabulary.</exception>
    /// <exception cref="ObjectDisposedException">The model has been disposed.</exception>
    public static void Fill(GptModel model, HeadInitializationKind kind, int firstToken = 0, HeadFeatures? features = null, ulong seed = 1)
    {
        ArgumentNullException.ThrowIfNull(model);
        Check(model, kind, firstToken, features);
        int channels = model.Config.ChannelCount, vocabulary = model.Config.VocabularySize;
        float[] trained = new float[firstToken * channels];
        model.HeadWeight.CopyTo(trained);
        double[] rows = kind switch
        {
            HeadInitializationKind.Zero => new double[(vocabulary - firstToken) * channels],
            HeadInitializationKind.Random => RandomRows((vocabulary - firstToken) * channels, seed),
            HeadInitializationKind.MeanRow => Repeated(MeanRow(trained, firstToken, channels), vocabulary - firstToken),
            HeadInitializationKind.ClassMean => new HeadRows(features!, trained).ClassMeans(),
            HeadInitializationKind.LogUnigram => new HeadRows(features!, trained).LogUnigram(),
            HeadInitializationKind.LeastSquares => new HeadRows(features!, trained).LeastSquares(),
            HeadInitializationKind.MatchedLeastSquares => new HeadRows(features!, trained).MatchedLeastSquares(),
            _ => new HeadRows(features!, trained).SoftmaxFit(),
        };
        model.HeadWeight.CopyFrom([.. rows.Select(value => (float)value)], (long)firstToken * channels);
    }

    /// <summary>Mean of the first rows; zeros if there are none.</summary>
    internal static double[] MeanRow(ReadOnlySpan<float> rows, int count, int channels)
    {
        var mean = new double[channels];
        for (int row = 0; row < count; row++)
            for (int i = 0; i < channels; i++)
                mean[i] += rows[row * channels + i] / (double)count;
        return mean;
    }

    private static void Check(GptModel model, HeadInitializationKind kind, int firstToken, HeadFeatures? features)
    {
        if (!Enum.IsDefined(kind))
            throw new ArgumentOutOfRangeException(nameof(kind), kind, $"There is no initialisation {kind} of a head. Choose one of {string.Join(", ", Enum.GetNames<HeadInitializationKind>())}.");
        if (firstToken < 0 || firstToken > model.Config.VocabularySize)
            throw new ArgumentOutOfRangeException(nameof(firstToken), firstToken, $"The first token is {firstToken}; this model has the tokens 0 to {model.Config.VocabularySize - 1}.");
        bool needsFeatures = kind is not (HeadInitializationKind.Zero or HeadInitializationKind.Random or HeadInitializationKind.MeanRow);
        if (model.Config.TiedHead && (needsFeatures || kind == HeadInitializationKind.Zero))
            throw new ArgumentException($"The head is tied to the token table, so that its rows are embeddings as well, which {kind} would spoil. Use MeanRow or Random, or a model with a head of its own.", nameof(kind));
        if (!needsFeatures)
            return;
        if (features is null || features.Count == 0)
            throw new ArgumentException($"{kind} takes its rows from features, and there are none. Add a few batches to a HeadFeatures first.", nameof(features));
        if (features.VocabularySize != model.Config.VocabularySize || features.ChannelCount != model.Config.ChannelCount)
            throw new ArgumentException(
                $"The features are of {features.VocabularySize} tokens and {features.ChannelCount} channels, the model has {model.Config.VocabularySize} and {model.Config.ChannelCount}. Collect them from this model.", nameof(features));
    }

    private static void FillRows(Tensor table, int firstRow, double[] row)
    {
        int count = (int)(table.Length / row.Length) - firstRow;
        table.CopyFrom([.. Repeated(row, count).Select(value => (float)value)], (long)firstRow * row.Length);
    }

    private static double[] Repeated(double[] row, int count)
    {
        var rows = new double[row.Length * count];
        for (int i = 0; i < count; i++)
            row.CopyTo(rows, i * row.Length);
        return rows;
    }

    private static double[] RandomRows(int length, ulong seed)
    {
        var random = new Philox(seed, Stream);
        var rows = new double[length];
        for (int i = 0; i < length; i++)
            rows[i] = Deviation * random.NextNormal();
        return rows;
    }
}
