namespace Andrea.Monitoring.Diagnosis;

/// <summary>A second moment that decays by itself, by beta2 a step, while the gradient it should hold back grows (arXiv:2506.04805).</summary>
/// <remarks>
/// What a step feeds to v, as a share of what v loses in it, is s = (growth - beta2) / (1 - beta2) = mean(g^2) / mean(v_{t-1}): 1 in a steady
/// state, near 0 where v has lost touch. A fading gradient does that in every healthy run; a gradient that rises again from there does
/// not, as a rule. Both are looked at in steps with measured updates alone.
/// </remarks>
internal sealed class StaleSecondMomentRule(GradientDiagnosisOptions options) : DiagnosisRule
{
    private readonly Episode _episode = new(toBegin: 2, options.EndAfter);
    private RobustWindow[] _norms = [];

    // The lowest median norm since a tensor's v lost touch; NaN while it has not.
    private double[] _lowest = [], _growth = [];
    private long _elements;

    public override Verdict? OnGradients(GradientRecord record, RunHistory history)
    {
        if (!record.HasUpdates || double.IsNaN(record.Beta2))
            return null;
        if (_norms.Length != record.Tensors.Count)
            Begin(record.Tensors);
        long stale = 0;
        for (int i = 0; i < _norms.Length; i++)
        {
            _growth[i] = GrowthOf(i, record);
            if (_growth[i] >= options.StaleGrowth)
                stale += record.Tensors[i].Length;
        }
        return _episode.Begins(stale >= options.StaleShare * _elements && stale > 0, record.Step) ? Found(record) : null;
    }

    /// <summary>Factor by which a tensor's gradient has grown while its v decayed; NaN where v holds on.</summary>
    private double GrowthOf(int index, GradientRecord record)
    {
        RobustWindow norms = _norms[index];
        norms.Add(record.Readings[index].NormAfter);
        double intake = (record.SecondMomentGrowth(index) - record.Beta2) / (1 - record.Beta2);
        // A tensor without any gradient is dead, which is another finding.
        if (!(intake <= options.StaleIntake) || !norms.IsFull || !(norms.Median > 0))
        {
            _lowest[index] = double.NaN;
            return double.NaN;
        }
        _lowest[index] = double.IsNaN(_lowest[index]) ? norms.Median : Math.Min(_lowest[index], norms.Median);
        return norms.Median / _lowest[index];
    }

    private void Begin(IReadOnlyList<MonitoredTensor> tensors)
    {
        _norms = [.. tensors.Select(_ => new RobustWindow(options.StaleWindow))];
        _lowest = new double[tensors.Count];
        _growth = new double[tensors.Count];
        Array.Fill(_lowest, double.NaN);
        _elements = tensors.Sum(tensor => tensor.Length);
    }

    private Verdict Found(GradientRecord record)
    {
        int[] indices = [.. Enumerable.Range(0, _growth.Length).Where(i => _growth[i] >= options.StaleGrowth).OrderByDescending(i => _growth[i])];
        string[] names = [.. indices.Select(i => record.Tensors[i].Name)];
        return new Verdict
        {
            Kind = VerdictKind.StaleSecondMoment,
            Step = record.Step,
            Since = _episode.Since,
            Summary = Sentence($"The second moment decays by itself while gradients grow: of {Names(names)} v changes by {record.SecondMomentGrowth(indices[0]):0.#####} a step (beta2 is {record.Beta2:0.#####}) with a gradient {Number(_growth[indices[0]])} times what it was, since step {_episode.Since}. Steps grow with the gradient until v has caught up."),
            Remedy = "Lower Beta2 (AdamWOptions.Beta2, such as 0.95), so that v follows sooner, or LearningRate (--lr); measure TrainerOptions.Curvature to see whether a spike is near.",
            Tensors = names,
        };
    }
}
