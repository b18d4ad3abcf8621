using Andrea.Numerics;

namespace Andrea.Gpt;

/// <summary>Fits rows of a head to features by the softmax's own loss, all other rows staying as they are. In double, on the calling thread.</summary>
/// <remarks>
/// Minimises F(W) = mean over features of -log softmax(target) + ridge / 2 ||W - W0||^2, which is strictly convex. The Hessian of a softmax's loss
/// is never above 1/2 I (x) E[h h^T] (Boehning 1992), so that (1/2 E[h h^T] + ridge I)^-1, one Cholesky factor, is a step for every
/// row that cannot overshoot; Nesterov's momentum, begun anew whenever it points uphill (O'Donoghue and Candes 2015), brings the speed.
/// Ends when the gradient has 1e-4 of its first norm, or after <see cref="MaxSteps"/> steps: features of which fewer than C are given, or
/// that are very large, are fitted to a hundredth of it or so, which is plenty for a beginning. A step costs 4 N K C operations for N features and K rows.
/// </remarks>
internal sealed class HeadFit
{
    /// <summary>Pull towards the rows the fit begins with: keeps a token that was a target once or twice from being sure of itself.</summary>
    internal const double Ridge = 1e-3;

    internal const int MaxSteps = 300;

    // Of the first gradient's norm.
    private const double Tolerance = 1e-4;

    private readonly double[] _features, _others;
    private readonly int[] _rowOf;
    private readonly int _channels, _rows;
    private readonly Cholesky _step;

    /// <summary>Prepares a fit.</summary>
    /// <param name="features">(N, C) what the head reads.</param>
    /// <param name="others">(N) log of the sum of exp over the logits of the rows that stay; -infinity where there are none.</param>
    /// <param name="rowOf">(N) the row to predict, or -1 where it is one that stays.</param>
    /// <param name="rows">K, number of rows to fit.</param>
    public HeadFit(double[] features, double[] others, int[] rowOf, int rows)
    {
        (_features, _others, _rowOf, _rows) = (features, others, rowOf, rows);
        _channels = features.Length / rowOf.Length;
        _step = new Cholesky(Bound(), _channels);
    }

    /// <summary>The rows that fit best.</summary>
    /// <param name="start">(K, C) W0.</param>
    /// <returns>(K, C)</returns>
    public double[] From(double[] start)
    {
        double[] rows = [.. start], ahead = [.. start], gradient = new double[start.Length], scratch = new double[_rows];
        double momentum = 1, first = 0;
        for (int step = 0; step < MaxSteps; step++)
        {
            Gradient(ahead, start, gradient, scratch);
            double norm = Math.Sqrt(Dot(gradient, gradient));
            first = step == 0 ? norm : first;
            if (norm <= Tolerance * first)
                return ahead;
            double[] before = rows;
            rows = [.. ahead];
            double[] descent = [.. gradient];
            for (int row = 0; row < _rows; row++)
                _step.Solve(descent.AsSpan(row * _channels, _channels));
            double uphill = 0;
            for (int i = 0; i < rows.Length; i++)
            {
                rows[i] -= descent[i];
                uphill += gradient[i] * (rows[i] - before[i]);
            }
            double next = uphill > 0 ? 1 : (1 + Math.Sqrt(1 + 4 * momentum * momentum)) / 2;
            double carried = uphill > 0 ? 0 : (momentum - 1) / next;
            for (int i = 0; i < rows.Length; i++)
                ahead[i] = rows[i] + carried * (rows[i] - before[i]);
            momentum = next;
        }
        return rows;
    }

    /// <summary>The sum of exp over the rows of a head for each feature, as a logarithm; -infinity for a head without rows.</summary>
    /// <param name="rows">(any, C)</param>
    /// <param name="features">(N, C)</param>
    /// <param name="channels">C.</param>
    public static double[] LogSumExp(double[] rows, double[] features, int channels)
    {
        double[] results = new double[features.Length / channels], logits = new double[rows.Length / channels];
        for (int n = 0; n < results.Length; n++)
        {
            double max = double.NegativeInfinity, sum = 0;
            for (int row = 0; row < logits.Length; row++)
                max = Math.Max(max, logits[row] = Dot(rows.AsSpan(row * channels, channels), features.AsSpan(n * channels, channels)));
            foreach (double logit in logits)
                sum += Math.Exp(logit - max);
            results[n] = max + Math.Log(sum);
        }
        return results;
    }

    /// <summary>The lower half of 1/2 E[h h^T] + ridge I.</summary>
    private double[] Bound()
    {
        var bound = new double[_channels * _channels];
        for (int n = 0; n < _rowOf.Length; n++)
            for (int i = 0; i < _channels; i++)
                AddScaled(bound.AsSpan(i * _channels, i + 1), _features.AsSpan(n * _channels, i + 1), _features[n * _channels + i] / (2.0 * _rowOf.Length));
        for (int i = 0; i < _channels; i++)
            bound[i * _channels + i] += Ridge;
        return bound;
    }

    /// <summary>The gradient of F.</summary>
    private void Gradient(double[] rows, double[] start, double[] gradient, double[] logits)
    {
        for (int i = 0; i < gradient.Length; i++)
            gradient[i] = Ridge * (rows[i] - start[i]);
        for (int n = 0; n < _rowOf.Length; n++)
        {
            ReadOnlySpan<double> feature = _features.AsSpan(n * _channels, _channels);
            double max = _others[n];
            for (int row = 0; row < _rows; row++)
            {
                logits[row] = Dot(rows.AsSpan(row * _channels, _channels), feature);
                max = Math.Max(max, logits[row]);
            }
            double sum = Math.Exp(_others[n] - max);
            for (int row = 0; row < _rows; row++)
                sum += logits[row] = Math.Exp(logits[row] - max);
            for (int row = 0; row < _rows; row++)
                AddScaled(gradient.AsSpan(row * _channels, _channels), feature, (logits[row] / sum - (row == _rowOf[n] ? 1 : 0)) / _rowOf.Length);
        }
    }

    /// <summary>The sum of products, as four sums, since one would wait for itself at every addition.</summary>
    internal static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        double sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
        int i = 0;
        for (; i + 3 < a.Length && i + 3 < b.Length; i += 4)
        {
            sum0 += a[i] * b[i];
            sum1 += a[i + 1] * b[i + 1];
            sum2 += a[i + 2] * b[i + 2];
            sum3 += a[i + 3] * b[i + 3];
        }
        for (; i < a.Length; i++)
            sum0 += a[i] * b[i];
        return sum0 + sum1 + (sum2 + sum3);
    }

    private static void AddScaled(Span<double> sums, ReadOnlySpan<double> values, double factor)
    {
        for (int i = 0; i < sums.Length && i < values.Length; i++)
            sums[i] += factor * values[i];
    }
}
