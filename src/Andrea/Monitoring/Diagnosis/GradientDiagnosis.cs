namespace Andrea.Monitoring.Diagnosis;

/// <summary>Watches a run and says in plain words what is wrong with it: since when, in which layers, by which evidence, and what of this library helps.</summary>
/// <remarks>
/// Sees steps and, where they are monitored, gradients; without gradients it judges by loss, norm and clip alone. A verdict is given where a
/// fault begins, not again with every step, and may come again after the fault has ended. NaN and Inf are named in the first step that has
/// one; such steps leave no trace in what others are judged by, and a spike none in what spikes are judged by. Losses and norms of several sources
/// (<see cref="StepRecord.Source"/>) are judged source by source; under a curriculum, the first steps after an absence are looked at for NaN and Inf alone. Nothing is allocated in a step,
/// unless something is found. Told by one thread at a time; <see cref="Verdicts"/> and <see cref="Spikes"/> may be read by any.
/// <code>
/// using var diagnosis = new GradientDiagnosis();
/// diagnosis.Found += verdict => Console.WriteLine($"{verdict.Summary} {verdict.Remedy}");
/// trainer.Observe(diagnosis);
/// await trainer.RunAsync();
/// </code>
/// </remarks>
public sealed class GradientDiagnosis : IStepObserver, IDisposable
{
    // Of a run that goes on being ill for days the latest are enough.
    private const int MostFindings = 1000;

    private readonly Lock _findings = new();
    private readonly List<Verdict> _verdicts = [];
    private readonly List<SpikeRecord> _spikes = [];
    private readonly RunHistory _history;
    private NonFiniteRule? _nonFinite;
    private DiagnosisRule[]? _rules;

    /// <summary>Makes a diagnosis of one run.</summary>
    /// <param name="options">Windows and thresholds; null for the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    public GradientDiagnosis(GradientDiagnosisOptions? options = null)
    {
        Options = options ?? new GradientDiagnosisOptions();
        Options.Validate();
        _history = new RunHistory(Options);
    }

    /// <summary>The options it was made with.</summary>
    public GradientDiagnosisOptions Options { get; }

    /// <summary>Tells every verdict, on the thread that tells of steps. A handler's exception is not caught: it ends the call that found the verdict, as an
    /// observer's own would, and handlers after it are not told; the verdict is among <see cref="Verdicts"/> all the same.</summary>
    public event Action<Verdict>? Found;

    /// <summary>Tells every spike, on the thread that tells of steps. A handler's exception is not caught: it ends the call that found the spike, as an
    /// observer's own would, and handlers after it are not told; the spike is among <see cref="Spikes"/> all the same.</summary>
    public event Action<SpikeRecord>? Spiked;

    /// <summary>Number of different tokens, by which a first loss is judged; null if unknown.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is below 1.</exception>
    public int? VocabularySize
    {
        get;
        init => field = value is null or >= 1
            ? value
            : throw new ArgumentOutOfRangeException(nameof(VocabularySize), value, $"The vocabulary has {value} tokens; expected 1 or more, or null where it is unknown.");
    }

    /// <summary>Largest gradient norm that the clip allows; null if unknown, +Infinity if nothing is clipped.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative or NaN.</exception>
    public double? MaxNorm
    {
        get;
        init => field = value is null or >= 0
            ? value
            : throw new ArgumentOutOfRangeException(nameof(MaxNorm), value, $"The largest norm is {value}; expected a number from 0 up, or null where it is unknown.");
    }

    /// <summary>A copy of the verdicts so far, oldest first; of more than 1,000 the latest.</summary>
    public IReadOnlyList<Verdict> Verdicts
    {
        get
        {
            lock (_findings)
                return [.. _verdicts];
        }
    }

    /// <summary>A copy of the spikes so far, oldest first; of more than 1,000 the latest.</summary>
    public IReadOnlyList<SpikeRecord> Spikes
    {
        get
        {
            lock (_findings)
                return [.. _spikes];
        }
    }

    /// <summary>Which steps have gradients to come; null to judge by those that had, as in a loop of your own.</summary>
    public GradientMonitorOptions? Monitor { get; init; }

    // What is known of the run is set after the constructor.
    private NonFiniteRule NonFinite => _nonFinite ??= new NonFiniteRule(Options, Monitor);

    private DiagnosisRule[] Rules => _rules ??=
    [
        new BadInitializationRule(Options, VocabularySize),
        new DeadTensorRule(Options),
        new VanishingRule(Options),
        new ExplodingRule(Options),
        new LearningRateTooHighRule(Options),
        new LearningRateTooLowRule(Options, VocabularySize),
        new StalledLossRule(Options),
        new ClippingAlwaysRule(Options),
        new ClippingNeverRule(Options, MaxNorm),
        new RepetitionRule(Options),
        new StaleSecondMomentRule(Options),
        new InstabilityRule(),
    ];

    /// <inheritdoc/>
    public void OnStep(in StepRecord record)
    {
        Tell(NonFinite.Flush());
        _history.Begin(record);
        Tell(_history.Series.Loss(record.Step, record.Loss));
        Tell(_history.Series.Norm(record.Step, record.Clip.NormBefore));
        Tell(NonFinite.OnStep(record, _history));
        if (NonFiniteRule.IsHit(record))
            return;
        _history.Add(record);
        // An arrival tells nothing of where the run goes: what was forgotten is learned again.
        if (_history.Series.Arrives)
            return;
        foreach (DiagnosisRule rule in Rules)
            Tell(rule.OnStep(record, _history));
    }

    /// <inheritdoc/>
    public void OnPhase(PhaseRecord record) => _history.HasVisits = true;

    /// <inheritdoc/>
    public void OnGradients(GradientRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        Tell(NonFinite.OnGradients(record, _history));
        if (record.Skipped || HasNonFinite(record))
            return;
        _history.Add(record);
        foreach (DiagnosisRule rule in Rules)
            Tell(rule.OnGradients(record, _history));
    }

    /// <inheritdoc/>
    public void OnCurvature(in CurvatureRecord record)
    {
        foreach (DiagnosisRule rule in Rules)
            Tell(rule.OnCurvature(record));
    }

    /// <inheritdoc/>
    public void OnEvaluation(EvaluationRecord record) => Tell(NonFinite.Flush());

    /// <inheritdoc/>
    public void OnSample(SampleRecord record) => Tell(NonFinite.Flush());

    /// <inheritdoc/>
    public void OnCoherence(CoherenceRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        Tell(NonFinite.Flush());
        foreach (DiagnosisRule rule in Rules)
            Tell(rule.OnCoherence(record));
    }

    /// <inheritdoc/>
    public void OnCheckpoint(CheckpointRecord record) => Tell(NonFinite.Flush());

    /// <summary>Ends the run: tells of what it waited to know more about. Safe to call twice.</summary>
    public void Dispose() => TellAwaited();

    /// <summary>Tells of what it waited to know more about. By the thread that tells of steps.</summary>
    internal void TellAwaited() => Tell(NonFinite.Flush());

    /// <summary>Goes on with what a checkpoint knows of the samples' repetition. Before the first record.</summary>
    internal void Restore(RepetitionState state)
    {
        foreach (DiagnosisRule rule in Rules)
            rule.Restore(state);
    }

    private static bool HasNonFinite(GradientRecord record)
    {
        foreach (ref readonly TensorReading reading in record.Readings)
            if (reading.NonFiniteCount > 0 || !double.IsFinite(reading.Norm))
                return true;
        return false;
    }

    private void Tell(Verdict? verdict)
    {
        if (verdict is null)
            return;
        _history.BadlyInitialized |= verdict.Kind == VerdictKind.BadInitialization;
        Keep(_verdicts, verdict);
        Found?.Invoke(verdict);
    }

    private void Tell(SpikeRecord? spike)
    {
        if (spike is not { } record)
            return;
        _history.Add(record);
        Keep(_spikes, record);
        Spiked?.Invoke(record);
    }

    private void Keep<T>(List<T> list, T finding)
    {
        lock (_findings)
        {
            if (list.Count == MostFindings)
                list.RemoveAt(0);
            list.Add(finding);
        }
    }
}
