using Andrea.Cli.Lab;
using Andrea.Gpt;
using Andrea.Tests.Support;
using MathNet.Numerics.LinearAlgebra;

namespace Andrea.Tests.Gpt;

/// <summary>Every way for output rows to begin, against formulas in double by a library's linear algebra.</summary>
public sealed class HeadInitializationTests : IDisposable
{
    private const int Old = 9, New = 4, Channels = 16, Rows = 32;

    private readonly TestDevice _test = TestDevice.Open("cpu-1");
    private readonly GptModel _model, _larger;
    private readonly GptPass _pass;
    private readonly HeadFeatures _features = new(Old + New, Channels);
    private readonly List<(double[] Feature, int Target)> _seen = [];

    public HeadInitializationTests()
    {
        _model = new GptModel(_test.Device, new GptConfig { VocabularySize = Old, ContextLength = 8, ChannelCount = Channels, HeadCount = 2, LayerCount = 1, TiedHead = false });
        _model.Initialize(InitializationKind.Andrea, seed: 3);
        _larger = HeadInitialization.Enlarge(_model, Old + New);
        _pass = new GptPass(_larger, 4, 8);
        var random = new Random(5);
        for (int batch = 0; batch < 5; batch++)
        {
            // The last token is never a target.
            int[] inputs = Draw(random), targets = Draw(random);
            _features.Add(_pass, inputs, targets);
            _pass.Forward(inputs);
            float[] features = _pass.Features.ToArray();
            for (int row = 0; row < Rows; row++)
                _seen.Add(([.. features[(row * Channels)..((row + 1) * Channels)].Select(value => (double)value)], targets[row]));
        }
    }

    [Fact]
    public void Enlarge_KeepsEveryOldBit_AndAddsMeanRows()
    {
        for (int i = 0; i < _model.Parameters.Count; i++)
        {
            float[] before = _model.Parameters[i].ToArray(), after = _larger.Parameters[_model.Parameters.NameOf(i)].ToArray();
            Assert.Equal(before, after[..before.Length]);
            for (int j = before.Length; j < after.Length; j++)
                Assert.Equal(before.Where((_, k) => k % Channels == j % Channels).Average(value => (double)value), after[j], 1e-6);
        }
        Assert.Equal((Old + New) * Channels, _larger.Parameters["wte"].Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => HeadInitialization.Enlarge(_model, Old - 1));
    }

    [Fact]
    public void LeastSquares_IsThePapersFormula()
    {
        double[][] rows = Fill(HeadInitializationKind.LeastSquares);
        Vector<double>[] expected = Classifiers();
        for (int k = 0; k < New - 1; k++)
            AssertClose(expected[Old + k], rows[k]);
        // Never seen: an average token.
        AssertClose(MeanTrained(), rows[New - 1]);
    }

    [Fact]
    public void LeastSquares_OfAWholeHead_NeedsNoTrainedRows()
    {
        HeadInitialization.Fill(_larger, HeadInitializationKind.MatchedLeastSquares, firstToken: 0, _features);
        double[][] rows = RowsOfHead(0);
        Vector<double>[] expected = Classifiers();
        for (int k = 0; k < Old + New - 1; k++)
            AssertClose(expected[k], rows[k]);
        Assert.All(rows[Old + New - 1], value => Assert.Equal(0, value));
    }

    [Fact]
    public void MatchedLeastSquares_FitsTheTrainedRowsBest()
    {
        double[][] rows = Fill(HeadInitializationKind.MatchedLeastSquares);
        // Brute force: least squares over all (feature, trained token) pairs, centred over tokens feature by feature.
        Vector<double>[] classifiers = Classifiers();
        Vector<double> constant = Ridge().Inverse() * Mean();
        double[] weights = [.. Enumerable.Range(0, Old).Select(k => (double)_seen.Count(seen => seen.Target == k))];
        double total = weights.Sum();
        Vector<double> Centre(Func<int, Vector<double>> row) => Enumerable.Range(0, Old).Select(k => row(k) * (weights[k] / total)).Aggregate((a, b) => a + b);
        Vector<double> Trained(int k) => Vector<double>.Build.Dense([.. RowsOf(_model.HeadWeight.ToArray())[k]]);
        double Share(int k) => Math.Log((double)_seen.Count(seen => seen.Target == k) / _seen.Count);
        Vector<double> Unigram(int k) => constant * Share(k);
        (Vector<double> trainedMean, Vector<double> classifierMean, Vector<double> unigramMean) = (Centre(Trained), Centre(k => classifiers[k]), Centre(Unigram));
        var left = Matrix<double>.Build.Dense(_seen.Count * Old, 2);
        var right = Vector<double>.Build.Dense(_seen.Count * Old);
        for (int n = 0; n < _seen.Count; n++)
            for (int k = 0; k < Old; k++)
            {
                Vector<double> h = Vector<double>.Build.Dense(_seen[n].Feature);
                double root = Math.Sqrt(weights[k]);
                left[n * Old + k, 0] = root * ((classifiers[k] - classifierMean) * h);
                left[n * Old + k, 1] = root * ((Unigram(k) - unigramMean) * h);
                right[n * Old + k] = root * ((Trained(k) - trainedMean) * h);
            }
        Vector<double> fit = left.QR().Solve(right);
        for (int k = 0; k < New - 1; k++)
            AssertClose(trainedMean + (classifiers[Old + k] - classifierMean) * fit[0] + (Unigram(Old + k) - unigramMean) * fit[1], rows[k]);
    }

    [Theory]
    [InlineData(Old)]
    [InlineData(0)]
    public void SoftmaxFit_IsTheLeastLoss(int first)
    {
        HeadInitialization.Fill(_larger, HeadInitializationKind.MatchedLeastSquares, first, _features);
        double[][] start = RowsOfHead(0);
        HeadInitialization.Fill(_larger, HeadInitializationKind.SoftmaxFit, first, _features);
        double[][] rows = RowsOfHead(0);
        Assert.Equal(RowsOf(_model.HeadWeight.ToArray())[..first], rows[..first]);
        // Never seen.
        Assert.Equal(start[^1], rows[^1]);
        double before = Norm(Gradient(start)), after = Norm(Gradient(rows));
        Assert.True(after < 3e-4 * before, $"The gradient's norm is {after}, at the beginning {before}.");
        Assert.True(Loss(rows) < Loss(start));

        double Loss(double[][] w) => _seen.Average(seen => Math.Log(w.Sum(row => Math.Exp(Dot(row, seen.Feature)))) - Dot(w[seen.Target], seen.Feature));

        // Of loss and pull, for the rows that move: the plain formula, one token and channel at a time.
        double[][] Gradient(double[][] w) =>
            [.. Enumerable.Range(first, Old + New - 1 - first).Select(k => Enumerable.Range(0, Channels).Select(i =>
                _seen.Average(seen => (Math.Exp(Dot(w[k], seen.Feature)) / w.Sum(row => Math.Exp(Dot(row, seen.Feature))) - (seen.Target == k ? 1 : 0)) * seen.Feature[i])
                + HeadFit.Ridge * (w[k][i] - start[k][i])).ToArray())];

        static double Norm(double[][] rows) => Math.Sqrt(rows.Sum(row => row.Sum(value => value * value)));
        static double Dot(double[] a, double[] b) => a.Zip(b).Sum(pair => pair.First * pair.Second);
    }

    [Fact]
    public void ClassMean_PointsWhereTheFeaturesLie_AsLongAsTrainedRows()
    {
        double[][] rows = Fill(HeadInitializationKind.ClassMean);
        double norm = RowsOf(_model.HeadWeight.ToArray()).Average(row => Math.Sqrt(row.Sum(value => value * value)));
        for (int k = 0; k < New - 1; k++)
            AssertClose(MeanOf(Old + k) * (norm / MeanOf(Old + k).L2Norm()), rows[k]);
    }

    [Fact]
    public void LogUnigram_GivesLogitsOfTheShares()
    {
        HeadInitialization.Fill(_larger, HeadInitializationKind.LogUnigram, features: _features);
        double[][] rows = RowsOfHead(0);
        Vector<double> constant = Ridge().Inverse() * Mean();
        for (int k = 0; k < Old + New; k++)
            AssertClose(constant * Math.Log(Math.Max(0.5, _seen.Count(seen => seen.Target == k)) / _seen.Count), rows[k]);
    }

    [Fact]
    public void PlainKinds_NeedNoFeatures()
    {
        Assert.All(Fill(HeadInitializationKind.Zero, withFeatures: false), row => Assert.All(row, value => Assert.Equal(0, value)));
        Assert.All(Fill(HeadInitializationKind.MeanRow, withFeatures: false), row => AssertClose(MeanTrained(), row));
        double[] random = [.. Fill(HeadInitializationKind.Random, withFeatures: false).SelectMany(row => row)];
        Assert.InRange(Math.Sqrt(random.Average(value => value * value)), 0.012, 0.03);
        Assert.Equal(random, Fill(HeadInitializationKind.Random, withFeatures: false).SelectMany(row => row));
    }

    [Fact]
    public void Fill_WithWhatDoesNotFit_IsRefused()
    {
        Assert.Contains("there are none", Assert.Throws<ArgumentException>(() => HeadInitialization.Fill(_larger, HeadInitializationKind.LeastSquares, Old)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => HeadInitialization.Fill(_larger, HeadInitializationKind.ClassMean, Old, new HeadFeatures(Old + New, Channels)));
        Assert.Throws<ArgumentException>(() => HeadInitialization.Fill(_model, HeadInitializationKind.ClassMean, 0, _features));
        Assert.Throws<ArgumentOutOfRangeException>(() => HeadInitialization.Fill(_larger, HeadInitializationKind.Zero, Old + New + 1));
        Assert.Throws<ArgumentException>(() => _features.Add(new float[Channels], [Old + New]));
        Assert.Throws<ArgumentException>(() => _features.Add(new float[Channels + 1], [0]));
        using var tied = new GptModel(_test.Device, _model.Config with { TiedHead = true });
        using GptModel largerTied = HeadInitialization.Enlarge(tied, Old + New);
        Assert.Contains("tied", Assert.Throws<ArgumentException>(() => HeadInitialization.Fill(largerTied, HeadInitializationKind.LeastSquares, Old, _features)).Message, StringComparison.Ordinal);
        HeadInitialization.Fill(largerTied, HeadInitializationKind.Random, Old);
    }

    [Fact]
    public void Cholesky_AgreesWithALibrary_AndRefusesWhatIsNotPositive()
    {
        Matrix<double> a = Ridge();
        var factor = new Andrea.Numerics.Cholesky(a.ToRowMajorArray(), Channels);
        double[] x = [.. Mean()];
        factor.Solve(x);
        AssertClose(a.Cholesky().Solve(Mean()), x);
        Assert.Throws<ArithmeticException>(() => new Andrea.Numerics.Cholesky([1, 2, 2, 1], 2));
        Assert.Throws<ArithmeticException>(() => new Andrea.Numerics.Cholesky([double.NaN], 1));
    }

    [Fact]
    public void NewTokens_OfATrainedModel_BeginWithoutTheSpike()
    {
        using var experiment = new HeadExperiment(seed: 1, steps: 500, characters: 30_000);
        HeadResult mean = experiment.Run(HeadInitializationKind.MeanRow), zero = experiment.Run(HeadInitializationKind.Zero);
        HeadResult matched = experiment.Run(HeadInitializationKind.MatchedLeastSquares), fitted = experiment.Run(HeadInitializationKind.SoftmaxFit);
        HeadResult floor = experiment.Run(HeadInitializationKind.SoftmaxFit, everyRow: true);
        Assert.True(matched.NewTokens < zero.NewTokens - 1 && matched.Spike < mean.Spike / 2, $"{matched} against {mean} and {zero}");
        // What the head can remove is gone: new tokens begin as good as old ones, and refitting those too would gain next to nothing.
        Assert.True(fitted.NewTokens < fitted.OldTokens + 0.3 && fitted.OldTokens < mean.OldTokens + 0.3, $"{fitted}");
        Assert.True(fitted.Spike < matched.Spike && fitted.Spike < mean.Spike / 3, $"{fitted} against {mean}");
        Assert.True(fitted.Spike < floor.Spike + 0.1, $"{fitted} against {floor}");
    }

    public void Dispose()
    {
        _pass.Dispose();
        _larger.Dispose();
        _model.Dispose();
        _test.Dispose();
    }

    private static int[] Draw(Random random) => [.. Enumerable.Range(0, Rows).Select(_ => random.Next(Old + New - 1))];

    private double[][] Fill(HeadInitializationKind kind, bool withFeatures = true)
    {
        HeadInitialization.Fill(_larger, kind, Old, withFeatures ? _features : null);
        Assert.Equal(_model.HeadWeight.ToArray(), _larger.HeadWeight.ToArray()[..(Old * Channels)]);
        return RowsOfHead(Old);
    }

    private double[][] RowsOfHead(int first) => RowsOf(_larger.HeadWeight.ToArray())[first..];

    private static double[][] RowsOf(float[] values) => [.. values.Chunk(Channels).Select(row => row.Select(value => (double)value).ToArray())];

    private Vector<double> Mean() => _seen.Select(seen => Vector<double>.Build.Dense(seen.Feature)).Aggregate((a, b) => a + b) / _seen.Count;

    private Vector<double> MeanOf(int token)
    {
        Vector<double>[] features = [.. _seen.Where(seen => seen.Target == token).Select(seen => Vector<double>.Build.Dense(seen.Feature))];
        return features.Length == 0 ? Vector<double>.Build.Dense(Channels) : features.Aggregate((a, b) => a + b) / features.Length;
    }

    private Vector<double> MeanTrained() => RowsOf(_model.HeadWeight.ToArray()).Select(row => Vector<double>.Build.Dense(row)).Aggregate((a, b) => a + b) / Old;

    /// <summary>Sigma + mu mu^T + 0.05 I.</summary>
    private Matrix<double> Ridge()
    {
        Vector<double> mean = Mean();
        Matrix<double> covariance = _seen.Select(seen => Vector<double>.Build.Dense(seen.Feature) - mean).Select(x => x.OuterProduct(x)).Aggregate((a, b) => a + b) / _seen.Count;
        return covariance + mean.OuterProduct(mean) + 0.05 * Matrix<double>.Build.DenseIdentity(Channels);
    }

    private Vector<double>[] Classifiers()
    {
        Matrix<double> inverse = Ridge().Inverse();
        int classes = _seen.Select(seen => seen.Target).Distinct().Count();
        return [.. Enumerable.Range(0, Old + New).Select(k => inverse * MeanOf(k) / classes)];
    }

    private static void AssertClose(Vector<double> expected, double[] actual)
    {
        for (int i = 0; i < Channels; i++)
            Assert.Equal(expected[i], actual[i], 1e-5 * (expected.L2Norm() + 1e-3));
    }
}
