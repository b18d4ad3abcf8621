using Andrea.Numerics;

namespace Andrea.Gpt;

/// <summary>The formulas of <see cref="HeadInitializationKind"/> that need features. Rows of tokens after the trained ones, in double.</summary>
/// <param name="features">What the head reads, by target.</param>
/// <param name="trained">(first token, C) rows of the trained tokens; may be empty.</param>
internal sealed class HeadRows(HeadFeatures features, float[] trained)
{
    private readonly int _channels = features.ChannelCount;
    private readonly int _first = trained.Length / features.ChannelCount;

    /// <summary>Mean features, all of the trained rows' mean norm.</summary>
    public double[] ClassMeans()
    {
        double norm = 0;
        for (int token = 0; token < _first; token++)
            norm += Math.Sqrt(HeadFit.Dot(TrainedRow(token), TrainedRow(token))) / _first;
        norm = _first == 0 ? 1 / Math.Sqrt(_channels) : norm;
        return Rows(token =>
        {
            double[] mean = features.MeanOf(token);
            double length = Math.Sqrt(HeadFit.Dot(mean, mean));
            return Scaled(mean, length > 0 ? norm / length : 0);
        });
    }

    /// <summary>(1/C) m_k^T (Sigma + mu mu^T + ridge I)^-1 for each token k, C the number of classes seen.</summary>
    public double[] LeastSquares()
    {
        Cholesky ridge = Factor(features.SecondMoment());
        return Rows(token => Classifier(ridge, token));
    }

    /// <summary>factor * classifier + unigram * log p_k * constant + gauge, fitted to the trained rows.</summary>
    /// <remarks>
    /// A softmax is blind to what is added to every row alike, so rows are compared after their mean over the trained tokens has been taken off, each
    /// weighted by how often it was a target; that mean is the gauge. Two numbers remain, by least squares over tokens and features: how large a
    /// logit the trained head makes of one unit of the classifier's output, and of a token's log frequency. All sums follow from the features'
    /// second moment: E[(a h)(b h)] = a^T E[h h^T] b.
    /// </remarks>
    public double[] MatchedLeastSquares()
    {
        double[] moment = features.SecondMoment();
        Cholesky ridge = Factor(moment);
        int[] known = [.. Enumerable.Range(0, _first).Where(token => features.CountOf(token) > 0)];
        if (known.Length < 2)
            return Rows(token => Classifier(ridge, token));
        double[] constant = features.Mean();
        ridge.Solve(constant);
        double[] weights = [.. known.Select(token => (double)features.CountOf(token))];
        double[][] trainedRows = [.. known.Select(TrainedRow)], classifiers = [.. known.Select(token => Classifier(ridge, token))];
        double[][] unigrams = [.. known.Select(token => Scaled([.. constant], LogShare(token)))];
        double[] trainedMean = TakeMeanOff(trainedRows, weights), classifierMean = TakeMeanOff(classifiers, weights), unigramMean = TakeMeanOff(unigrams, weights);
        double cc = 0, uu = 0, cu = 0, tc = 0, tu = 0;
        for (int i = 0; i < known.Length; i++)
        {
            double[] classifier = Product(moment, classifiers[i]), unigram = Product(moment, unigrams[i]);
            cc += weights[i] * HeadFit.Dot(classifiers[i], classifier);
            cu += weights[i] * HeadFit.Dot(classifiers[i], unigram);
            uu += weights[i] * HeadFit.Dot(unigrams[i], unigram);
            tc += weights[i] * HeadFit.Dot(trainedRows[i], classifier);
            tu += weights[i] * HeadFit.Dot(trainedRows[i], unigram);
        }
        double determinant = cc * uu - cu * cu;
        // Tokens that are all as frequent leave the second number open.
        (double factor, double unigramFactor) = determinant > 1e-12 * cc * uu
            ? ((tc * uu - tu * cu) / determinant, (tu * cc - tc * cu) / determinant)
            : (cc > 0 ? tc / cc : 1, 0);
        return Rows(token =>
        {
            double[] row = Classifier(ridge, token);
            double share = LogShare(token);
            for (int i = 0; i < row.Length; i++)
                row[i] = trainedMean[i] + factor * (row[i] - classifierMean[i]) + unigramFactor * (share * constant[i] - unigramMean[i]);
            return row;
        });
    }

    /// <summary>log p_k u, u = (Sigma + mu mu^T + ridge I)^-1 mu.</summary>
    public double[] LogUnigram()
    {
        double[] constant = features.Mean();
        Factor(features.SecondMoment()).Solve(constant);
        return Rows(token => Scaled([.. constant], LogShare(token)), evenUnseen: true);
    }

    /// <summary>The least loss on the features kept, beginning with <see cref="MatchedLeastSquares"/>; rows of tokens not among them stay where that
    /// leaves them.</summary>
    public double[] SoftmaxFit()
    {
        double[] rows = MatchedLeastSquares();
        int[] targets = features.KeptTargets.ToArray();
        int[] seen = [.. targets.Where(token => token >= _first).Distinct().Order()];
        if (seen.Length == 0)
            return rows;
        double[] inputs = [.. features.Kept.ToArray().Select(value => (double)value)];
        double[] staying =
        [
            .. trained.Select(value => (double)value),
            .. Enumerable.Range(_first, features.VocabularySize - _first).Except(seen).SelectMany(RowOf),
        ];
        Dictionary<int, int> places = seen.Select((token, i) => (token, i)).ToDictionary();
        int[] rowOf = [.. targets.Select(token => places.GetValueOrDefault(token, -1))];
        var fit = new HeadFit(inputs, HeadFit.LogSumExp(staying, inputs, _channels), rowOf, seen.Length);
        double[] fitted = fit.From([.. seen.SelectMany(RowOf)]);
        for (int i = 0; i < seen.Length; i++)
            fitted.AsSpan(i * _channels, _channels).CopyTo(rows.AsSpan((seen[i] - _first) * _channels));
        return rows;

        double[] RowOf(int token) => rows[((token - _first) * _channels)..((token - _first + 1) * _channels)];
    }

    /// <summary>log of a token's share among the targets; one that never was counts half.</summary>
    private double LogShare(int token) => Math.Log(Math.Max(0.5, features.CountOf(token)) / features.Count);

    private double[] Classifier(Cholesky ridge, int token)
    {
        double[] row = Scaled(features.MeanOf(token), 1.0 / features.ClassCount);
        ridge.Solve(row);
        return row;
    }

    private Cholesky Factor(double[] moment)
    {
        double[] matrix = [.. moment];
        for (int i = 0; i < _channels; i++)
            matrix[i * _channels + i] += HeadInitialization.Ridge;
        return new Cholesky(matrix, _channels);
    }

    /// <summary>Takes the weighted mean off all rows, and gives it.</summary>
    private static double[] TakeMeanOff(double[][] rows, double[] weights)
    {
        var mean = new double[rows[0].Length];
        double total = weights.Sum();
        for (int row = 0; row < rows.Length; row++)
            for (int i = 0; i < mean.Length; i++)
                mean[i] += weights[row] / total * rows[row][i];
        foreach (double[] row in rows)
            for (int i = 0; i < mean.Length; i++)
                row[i] -= mean[i];
        return mean;
    }

    /// <summary>All rows after the trained ones.</summary>
    private double[] Rows(Func<int, double[]> rowOf, bool evenUnseen = false)
    {
        double[] unseen = HeadInitialization.MeanRow(trained, _first, _channels);
        var rows = new double[(features.VocabularySize - _first) * _channels];
        for (int token = _first; token < features.VocabularySize; token++)
            (evenUnseen || features.CountOf(token) > 0 ? rowOf(token) : unseen).CopyTo(rows, (token - _first) * _channels);
        return rows;
    }

    private double[] TrainedRow(int token) => [.. trained.AsSpan(token * _channels, _channels).ToArray().Select(value => (double)value)];

    private double[] Product(double[] matrix, double[] vector) =>
        [.. Enumerable.Range(0, _channels).Select(i => HeadFit.Dot(matrix.AsSpan(i * _channels, _channels), vector))];

    private static double[] Scaled(double[] values, double factor)
    {
        for (int i = 0; i < values.Length; i++)
            values[i] *= factor;
        return values;
    }
}
