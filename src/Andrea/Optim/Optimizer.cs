using Andrea.Backends;
using Andrea.Clipping;
using Andrea.Tensors;

namespace Andrea.Optim;

/// <summary>Updates parameters by their gradients, fused: one pass that also applies the clip coefficient and obeys the skip flag.</summary>
/// <remarks>
/// What <see cref="AdamW"/> and <see cref="SoftSignSgd"/> share: two moments for each parameter, a step counter and the learning rate in device
/// memory; no allocation, no synchronisation; on a GPU the launches of a step are one graph. Every operation is rounded as IEEE 754 says, so
/// that results have the same bits on every processor and for any number of threads; the CUDA kernels are held to them on an emulator.
/// A step with non-finite gradients leaves everything bit-identical unless the clipper propagates them. One thread at a time.
/// </remarks>
public abstract class Optimizer : IDisposable
{
    private readonly IBackend _backend;
    private readonly GradClipper? _clipper;

    // Held so that borrowed memory lives as long as this optimizer does.
    private readonly TensorSet _parameters, _gradients;
    private readonly Overlaps _overlaps;
    private readonly PresenceCheck _presence;
    private readonly OwnedMemory _owned = new();
    private readonly ChunkTable _table;
    private readonly DeviceBuffer<AdamWTensor> _tensors;
    private readonly DeviceBuffer<double> _learningRate;
    private readonly DeviceBuffer<AdamWState> _state;
    private readonly UpdateOperands _operands;

    // The two ways to make a step, each recorded by itself: the second measures the update, too, and is there for a monitor.
    private readonly Action _enqueue, _enqueueMeasured;
    private Way _plain, _measuring;
    private DeviceBuffer<UpdateSums>? _partials, _updates;
    private bool _disposed;

    private protected Optimizer(Device device, TensorSet parameters, TensorSet gradients, OptimizerOptions options, GradClipper? clipper)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(gradients);
        parameters.ThrowIfDisposed();
        gradients.ThrowIfDisposed();
        options.Validate();
        options.CheckGroups(parameters);
        UsesGraph = options.UseGraph;
        SetMatch.Check(parameters, gradients, "gradient", nameof(gradients));
        if (clipper is not null && !clipper.Measures(gradients))
            throw new ArgumentException("The clipper measures other gradients than these. Build it over the same set that the optimizer gets.", nameof(clipper));
        if (clipper is not null && clipper.Device != device)
            throw new DeviceMismatchException("The clipper", clipper.Device, "the optimizer", device);
        // Before anything is allocated.
        _overlaps = new Overlaps((parameters, "parameter"), (gradients, "gradient"));
        _presence = new PresenceCheck(gradients, parameters);
        ChunkTable.CheckDevice(parameters, device);
        ChunkTable.CheckDevice(gradients, device);
        Device = device;
        _backend = device.Backend;
        _clipper = clipper;
        _parameters = parameters;
        _gradients = gradients;
        _enqueue = Enqueue;
        _enqueueMeasured = EnqueueMeasured;
        ParameterLayout layout = LayoutOf(parameters);
        try
        {
            FirstMoments = _owned.Add(new ParameterArena(device, layout));
            SecondMoments = _owned.Add(new ParameterArena(device, layout));
            _table = _owned.Add(new ChunkTable(device, gradients, parameters, FirstMoments, SecondMoments));
            _tensors = _owned.Add(_backend.Allocate<AdamWTensor>(parameters.Count));
            _tensors.CopyFrom(TensorOptions(parameters, options));
            _learningRate = _owned.Add(_backend.Allocate<double>(1));
            _state = _owned.Add(_backend.Allocate<AdamWState>(1));
            _state.CopyFrom([new AdamWState { Beta1Power = 1, Beta2Power = 1 }]);
            clipper?.UseParameters(parameters);
            _operands = new UpdateOperands(_table, _tensors, _learningRate, _state, clipper?.Outcome);
        }
        catch
        {
            _owned.Dispose();
            throw;
        }
    }

    /// <summary>The options it was made with.</summary>
    public abstract OptimizerOptions Options { get; }

    /// <summary>The average gradient m, tensor for tensor; owned by this optimizer.</summary>
    public ParameterArena FirstMoments { get; }

    /// <summary>What updates are divided by, tensor for tensor: AdamW's v, or S3's r; owned by this optimizer.</summary>
    public ParameterArena SecondMoments { get; }

    /// <summary>Asked before each step that is not recorded whether to measure its update; null never does.</summary>
    internal Func<bool>? WantsMeasuring { get; private set; }

    /// <summary>Told of every measured update as soon as it is on its way, before the clipper's result is posted.</summary>
    internal Action<DeviceBuffer<UpdateSums>>? Measured { get; private set; }

    /// <summary>What its clipper is, or null.</summary>
    internal GradClipper? Clipper => _clipper;

    /// <summary>What it reads.</summary>
    internal TensorSet Gradients => _gradients;

    /// <summary>(1) Its progress, on the device.</summary>
    internal DeviceBuffer<AdamWState> State => _state;

    /// <summary>Where it works.</summary>
    internal Device Device { get; }

    /// <summary>Memory that lives as long as this optimizer.</summary>
    private protected OwnedMemory Owned => _owned;

    /// <summary>How the tensors are cut.</summary>
    private protected ChunkTable Table => _table;

    private bool UsesGraph { get; }

    /// <summary>Makes the optimizer that options of that kind are for.</summary>
    /// <param name="device">Where parameters and gradients lie.</param>
    /// <param name="parameters">The parameters; changed in place; not owned.</param>
    /// <param name="gradients">Their gradients, tensor for tensor of the same length; read only.</param>
    /// <param name="options">Which optimizer, and how; null for AdamW with its defaults.</param>
    /// <param name="clipper">Measures the same gradients before each update; its coefficients are folded in. Null does not clip. Not owned.</param>
    /// <returns>The optimizer; owned by the caller.</returns>
    /// <exception cref="ArgumentException">As for the optimizer's own constructor.</exception>
    public static Optimizer Create(
        Device device, TensorSet parameters, TensorSet gradients, OptimizerOptions? options = null, GradClipper? clipper = null) => options switch
        {
            null => new AdamW(device, parameters, gradients, null, clipper),
            AdamWOptions adamW => new AdamW(device, parameters, gradients, adamW, clipper),
            SoftSignOptions softSign => new SoftSignSgd(device, parameters, gradients, softSign, clipper),
            _ => throw new ArgumentException($"No optimizer is known for options of type {options.GetType().Name}. Pass AdamWOptions or SoftSignOptions.", nameof(options)),
        };

    /// <summary>Measures with the clipper, if there is one, then updates parameters and moments.</summary>
    /// <param name="learningRate">This step's learning rate; finite, 0 or above.</param>
    /// <exception cref="ArgumentOutOfRangeException">The learning rate is negative, or float32 cannot hold it.</exception>
    /// <exception cref="ObjectDisposedException">Parameters, gradients, clipper, or this optimizer have been disposed.</exception>
    /// <exception cref="DeviceMismatchException">A tensor has moved to memory that the device cannot use; nothing was changed.</exception>
    /// <exception cref="InvalidOperationException">A gradient is there whose parameter is not, or a tensor has been moved onto another; nothing was
    /// changed.</exception>
    /// <exception cref="NonFiniteGradientException">As for <see cref="GradClipper.Measure"/>; the step it speaks of changed nothing.</exception>
    /// <remarks>Enqueues and returns; a learning rate that is stored while the caller records the stream is part of the recording.</remarks>
    public void Step(double learningRate)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!(learningRate >= 0 && learningRate <= float.MaxValue))
            throw new ArgumentOutOfRangeException(nameof(learningRate), learningRate, $"The learning rate is {learningRate}; expected a number from 0 up that float32 can hold.");
        // A recording holds addresses, so all of them are asked for here.
        _parameters.ThrowIfDisposed();
        _gradients.ThrowIfDisposed();
        FirstMoments.ThrowIfDisposed();
        SecondMoments.ThrowIfDisposed();
        _clipper?.ThrowIfDisposed();
        // Before the recording: the tables that it names are brought up to date, if tensors have moved.
        _overlaps.Follow();
        _presence.Follow();
        _clipper?.Follow();
        _table.Follow();
        _backend.Store(learningRate, _learningRate);
        if (WantsMeasuring is { } wants && !_backend.IsRecording && wants())
        {
            Launch(ref _measuring, _enqueueMeasured);
            Measured!(_updates!);
        }
        else
        {
            Launch(ref _plain, _enqueue);
        }
        _clipper?.PostResult();
        // Kernels hold addresses, not objects: what owns the memory must outlive them.
        GC.KeepAlive(this);
    }

    /// <summary>What it remembers besides its moments, for a checkpoint. Waits for the device.</summary>
    /// <returns>A copy of it; the moments are read from <see cref="FirstMoments"/> and <see cref="SecondMoments"/>.</returns>
    /// <exception cref="ObjectDisposedException">This optimizer has been disposed.</exception>
    public OptimizerProgress ReadProgress()
    {
        AdamWState progress = ReadCounter();
        return new OptimizerProgress(progress.Step, progress.Beta1Power, progress.Beta2Power) { Stabilizer = ReadStabilizer() };
    }

    /// <summary>Goes on from a checkpoint; the moments are restored through <see cref="FirstMoments"/> and <see cref="SecondMoments"/>.</summary>
    /// <param name="progress">As <see cref="ReadProgress"/> gave it; with no numbers of a stabilizer, one that has a memory begins it anew.</param>
    /// <exception cref="ArgumentOutOfRangeException">The step is negative or above 2^53, or a power lies outside [0, 1]; nothing was changed.</exception>
    /// <exception cref="ArgumentException">The stabilizer's numbers are another one's or of other tensors, or one is impossible; nothing was changed.</exception>
    /// <exception cref="ObjectDisposedException">This optimizer has been disposed.</exception>
    public void RestoreProgress(OptimizerProgress progress)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentNullException.ThrowIfNull(progress);
        if (progress.Step is < 0 or > OptimizerProgress.MostSteps || !(progress.Beta1Power is >= 0 and <= 1) || !(progress.Beta2Power is >= 0 and <= 1))
            throw new ArgumentOutOfRangeException(
                nameof(progress),
                $"{progress.Step} steps with powers {progress.Beta1Power} and {progress.Beta2Power} of the betas are no progress that an optimizer can have made. Pass what ReadProgress gave.");
        CheckStabilizer(progress.Stabilizer);
        _state.CopyFrom([new AdamWState { Step = progress.Step, Beta1Power = progress.Beta1Power, Beta2Power = progress.Beta2Power }]);
        RestoreStabilizer(progress.Stabilizer);
    }

    /// <summary>How far it has come, without the stabilizer's memory. Waits for the device; allocates nothing.</summary>
    internal AdamWState ReadCounter()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Span<AdamWState> state = stackalloc AdamWState[1];
        _state.CopyTo(state);
        return state[0];
    }

    /// <summary>How many numbers of its stabilizer's are part of the state.</summary>
    internal virtual int StabilizerLength => 0;

    /// <summary>Shows the small memory that goes on from step to step, which the moments are not part of.</summary>
    internal virtual void ShowMemory(IBufferVisitor visitor) => visitor.Visit(_state);

    /// <summary>Has updates measured from now on, in the steps that are asked for; null for both no longer does.</summary>
    /// <param name="wants">Asked before each step.</param>
    /// <param name="measured">Told of each measured update.</param>
    internal void MeasureUpdates(Func<bool>? wants, Action<DeviceBuffer<UpdateSums>>? measured)
    {
        if (wants is not null)
        {
            // This optimizer's own, since its recording refers to them for as long as it lives.
            _partials ??= _owned.Add(_backend.Allocate<UpdateSums>(_table.ChunkCount));
            _updates ??= _owned.Add(_backend.Allocate<UpdateSums>(_table.TensorCount));
        }
        (WantsMeasuring, Measured) = (wants, measured);
    }

    /// <summary>Frees the moments and tables; parameters, gradients and clipper are not touched.</summary>
    public void Dispose()
    {
        _disposed = true;
        _owned.Dispose();
    }

    /// <summary>As many numbers as <see cref="StabilizerLength"/> says. Waits for the device where there are any.</summary>
    private protected virtual double[] ReadStabilizer() => [];

    /// <summary>Takes back what <see cref="ReadStabilizer"/> gave, or begins anew when there is nothing.</summary>
    private protected virtual void RestoreStabilizer(IReadOnlyList<double> numbers)
    {
    }

    /// <summary>Enqueues one update, after the clip; measured, where partials are given.</summary>
    private protected abstract void Update(in UpdateOperands operands, DeviceBuffer<UpdateSums>? partials);

    private void CheckStabilizer(IReadOnlyList<double> numbers)
    {
        if (numbers.Count != StabilizerLength && numbers.Count != 0)
            throw new ArgumentException(
                $"The stabilizer's state has {numbers.Count} numbers; expected {StabilizerLength}. Pass what ReadProgress gave for the same stabilizer and tensors.", "progress");
        foreach (double value in numbers)
            if (!(value >= 0 && double.IsFinite(value)))
                throw new ArgumentException($"The stabilizer's state holds {value}; expected finite numbers from 0 up. Pass what ReadProgress gave.", "progress");
    }

    private void Enqueue()
    {
        _clipper?.Enqueue();
        Update(_operands, partials: null);
    }

    private void EnqueueMeasured()
    {
        _clipper?.Enqueue();
        Update(_operands, _partials!);
        _backend.UpdateFinal(_table, _partials!, _updates!);
    }

    private void Launch(ref Way way, Action enqueue)
    {
        if (UsesGraph && way.Tried && !_backend.IsRecording)
            (way.Recording ??= _owned.Add(_backend.Record(enqueue))).Launch();
        else
            enqueue();
        // Not before the first step: the driver may load a kernel when it is launched first, which cannot be recorded.
        way.Tried = true;
    }

    private static ParameterLayout LayoutOf(TensorSet tensors)
    {
        if (tensors is ParameterArena arena)
            return arena.Layout;
        var layout = new ParameterLayout();
        for (int i = 0; i < tensors.Count; i++)
            layout.Add(tensors.NameOf(i), tensors.ShapeOf(i));
        return layout;
    }

    private static AdamWTensor[] TensorOptions(TensorSet parameters, OptimizerOptions options)
    {
        var tensors = new AdamWTensor[parameters.Count];
        for (int i = 0; i < tensors.Length; i++)
        {
            ParameterGroup? group = options.Groups.FirstOrDefault(group => group.Matches(parameters.NameOf(i)));
            double usualDecay = parameters.ShapeOf(i).Rank >= 2 ? options.WeightDecay : 0;
            tensors[i] = new AdamWTensor { WeightDecay = group?.WeightDecay ?? usualDecay, LearningRateScale = group?.LearningRateScale ?? 1 };
        }
        return tensors;
    }

    /// <summary>One of the two ways to make a step.</summary>
    private struct Way
    {
        public IRecording? Recording;
        public bool Tried;
    }
}
