using System.Runtime.InteropServices;

namespace Andrea.Gpt;

/// <summary>Statistics of what a head reads, by the token it should predict there: from a few batches, in double.</summary>
/// <remarks>
/// Memory: 8 (V C + C^2 + V) bytes, and 64 MB at most for the first features, which <see cref="HeadInitializationKind.SoftmaxFit"/> reads again.
/// <see cref="Add(ReadOnlySpan{float}, ReadOnlySpan{int})"/> costs C^2 operations a feature. Not thread-safe.
/// </remarks>
public sealed class HeadFeatures
{
    // 64 MB: 20,000 features of GPT-2 small.
    private const int MostNumbersKept = 1 << 24;

    private readonly double[] _classSums, _moments, _sum;
    private readonly long[] _counts;
    private readonly List<float> _kept = [];
    private readonly List<int> _keptTargets = [];

    /// <summary>Begins without any feature.</summary>
    /// <param name="vocabularySize">V, number of tokens.</param>
    /// <param name="channelCount">C, length of a feature.</param>
    /// <exception cref="ArgumentOutOfRangeException">V or C is below 1.</exception>
    /// <exception cref="OverflowException">V C or C^2 is more than an array can hold.</exception>
    public HeadFeatures(int vocabularySize, int channelCount)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(vocabularySize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(channelCount, 1);
        VocabularySize = vocabularySize;
        ChannelCount = channelCount;
        _classSums = new double[checked(vocabularySize * channelCount)];
        _moments = new double[checked(channelCount * channelCount)];
        _sum = new double[channelCount];
        _counts = new long[vocabularySize];
    }

    /// <summary>V.</summary>
    public int VocabularySize { get; }

    /// <summary>C.</summary>
    public int ChannelCount { get; }

    /// <summary>Features so far.</summary>
    public long Count { get; private set; }

    /// <summary>Different tokens among their targets so far.</summary>
    public int ClassCount { get; private set; }

    /// <summary>Features whose target is a token.</summary>
    /// <param name="token">Its id.</param>
    /// <returns>How many of them there are.</returns>
    /// <exception cref="IndexOutOfRangeException">The token is outside the vocabulary.</exception>
    public long CountOf(int token) => _counts[token];

    /// <summary>Adds features.</summary>
    /// <param name="features">(rows, C), such as the outputs of a GPT's final norm.</param>
    /// <param name="targets">(rows) the token to predict from each.</param>
    /// <exception cref="ArgumentException">The sizes do not fit, a token is outside the vocabulary, or a feature is NaN or infinite; rows before that one
    /// have been added.</exception>
    public void Add(ReadOnlySpan<float> features, ReadOnlySpan<int> targets)
    {
        if (features.Length != (long)targets.Length * ChannelCount)
            throw new ArgumentException($"{features.Length} numbers were given for {targets.Length} features of {ChannelCount} channels. Pass one row for each target.", nameof(features));
        for (int row = 0; row < targets.Length; row++)
        {
            if ((uint)targets[row] >= (uint)VocabularySize)
                throw new ArgumentException($"Target {row} is {targets[row]}; this vocabulary has the ids 0 to {VocabularySize - 1}.", nameof(targets));
            if (features.Slice(row * ChannelCount, ChannelCount).ContainsAnyExceptInRange(float.MinValue, float.MaxValue))
                throw new ArgumentException($"Feature {row} is not finite, so no row can be fitted to it. Go back to a checkpoint from before the model diverged.", nameof(features));
            AddOne(features.Slice(row * ChannelCount, ChannelCount), targets[row]);
        }
    }

    /// <summary>Adds what a model's head reads in one batch.</summary>
    /// <param name="pass">A pass of the model; its activations are overwritten. Waits for the device.</param>
    /// <param name="inputs">(B, T) token ids.</param>
    /// <param name="targets">(B, T) the token that follows each position.</param>
    /// <exception cref="ArgumentException">The number of inputs or targets is not B T, a token is outside the vocabulary, the pass's model has another C than this, or what its
    /// head reads is not finite.</exception>
    /// <exception cref="ObjectDisposedException">The pass, its model or the device has been disposed.</exception>
    public void Add(GptPass pass, ReadOnlySpan<int> inputs, ReadOnlySpan<int> targets)
    {
        ArgumentNullException.ThrowIfNull(pass);
        pass.ForwardToHead(inputs);
        Add(pass.Features.ToArray(), targets);
    }

    /// <summary>(N, C) the first features, as many as are kept, in the order they came.</summary>
    internal ReadOnlySpan<float> Kept => CollectionsMarshal.AsSpan(_kept);

    /// <summary>(N) the token to predict from each.</summary>
    internal ReadOnlySpan<int> KeptTargets => CollectionsMarshal.AsSpan(_keptTargets);

    /// <summary>m_k, the mean feature of a token; zeros for one that has none.</summary>
    internal double[] MeanOf(int token)
    {
        double[] mean = _classSums.AsSpan(token * ChannelCount, ChannelCount).ToArray();
        for (int i = 0; i < mean.Length; i++)
            mean[i] /= Math.Max(1, _counts[token]);
        return mean;
    }

    /// <summary>mu, the mean of all features.</summary>
    internal double[] Mean() => [.. _sum.Select(value => value / Math.Max(1, Count))];

    /// <summary>(C, C) E[h h^T] = Sigma + mu mu^T, Sigma being the features' covariance.</summary>
    internal double[] SecondMoment()
    {
        var moments = new double[_moments.Length];
        for (int i = 0; i < ChannelCount; i++)
            for (int j = 0; j <= i; j++)
                moments[i * ChannelCount + j] = moments[j * ChannelCount + i] = _moments[i * ChannelCount + j] / Math.Max(1, Count);
        return moments;
    }

    private void AddOne(ReadOnlySpan<float> feature, int target)
    {
        Span<double> classSum = _classSums.AsSpan(target * ChannelCount, ChannelCount);
        for (int i = 0; i < feature.Length; i++)
        {
            double value = feature[i];
            classSum[i] += value;
            _sum[i] += value;
            // The lower half is enough.
            Span<double> moments = _moments.AsSpan(i * ChannelCount, i + 1);
            for (int j = 0; j <= i; j++)
                moments[j] += value * feature[j];
        }
        if (_kept.Count + feature.Length <= MostNumbersKept)
        {
            _kept.AddRange(feature);
            _keptTargets.Add(target);
        }
        ClassCount += _counts[target]++ == 0 ? 1 : 0;
        Count++;
    }
}
