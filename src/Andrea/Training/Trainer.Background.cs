using Andrea.Clipping;
using Andrea.Monitoring;
using Andrea.Monitoring.Diagnosis;
using Andrea.Monitoring.Sinks;

namespace Andrea.Training;

public sealed partial class Trainer
{
    // A diagnosis goes here, too, with its findings handed back to the queue (Found += _background.OnVerdict): what comes from the queue's own
    // thread reaches every observer right after the record it was found in.
    private readonly ObserverQueue _background = new();
    private MetricsFile? _metrics;
    private GradientsFile? _gradientsFile;
    private GradientDiagnosis? _diagnosis;
    private long _toldPhase;

    /// <summary>Tells a sentence for the user when an observer in the background has failed, does not return, or was so slow that records were dropped,
    /// or when report.html could not be written. Called by the thread that tells observers in the background, that trains, or that disposes of the trainer. A handler's
    /// exception is passed over: it ends neither the run nor the telling of the other handlers, and the sentence stays in <see cref="Warnings"/>.</summary>
    public event Action<string>? Warned
    {
        add => _background.Warned += value;
        remove => _background.Warned -= value;
    }

    /// <summary>Every sentence that <see cref="Warned"/> has told, or would have if somebody had listened.</summary>
    public IReadOnlyList<string> Warnings => _background.Warnings;

    /// <summary>Adds an observer; in the order of adding, all are told of every step, on the thread that trains. For what may take its time, such as
    /// writing a file, there is <see cref="ObserveInBackground"/>. From any thread, also during a run and from an observer: the next record is its first.</summary>
    /// <param name="observer">Not owned.</param>
    /// <exception cref="ObjectDisposedException">The trainer is disposed.</exception>
    public void Observe(IStepObserver observer)
    {
        ArgumentNullException.ThrowIfNull(observer);
        ObjectDisposedException.ThrowIf(_disposed, this);
        lock (_observing)
            _observers = [.. _observers, observer];
    }

    /// <summary>Adds an observer that is told of everything on another thread, through an <see cref="ObserverQueue"/>: it never holds up training, and an
    /// exception of its takes it off instead of ending the run. Before <see cref="RunAsync(CancellationToken)"/> returns or throws, it has been told of everything and
    /// flushed, or <see cref="Warned"/> says why not.</summary>
    /// <param name="observer">Called by one thread, in order. Must not compute with this trainer.</param>
    /// <param name="owned">Whether it is disposed of with the trainer.</param>
    /// <exception cref="ObjectDisposedException">The trainer is disposed.</exception>
    public void ObserveInBackground(IStepObserver observer, bool owned = false) => _background.Add(observer, owned);

    /// <summary>Trains as <see cref="RunAsync(CancellationToken)"/>, and reports every step.</summary>
    /// <param name="progress">Told of every step of this run, on the thread that trains; <see cref="Progress{T}"/> passes it on to the thread it was made on.
    /// Null reports nothing. For evaluations, samples and findings there is <see cref="Observe"/>.</param>
    /// <param name="cancellationToken">Ends the run after the current step; no exception is thrown for it.</param>
    /// <returns>How it went.</returns>
    /// <exception cref="NonFiniteGradientException">By policy, or after too many skipped steps in a row; a checkpoint was written before.</exception>
    /// <exception cref="IOException">A checkpoint could not be written; earlier ones are intact.</exception>
    /// <exception cref="InvalidOperationException">Another thread computes with this trainer, which goes on undisturbed.</exception>
    /// <exception cref="ObjectDisposedException">The trainer is disposed.</exception>
    public Task<TrainingSummary> RunAsync(IProgress<StepRecord>? progress, CancellationToken cancellationToken = default) =>
        progress is null ? RunAsync(cancellationToken) : RunAlone(() => RunAndTell(progress, cancellationToken));

    /// <summary>Runs with one more observer, which leaves with the run; for the thread that trains.</summary>
    private TrainingSummary RunAndTell(IProgress<StepRecord> progress, CancellationToken cancellationToken)
    {
        var observer = new ProgressObserver(progress);
        Observe(observer);
        try
        {
            return RunAndReport(cancellationToken);
        }
        finally
        {
            lock (_observing)
                _observers = [.. _observers.Where(other => other != observer)];
        }
    }

    /// <summary>What the diagnosis has found so far, oldest first; lags a little behind training, and is complete when <see cref="RunAsync(CancellationToken)"/> has
    /// returned. Empty where <see cref="TrainerOptions.Diagnosis"/> is null.</summary>
    public IReadOnlyList<Verdict> Verdicts => _diagnosis?.Verdicts ?? [];

    /// <summary>The spikes of loss and norm so far, likewise.</summary>
    public IReadOnlyList<SpikeRecord> Spikes => _diagnosis?.Spikes ?? [];

    /// <summary>Looks at every step behind the queue; what it finds goes to everyone there, right after the step that shows it.</summary>
    private void Diagnose(GradientDiagnosisOptions options)
    {
        _diagnosis = new GradientDiagnosis(options)
        {
            VocabularySize = Model.Config.VocabularySize,
            MaxNorm = Options.Clip.MaxNorm,
            Monitor = Options.Monitor,
        };
        _diagnosis.Found += _background.OnVerdict;
        _diagnosis.Spiked += spike => _background.OnSpike(spike);
        ObserveInBackground(_diagnosis, owned: true);
    }

    /// <summary>Tells of the phase of the curriculum that the step begins, if it does.</summary>
    private void TellPhase()
    {
        if (_batches.Phase == _toldPhase)
            return;
        _toldPhase = _batches.Phase;
        PhaseRecord record = _batches.DescribePhase(Step);
        foreach (IStepObserver observer in _observers)
            observer.OnPhase(record);
    }

    /// <summary>Attaches the files of the run's folder, behind the queue.</summary>
    private void OpenRunFiles(string runFolder, bool resumes)
    {
        // Here, so that a folder that cannot be is an error before the first step; the files are opened by the queue's thread, since a pipe may wait.
        Directory.CreateDirectory(runFolder);
        _metrics = new MetricsFile(RunFolder.MetricsOf(runFolder));
        ObserveInBackground(_metrics, owned: true);
        _gradientsFile = new GradientsFile(RunFolder.GradientsOf(runFolder));
        ObserveInBackground(_gradientsFile, owned: true);
        // What a run without a checkpoint left behind cannot be gone on with.
        if (!resumes)
            DropRecordsAfter(-1);
    }

    /// <summary>Takes back what a resumed run is about to make again. Before the first step: the files are the queue's from then on.</summary>
    private void DropRecordsAfter(long step)
    {
        _metrics?.DropAfter(step);
        _gradientsFile?.DropAfter(step);
    }

    /// <summary>Runs to the end; then everything reported is on disk, however the run ended.</summary>
    private TrainingSummary RunAndFlush(CancellationToken cancellationToken)
    {
        try
        {
            return Run(cancellationToken);
        }
        finally
        {
            // No record comes any more that a verdict could wait for.
            _background.Post(observer => (observer as GradientDiagnosis)?.TellAwaited());
            _background.FlushAtEnd();
        }
    }

    /// <summary>Passes steps on to an <see cref="IProgress{T}"/>.</summary>
    private sealed class ProgressObserver(IProgress<StepRecord> progress) : IStepObserver
    {
        public void OnStep(in StepRecord record) => progress.Report(record);
    }
}
