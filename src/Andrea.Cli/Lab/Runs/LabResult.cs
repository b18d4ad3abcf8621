using Andrea.Monitoring;

namespace Andrea.Cli.Lab.Runs;

/// <summary>All that an arm's run came to, in memory.</summary>
/// <remarks>The same bits on every run and any number of threads, but for <see cref="MedianMilliseconds"/>.</remarks>
internal sealed class LabResult(LabArm arm) : IStepObserver
{
    private readonly List<double> _losses = [], _norms = [], _magnitudes = [], _coefficients = [], _milliseconds = [];
    private readonly List<long> _skips = [];
    private readonly List<GuardRecord> _rollbacks = [];
    private readonly List<EvaluationRecord> _evaluations = [];
    private readonly List<CoherenceRecord> _samples = [];

    public LabArm Arm => arm;

    /// <summary>Training loss of each step; the first is that of step 1.</summary>
    public IReadOnlyList<double> Losses => _losses;

    /// <summary>Joint norm of the gradients before the clip, step by step.</summary>
    public IReadOnlyList<double> Norms => _norms;

    /// <summary>Largest |g| before the clip, step by step.</summary>
    public IReadOnlyList<double> Magnitudes => _magnitudes;

    /// <summary>What gradients were multiplied by, step by step; exactly 1 where the clipper left them alone.</summary>
    public IReadOnlyList<double> Coefficients => _coefficients;

    /// <summary>Steps whose update was not made.</summary>
    public IReadOnlyList<long> Skips => _skips;

    /// <summary>Where the spike guard went back to a snapshot.</summary>
    public IReadOnlyList<GuardRecord> Rollbacks => _rollbacks;

    /// <summary>Validation losses.</summary>
    public IReadOnlyList<EvaluationRecord> Evaluations => _evaluations;

    /// <summary>Samples with their scores.</summary>
    public IReadOnlyList<CoherenceRecord> Samples => _samples;

    /// <summary>What the diagnosis found, where the options have one.</summary>
    public IReadOnlyList<Verdict> Verdicts { get; set; } = [];

    /// <summary>The coherence gate's step, if it halted the run.</summary>
    public long? HaltedAt { get; set; }

    /// <summary>Last validation loss; NaN if none was measured.</summary>
    public double FinalLoss => _evaluations.Count == 0 ? double.NaN : _evaluations[^1].Loss;

    /// <summary>Share of the steps whose gradients the clipper changed.</summary>
    public double ClippedShare => _coefficients.Count == 0 ? 0 : (double)_coefficients.Count(coefficient => coefficient != 1) / _coefficients.Count;

    /// <summary>Median wall time of a step. Meant for progress; for a comparison of methods they are to be timed by turns.</summary>
    public double MedianMilliseconds => Spread.Median(_milliseconds);

    public void OnStep(in StepRecord record)
    {
        _losses.Add(record.Loss);
        _norms.Add(record.Clip.NormBefore);
        _magnitudes.Add(record.Clip.MaxMagnitude);
        _coefficients.Add(record.Clip.Coefficient);
        _milliseconds.Add(record.Duration.TotalMilliseconds);
        if (record.Clip.Skipped)
            _skips.Add(record.Step);
    }

    public void OnGuard(in GuardRecord record)
    {
        if (record.Action is GuardAction.RolledBack or GuardAction.GaveUp)
            _rollbacks.Add(record);
    }

    public void OnEvaluation(EvaluationRecord record) => _evaluations.Add(record);

    public void OnCoherence(CoherenceRecord record) => _samples.Add(record);
}
