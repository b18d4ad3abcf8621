using System.Buffers;
using System.Text.Json;
using Andrea.Clipping;
using Andrea.Data;
using Andrea.Monitoring;
using Andrea.Optim;
using Andrea.Training.Checkpoints;

namespace Andrea.Training;

public sealed partial class Trainer
{
    private readonly CheckpointStore? _store;
    private (long Step, string Path) _lastSaved = (-1, "");
    private (long Step, double Loss) _lastValidation = (-1, double.NaN);

    /// <summary>Goes on with a run exactly where a checkpoint left it: parameters, moments, step counters, order of the data.</summary>
    /// <param name="device">Where to train; not owned. Need not be the one that the run began on.</param>
    /// <param name="path">Folder of a run, whose newest finite checkpoint is taken, or of one checkpoint.</param>
    /// <param name="openData">Gives the data, encoded by the checkpoint's tokenizer; must be the same as before.</param>
    /// <param name="change">Changes options, such as more steps; null keeps all. Changed options make another run of it from here on.</param>
    /// <returns>The trainer; it writes into the same run's folder unless <paramref name="change"/> names another.</returns>
    /// <exception cref="CheckpointException">There is no checkpoint, or it is damaged or foreign.</exception>
    /// <exception cref="CheckpointException">Its folder holds later checkpoints, or another run's, which would be lost.</exception>
    /// <exception cref="ArgumentException">The options ask for fewer steps than have been made, or for another optimizer than AdamW or S3 as before;
    /// a stabilizer may be changed.</exception>
    /// <exception cref="TrainingDataException">The data is not the data that the run began with.</exception>
    public static Trainer Resume(
        Device device, string path, Func<Tokenizer, TokenDataset> openData, Func<TrainerOptions, TrainerOptions>? change = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(openData);
        string checkpoint = RunFolder.FindCheckpoint(path);
        CheckpointState state = CheckpointFolder.ReadState(checkpoint);
        TokenDataset data = openData(ReadTokenizer(state, checkpoint))
            ?? throw new ArgumentException($"There is no data to go on with: what was to open it for '{checkpoint}' returned null. Return the data set.", nameof(openData));
        CheckFingerprint(state, checkpoint, data);
        TrainerOptions before = ReadOptions(state, checkpoint) with { RunFolder = RunFolder.OfCheckpoint(checkpoint) };
        TrainerOptions options = (change is null ? before : change(before))
            ?? throw new ArgumentException("What was to change the options returned null. Return the options, changed or not.", nameof(change));
        options.Validate();
        if (options.Optimizer.GetType() != before.Optimizer.GetType())
            throw new ArgumentException(
                $"The run was made with {NameOf(before.Optimizer)}, whose moments say nothing to {NameOf(options.Optimizer)}. Keep the optimizer, or start a new run.");
        RunFolder.RefuseToLose(options.RunFolder, checkpoint);
        var trainer = new Trainer(device, state.Config, data, options, resumes: true);
        try
        {
            trainer.Restore(checkpoint);
            if (trainer.Options.Steps < trainer.Step)
                throw new ArgumentException(
                    $"The run has made {trainer.Step} steps already, so it cannot end after {trainer.Options.Steps}. Ask for more steps, or for none to keep its own number.");
            // A run that makes no step more stays what it was.
            if (trainer.Step < trainer.Options.Steps)
                trainer.DescribeRun(device, resumes: true);
            return trainer;
        }
        catch
        {
            trainer.Dispose();
            throw;
        }
    }

    /// <summary>Writes a checkpoint into the run's folder now. Waits for the device.</summary>
    /// <returns>Its folder.</returns>
    /// <exception cref="InvalidOperationException">There is no run folder.</exception>
    /// <exception cref="CheckpointException">The disk is full, or refuses; earlier checkpoints are intact.</exception>
    public string WriteCheckpoint() =>
        Alone(SaveCheckpoint) ?? throw new InvalidOperationException("There is no run folder to write a checkpoint into. Set TrainerOptions.RunFolder.");

    /// <summary>Writes parameters and moments as one of ANDREA's <c>step_NNNNNN.bin</c> files; see <see cref="AndreaBin"/>.</summary>
    /// <param name="folder">Folder to write into.</param>
    /// <param name="matricesOnly">Whether to leave out what has one dimension: norms and biases.</param>
    /// <returns>The file's path.</returns>
    /// <exception cref="InvalidOperationException">The optimizer is not AdamW, whose moments the file is for.</exception>
    /// <exception cref="ArgumentException">More steps have been made, or there are more parameters, than the file can count.</exception>
    public string ExportAndrea(string folder, bool matricesOnly = false) => Alone(() =>
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        RequireAdamW();
        string path = Path.Combine(folder, AndreaBin.FileNameOf(Step));
        AndreaBin.Write(path, Step, Model.Parameters, _optimizer.FirstMoments, _optimizer.SecondMoments, matricesOnly);
        return path;
    });

    /// <summary>Goes on from one of ANDREA's <c>step_NNNNNN.bin</c> files: parameters, moments and step. What the file does not hold, such as
    /// the place in the data, is taken from this trainer's own options; so it is a good continuation, not an exact one.</summary>
    /// <param name="path">The file; must be of a model of this size.</param>
    /// <exception cref="CheckpointFormatException">The file is cut off, or of another model; nothing was overwritten.</exception>
    /// <exception cref="InvalidOperationException">The optimizer is not AdamW, whose moments the file holds.</exception>
    public void ImportAndrea(string path)
    {
        Enter();
        try
        {
            AdamWOptions adamW = RequireAdamW();
            Step = AndreaBin.Read(path, Model.Parameters, _optimizer.FirstMoments, _optimizer.SecondMoments);
            _batches.GoTo(Step);
            _optimizer.RestoreProgress(OptimizerProgress.After(Step, adamW));
        }
        finally
        {
            Monitor.Exit(_computing);
        }
    }

    private AdamWOptions RequireAdamW() => _optimizer.Options as AdamWOptions ?? throw new InvalidOperationException(
        $"ANDREA's files hold AdamW's moments, but this trainer's optimizer is {NameOf(_optimizer.Options)}. Use Andrea's own checkpoints.");

    private static string NameOf(OptimizerOptions options) => options is SoftSignOptions ? "S3" : "AdamW";

    internal static Tokenizer ReadTokenizer(CheckpointState state, string checkpoint) => state.Tokenizer is { } json
        ? Tokenizer.Read(json)
        : throw new CheckpointFormatException($"The checkpoint '{checkpoint}' holds no tokenizer. Use a checkpoint that a Trainer wrote.");

    private static void CheckFingerprint(CheckpointState state, string checkpoint, TokenDataset data)
    {
        if (state.Data.Fingerprint is { } fingerprint && fingerprint != data.Fingerprint)
            throw new TrainingDataException(
                $"The data is not what the run of '{checkpoint}' began with: its fingerprint is {data.Fingerprint:x16}, expected {fingerprint:x16}. Pass the same files, or start a new run.");
    }

    internal static TrainerOptions ReadOptions(CheckpointState state, string checkpoint) =>
        state.Trainer?.Deserialize(CheckpointJson.Default.TrainerOptions)?.Complete()
        ?? throw new CheckpointFormatException($"The checkpoint '{checkpoint}' holds no training options. Use a checkpoint that a Trainer wrote.");

    private CheckpointTensors Tensors => new(Model.Parameters, _optimizer.FirstMoments, _optimizer.SecondMoments) { GuardGroups = _snapshots?.Groups ?? [] };

    private void Restore(string checkpoint)
    {
        ExpectSnapshots(CheckpointFolder.ReadState(checkpoint).Guard);
        CheckpointState state = CheckpointFolder.Load(checkpoint, Tensors);
        Step = state.Step;
        _batches.Restore(state.Data);
        _toldPhase = _batches.Phase;
        try
        {
            _optimizer.RestoreProgress(StateOf(state));
            _clipper.RestorePolicyState(state.Clip.Policy);
        }
        catch (ArgumentException error)
        {
            throw new CheckpointFormatException($"The checkpoint '{checkpoint}' is damaged: {error.Message} Use another checkpoint.", error);
        }
        _clipper.RestoreCounters(state.Clip.Calls, state.Clip.ClippedCalls, state.Clip.SkippedCalls, state.Clip.ConsecutiveSkips);
        RestoreGuard(state.Guard);
        _bestValidationLoss = state.BestValidationLoss;
        RestoreGate(state.LowInARow, state.Repetition);
        RestoreMonitors(state.Monitors);
        if (Options.RunFolder == RunFolder.OfCheckpoint(checkpoint))
            _lastSaved = (Step, checkpoint);
        DropRecordsAfter(Step);
    }

    /// <summary>The optimizer's state; a stabilizer that the run has only now begins to learn.</summary>
    private OptimizerProgress StateOf(CheckpointState state)
    {
        double[] kept = state.Stabilizer ?? [];
        return new OptimizerProgress(state.Optimizer.AppliedSteps, state.Optimizer.Beta1Power, state.Optimizer.Beta2Power)
        {
            Stabilizer = kept.Length == _optimizer.StabilizerLength ? kept : [],
        };
    }

    /// <summary>Saves what can be saved while another exception is on its way, which must not be hidden by a second one.</summary>
    private void TrySaveCheckpoint()
    {
        try
        {
            SaveCheckpoint();
        }
        catch (Exception)
        {
            // Earlier checkpoints are intact, and the first exception says what went wrong.
        }
    }

    /// <summary>Saves unless this step has been saved already; null without a run folder.</summary>
    private string? SaveCheckpoint()
    {
        if (_store is null)
            return null;
        if (_lastSaved.Step == Step)
            return _lastSaved.Path;
        TakeAll();
        CheckpointEntry saved = _store.Save(CreateState(), Tensors);
        _lastSaved = (Step, saved.Path);
        foreach (IStepObserver observer in _observers)
            observer.OnCheckpoint(new CheckpointRecord(Step, saved.Path));
        return saved.Path;
    }

    private CheckpointState CreateState()
    {
        OptimizerProgress optimizer = _optimizer.ReadProgress();
        ClipResult clip = _clipper.Latest;
        return new CheckpointState
        {
            Step = Step,
            Config = Model.Config,
            Trainer = JsonSerializer.SerializeToElement(Options, CheckpointJson.Default.TrainerOptions),
            Tokenizer = ToJson(Tokenizer),
            Optimizer = new OptimizerCounters(optimizer.Step, optimizer.Beta1Power, optimizer.Beta2Power),
            Stabilizer = optimizer.Stabilizer is { Count: > 0 } kept ? [.. kept] : null,
            Clip = new ClipCounters(clip.Call, clip.ClippedCalls, clip.SkippedCalls, clip.ConsecutiveSkips) { Policy = _clipper.ReadPolicyState() },
            Data = _batches.Save(),
            ValidationLoss = _lastValidation.Step == Step ? _lastValidation.Loss : null,
            BestValidationLoss = _bestValidationLoss,
            LowInARow = _coherence?.LowInARow ?? 0,
            Repetition = _repetition?.Save(),
            Monitors = SaveMonitors(),
            Guard = SaveGuard(),
        };
    }

    private static JsonElement ToJson(Tokenizer tokenizer)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
            tokenizer.Write(writer);
        using JsonDocument document = JsonDocument.Parse(buffer.WrittenMemory);
        return document.RootElement.Clone();
    }
}
