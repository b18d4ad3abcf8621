namespace Andrea.Monitoring.Diagnosis;

/// <summary>Fits log10 of the gradient norm over depth, kind by kind, and finds where it leans too far.</summary>
/// <param name="options">How far is too far.</param>
/// <param name="sign">1 looks for norms that shrink towards the input, -1 for norms that grow towards it.</param>
internal abstract class DepthRule(GradientDiagnosisOptions options, int sign) : DiagnosisRule
{
    private readonly Episode _episode = new(options.BeginAfter, options.EndAfter);

    /// <summary>How far is too far.</summary>
    protected GradientDiagnosisOptions Options => options;

    /// <summary>Looks at the latest record.</summary>
    /// <returns>The kinds that lean too far, steepest first, when that begins; else null.</returns>
    protected List<Lean>? Begin(GradientRecord record, RunHistory history)
    {
        int leaning = 0;
        foreach (TensorKind kind in history.Kinds)
            if (IsSteep(Fit(kind, history)))
                leaning++;
        // One kind alone may have its reasons; a gradient that fades on its way shows in most.
        bool present = history.Kinds.Length > 0 && 2 * leaning > history.Kinds.Length;
        if (!_episode.Begins(present, record.Step))
            return null;
        return Leaning(history);
    }

    /// <summary>The first of the sightings that made the episode.</summary>
    protected long Since => _episode.Since;

    /// <summary>Names of the tensors of kinds that lean.</summary>
    protected static string[] TensorsOf(IEnumerable<Lean> leans, RunHistory history) =>
        [.. leans.SelectMany(lean => lean.Kind.Indices).Order().Select(index => history.Tensors[index].Name)];

    // Apart, for its lambda's object is made on entry.
    private List<Lean> Leaning(RunHistory history) =>
        [.. history.Kinds.Select(kind => Fit(kind, history)).Where(IsSteep).OrderByDescending(lean => Math.Abs(lean.Slope))];

    private bool IsSteep(Lean lean) =>
        sign * lean.Slope >= options.DepthSlope && sign * lean.Slope * lean.Span >= options.DepthDecades;

    /// <summary>Least squares of log10(median norm) over depth. Blocks without gradient are left out: they are dead, not faint.</summary>
    private Lean Fit(TensorKind kind, RunHistory history)
    {
        double n = 0, sumX = 0, sumY = 0, sumXX = 0, sumXY = 0, first = double.NaN, last = double.NaN;
        int firstDepth = 0, lastDepth = 0;
        for (int i = 0; i < kind.Indices.Length; i++)
        {
            RobustWindow norms = history.TensorNorms[kind.Indices[i]];
            double median = norms.Median;
            if (norms.Count < Math.Min(options.MinimumRecords, norms.Capacity) || !(median > 0))
                continue;
            double x = kind.Depths[i], y = Math.Log10(median);
            (n, sumX, sumY, sumXX, sumXY) = (n + 1, sumX + x, sumY + y, sumXX + x * x, sumXY + x * y);
            if (double.IsNaN(first))
                (first, firstDepth) = (median, kind.Depths[i]);
            (last, lastDepth) = (median, kind.Depths[i]);
        }
        double slope = n >= options.LeastDepths ? (n * sumXY - sumX * sumY) / (n * sumXX - sumX * sumX) : 0;
        return new Lean(kind, slope, firstDepth, lastDepth, first, last);
    }

    /// <summary>How the norms of one kind lean.</summary>
    /// <param name="Kind">The kind.</param>
    /// <param name="Slope">Powers of ten a block, positive where norms grow from the input to the head.</param>
    /// <param name="FirstDepth">Lowest block with a gradient.</param>
    /// <param name="LastDepth">Highest block with a gradient.</param>
    /// <param name="FirstNorm">Median norm in the lowest block.</param>
    /// <param name="LastNorm">Median norm in the highest block.</param>
    protected readonly record struct Lean(TensorKind Kind, double Slope, int FirstDepth, int LastDepth, double FirstNorm, double LastNorm)
    {
        /// <summary>Blocks from the lowest to the highest.</summary>
        public int Span => LastDepth - FirstDepth;
    }
}
