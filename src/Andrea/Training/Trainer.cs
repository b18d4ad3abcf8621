using System.Diagnostics;
using Andrea.Backends;
using Andrea.Clipping;
using Andrea.Data;
using Andrea.Gpt;
using Andrea.Monitoring;
using Andrea.Optim;
using Andrea.Tensors;
using Andrea.Training.Checkpoints;
using Andrea.Training.Guard;

namespace Andrea.Training;

/// <summary>Trains a GPT on a data set: batches, forward, backward, one clip and one update by AdamW or S3 for each step, measurements, checkpoints.</summary>
/// <remarks>
/// The order is fixed: all micro-batches first, then one clip of the accumulated gradients, then the update. A run is a pure function of
/// configuration, data and seed, on any number of threads; N steps are bit-identical to k steps, stop, resume, N - k steps. A step allocates nothing.
/// One thread at a time may compute with a trainer: a second one gets an <see cref="InvalidOperationException"/>.
/// <code>
/// using Device device = Device.Cpu();
/// TokenDataset data = TokenDataset.FromFiles(["book.txt"], "char");
/// using var trainer = new Trainer(device, Preset.Chars.Config, data, Preset.Chars.Options with { RunFolder = "runs/book" });
/// TrainingSummary summary = await trainer.RunAsync();
/// </code>
/// </remarks>
public sealed partial class Trainer : IDisposable
{
    private readonly TokenDataset _data;
    private readonly OwnedMemory _owned = new();
    private readonly LearningRateSchedule _schedule;
    private readonly GptPass _pass;
    private readonly GradClipper _clipper;
    private readonly Optimizer _optimizer;
    private readonly GradientMonitor? _monitor;
    private readonly BatchStream _batches;
    private readonly EvaluationBatches? _evaluation;
    private readonly IReadback<double> _losses;

    // One step is at work while the host prepares the next; more would only make results later.
    private readonly StepQueue _underWay = new(capacity: 2);
    private readonly int[] _inputs, _targets;

    // Replaced as a whole, under a lock, so that who walks along it is not disturbed by those who come and go.
    private readonly Lock _observing = new();
    private volatile IStepObserver[] _observers;
    private readonly long _tokensPerStep;

    // Held by whoever computes; a thread may take it again, so that observers can sample or save.
    private readonly object _computing = new();
    private readonly CancellationTokenSource _disposal = new();
    private readonly RunFolderLock? _folderLock;
    private double _lastLoss = double.NaN;
    private double? _validationLoss, _bestValidationLoss;
    private int _checkpointRequested;
    private bool _disposed;

    /// <summary>Builds model and optimizer with fresh parameters.</summary>
    /// <param name="device">Where to train; not owned.</param>
    /// <param name="config">The model; its vocabulary is replaced by the data's tokenizer's.</param>
    /// <param name="data">What to train on.</param>
    /// <param name="options">Steps, batch, rates, clip, checkpoints.</param>
    /// <exception cref="ArgumentException">An option or size is out of range.</exception>
    /// <exception cref="TrainingDataException">The data is shorter than one context.</exception>
    /// <exception cref="CheckpointException">The run folder has checkpoints of an earlier run.</exception>
    public Trainer(Device device, GptConfig config, TokenDataset data, TrainerOptions options)
        : this(device, config, data, options, resumes: false)
    {
    }

    private Trainer(Device device, GptConfig config, TokenDataset data, TrainerOptions options, bool resumes)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        config = config with { VocabularySize = data.Tokenizer.VocabularySize };
        config.Validate();
        // Refuses now what could not be continued after hours of training.
        data.Tokenizer.Encode(options.SamplePrompt);
        _data = data;
        _observers = [_background];
        Options = options;
        int tokenCount = options.ContextLength > 0 ? options.ContextLength : config.ContextLength;
        _schedule = options.CreateSchedule();
        _batches = new BatchStream(data, options, tokenCount, _underWay.Capacity);
        if (options.EvaluationBatches > 0 && data.Validation.Length > 0)
            _evaluation = new EvaluationBatches(data.Validation, options.BatchSize, tokenCount, options.EvaluationBatches);
        _inputs = new int[options.BatchSize * tokenCount];
        _targets = new int[_inputs.Length];
        _tokensPerStep = (long)_inputs.Length * options.MicroBatches;
        try
        {
            Model = _owned.Add(new GptModel(device, config));
            if (!resumes)
                Model.Initialize(options.Initialization, options.Seed);
            _pass = _owned.Add(new GptPass(Model, options.BatchSize, tokenCount));
            _clipper = _owned.Add(new GradClipper(device, Model.Gradients, options.Clip) { Arrived = _underWay.Accept });
            _optimizer = _owned.Add(Optimizer.Create(device, Model.Parameters, Model.Gradients, options.Optimizer, _clipper));
            GuardAgainstSpikes(device);
            if (options.Monitor.Every > 0)
                _monitor = _owned.Add(new GradientMonitor(_clipper, _optimizer, options.Monitor));
            PrepareMeasurements();
            _losses = _owned.Add(device.Backend.CreateReadback<double>(_underWay.Capacity));
            if (options.Diagnosis is { } diagnosis)
                Diagnose(diagnosis);
            PrepareGate();
            if (options.RunFolder is null)
                return;
            // The lock first: what is found in the folder then stays as it is.
            _folderLock = RunFolderLock.Take(options.RunFolder);
            if (!resumes)
                RunFolder.RefuseIfTaken(options.RunFolder);
            _store = new CheckpointStore(RunFolder.CheckpointsOf(options.RunFolder), options.KeepCheckpoints);
            OpenRunFiles(options.RunFolder, resumes);
            if (!resumes)
                DescribeRun(device, resumes: false);
        }
        catch
        {
            Free();
            throw;
        }
    }

    /// <summary>The options it was made with.</summary>
    public TrainerOptions Options { get; }

    /// <summary>The model; owned by this trainer.</summary>
    public GptModel Model { get; }

    /// <summary>The tokenizer of the data.</summary>
    public Tokenizer Tokenizer => _data.Tokenizer;

    /// <summary>Steps done so far, skipped ones and those of resumed runs included.</summary>
    public long Step { get; private set; }

    /// <summary>Asks for a checkpoint after the current step. From any thread, or a signal handler.</summary>
    public void RequestCheckpoint() => Volatile.Write(ref _checkpointRequested, 1);

    /// <summary>Trains until all steps are made or cancellation is asked for; either way a checkpoint and report.html are written at the end, if there is a run folder.</summary>
    /// <param name="cancellationToken">Ends the run after the current step; no exception is thrown for it.</param>
    /// <returns>How it went.</returns>
    /// <exception cref="NonFiniteGradientException">By policy, or after too many skipped steps in a row; a checkpoint was written before.</exception>
    /// <exception cref="SpikeGuardException">The spike guard has gone back as often as it may; a checkpoint of its latest snapshot was written before.</exception>
    /// <exception cref="IOException">A checkpoint could not be written; earlier ones are intact.</exception>
    public Task<TrainingSummary> RunAsync(CancellationToken cancellationToken = default) => RunAlone(() => RunAndReport(cancellationToken));

    /// <summary>Runs on a thread of its own, which the run may keep for days.</summary>
    private Task<TrainingSummary> RunAlone(Func<TrainingSummary> run) =>
        Task.Factory.StartNew(() => Alone(run), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>Makes one step, for callers with a loop of their own.</summary>
    /// <exception cref="NonFiniteGradientException">By policy, or after too many skipped steps in a row; parameters and moments are untouched.</exception>
    /// <exception cref="InvalidOperationException">Another thread computes with this trainer.</exception>
    /// <exception cref="ObjectDisposedException">The trainer is disposed.</exception>
    public void TrainStep()
    {
        Enter();
        try
        {
            MakeStep();
        }
        finally
        {
            Monitor.Exit(_computing);
        }
    }

    private void MakeStep()
    {
        long started = Stopwatch.GetTimestamp();
        if (_underWay.Count == _underWay.Capacity)
            AwaitOldest();
        _pass.ResetLoss();
        Model.ZeroGradients();
        BatchDraw draw = NextBatch(out long drawnAt);
        Faults?.ChangeParameters(Step + 1, Model.Parameters);
        for (int i = 0; i < Options.MicroBatches; i++)
        {
            _batches.Fill(draw, i, _inputs, _targets);
            SpoilBatch(drawnAt, i);
            BeforePass(i);
            _pass.ForwardBackward(_inputs, _targets, Options.MicroBatches);
        }
        Faults?.ChangeGradients(Step + 1, Model.Gradients);
        double rate = RateOf(++Step);
        TellPhase();
        _underWay.Add(new StepRecord
        {
            Step = Step,
            TotalSteps = Options.Steps,
            Loss = double.NaN,
            Clip = default,
            LearningRate = rate,
            Tokens = _tokensPerStep,
            Source = _batches.NameOf(draw),
            Duration = default,
        });
        _losses.Post(_pass.LossOnDevice);
        if (_monitor is not null)
            _monitor.Step = Step - 1;
        BeforeUpdate();
        try
        {
            _optimizer.Step(rate);
        }
        finally
        {
            // Observers see the step that the policy throws for, too.
            _underWay.SetDuration(Stopwatch.GetElapsedTime(started));
            ReportArrived();
        }
        AfterUpdate(rate);
    }

    /// <summary>Waits for the oldest step under way, so that the host stays at most a step ahead of the device.</summary>
    private void AwaitOldest()
    {
        try
        {
            if (!_underWay.OldestHasClip)
                _clipper.AwaitOldest();
        }
        finally
        {
            // A step's loss was posted before its clip result, so it is there, too.
            ReportArrived();
        }
    }

    private void ReportArrived()
    {
        while (_underWay.OldestHasClip && _losses.TryTake(out double loss))
            Report(loss);
    }

    /// <summary>Ends a run that is under way, as cancellation does, then frees model, optimizer and activations; the device is not touched.</summary>
    /// <remarks>Not for observers, whose run would lose its memory under their feet.</remarks>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposal.Cancel();
        lock (_computing)
            Free();
    }

    private void Free()
    {
        _disposed = true;
        _background.Dispose();
        _owned.Dispose();
        _folderLock?.Dispose();
    }

    private TrainingSummary Run(CancellationToken cancellationToken)
    {
        string? checkpoint = null;
        bool halted = false;
        try
        {
            while (!halted && Step < Options.Steps && !cancellationToken.IsCancellationRequested && !_disposal.IsCancellationRequested)
            {
                TrainStep();
                // Before all that may write a checkpoint, which holds the gate's count.
                halted = IsIncoherent();
                if (IsDue(Options.EvaluateEvery) && Step < Options.Steps)
                    MeasureValidation();
                if (IsDue(Options.SampleEvery))
                    WriteSample();
                if (Interlocked.Exchange(ref _checkpointRequested, 0) != 0 || (IsDue(Options.CheckpointEvery) && Step < Options.Steps))
                    checkpoint = SaveCheckpoint();
            }
            if (Step == Options.Steps)
                MeasureValidation();
        }
        catch (Exception exception) when (exception is not CheckpointException)
        {
            // The parameters are those of the last good step, whoever failed: gradients or an observer.
            TrySaveCheckpoint();
            throw;
        }
        TakeAll();
        checkpoint = SaveCheckpoint();
        // Behind the checkpoint: a model that has diverged cannot write, but is worth keeping.
        if (Options.SampleAtEnd && Step == Options.Steps && !IsDue(Options.SampleEvery))
            WriteSample();
        return Summarize(halted, checkpoint);
    }

    /// <summary>Keeps other threads out meanwhile, which would compute with the same buffers.</summary>
    private T Alone<T>(Func<T> compute)
    {
        Enter();
        try
        {
            return compute();
        }
        finally
        {
            Monitor.Exit(_computing);
        }
    }

    private void Enter()
    {
        if (!Monitor.TryEnter(_computing))
            throw new InvalidOperationException("The trainer is at work on another thread. Wait for RunAsync to end, or call from an observer.");
        if (!_disposed)
            return;
        Monitor.Exit(_computing);
        throw new ObjectDisposedException(nameof(Trainer));
    }

    private bool IsDue(long every) => every > 0 && Step % every == 0;

    /// <summary>Waits for the results of all steps under way.</summary>
    private void TakeAll()
    {
        if (_underWay.Count == 0)
            return;
        _clipper.Read();
        while (_underWay.Count > 0)
            Report(_losses.WaitAndTake());
    }

    private void Report(double loss)
    {
        StepRecord record = _underWay.Take(loss);
        _batches.Report(loss);
        SpikeState verdict = AcceptVerdict(record, out GuardTurn turn);
        _lastLoss = loss;
        TellBegun(record.Step);
        foreach (IStepObserver observer in _observers)
            observer.OnStep(record);
        // Its readings were posted before its clip result, so they are there, too.
        if (_monitor is not null && _monitor.TryTake(record.Step, out GradientRecord? gradients))
            foreach (IStepObserver observer in _observers)
                observer.OnGradients(gradients);
        TellVerdict(record, turn, verdict);
    }
}
