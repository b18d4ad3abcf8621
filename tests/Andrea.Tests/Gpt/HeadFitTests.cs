using Andrea.Gpt;

namespace Andrea.Tests.Gpt;

/// <summary>The fit by itself, where numbers are large or the loss is flat: held against a gradient written out plainly.</summary>
public class HeadFitTests
{
    private const int Features = 300;

    [Theory]
    [InlineData(3, 8, 1, true, false)]
    [InlineData(3, 8, 1, false, false)]
    [InlineData(2, 16, 3, true, false)]
    [InlineData(2, 16, 3, false, false)]
    [InlineData(5, 6, 0.3, false, false)]
    [InlineData(2, 8, 10, true, true)]
    public void From_AnyStart_EndsWhereTheGradientDoes(int rows, int channels, double scale, bool hasOthers, bool separable)
    {
        var problem = new Problem(rows, channels, scale, hasOthers, separable);
        Assert.InRange(problem.GradientAfterFit(), 0, 1.1e-4);
    }

    [Fact]
    public void From_LogitsBeyondExponentials_StaysFinite()
    {
        var problem = new Problem(rows: 3, channels: 4, scale: 1000, hasOthers: true, separable: false);
        Assert.All(problem.Fit(), value => Assert.True(double.IsFinite(value)));
    }

    [Fact]
    public void LogSumExp_LargeLogits_IsExactAndOfNothingMinusInfinity()
    {
        Assert.Equal([2000 + Math.Log(2), 0.5 * 2000 + Math.Log(2)], HeadFit.LogSumExp([2000, 2000], [1, 0.5], channels: 1));
        Assert.Equal([double.NegativeInfinity], HeadFit.LogSumExp([], [1, 2, 3], channels: 3));
    }

    private sealed class Problem
    {
        private readonly double[] _features, _others, _start;
        private readonly int[] _rowOf;
        private readonly int _rows, _channels;

        public Problem(int rows, int channels, double scale, bool hasOthers, bool separable)
        {
            var random = new Random(1);
            (_rows, _channels) = (rows, channels);
            // Channels of very different size: what a plain gradient would crawl along.
            _features = [.. Enumerable.Range(0, Features * channels).Select(i => scale * (random.NextDouble() - 0.4) / (1 + i % channels))];
            _others = [.. Enumerable.Range(0, Features).Select(_ => hasOthers ? scale * random.NextDouble() : double.NegativeInfinity)];
            _rowOf = [.. Enumerable.Range(0, Features).Select(n => separable ? (_features[n * channels] > 0 ? 0 : 1) : random.Next(hasOthers ? -1 : 0, rows))];
            _start = [.. Enumerable.Range(0, rows * channels).Select(_ => random.NextDouble())];
        }

        public double[] Fit() => new HeadFit(_features, _others, _rowOf, _rows).From(_start);

        /// <summary>Norm of the gradient after the fit, as a share of that before.</summary>
        public double GradientAfterFit() => GradientNorm(Fit()) / GradientNorm(_start);

        private double GradientNorm(double[] rows)
        {
            double squares = 0;
            for (int k = 0; k < _rows; k++)
                for (int i = 0; i < _channels; i++)
                {
                    double sum = 0;
                    for (int n = 0; n < Features; n++)
                    {
                        double total = Math.Exp(_others[n]) + Enumerable.Range(0, _rows).Sum(row => Math.Exp(Logit(rows, row, n)));
                        sum += (Math.Exp(Logit(rows, k, n)) / total - (_rowOf[n] == k ? 1 : 0)) * _features[n * _channels + i] / Features;
                    }
                    sum += HeadFit.Ridge * (rows[k * _channels + i] - _start[k * _channels + i]);
                    squares += sum * sum;
                }
            return Math.Sqrt(squares);
        }

        private double Logit(double[] rows, int row, int n) => Enumerable.Range(0, _channels).Sum(i => rows[row * _channels + i] * _features[n * _channels + i]);
    }
}
