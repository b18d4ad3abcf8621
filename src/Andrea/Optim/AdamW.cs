using Andrea.Backends;
using Andrea.Clipping;
using Andrea.Tensors;

namespace Andrea.Optim;

/// <summary>How far an <see cref="AdamW"/> has come; with the moments, all that a checkpoint needs.</summary>
/// <param name="Step">Steps applied; skipped ones do not count.</param>
/// <param name="Beta1Power">beta1^Step as multiplied up, 1 at the beginning.</param>
/// <param name="Beta2Power">beta2^Step, likewise.</param>
public readonly record struct AdamWProgress(long Step, double Beta1Power, double Beta2Power)
{
    /// <summary>The progress after so many steps, for a checkpoint that records no more than their number.</summary>
    /// <param name="step">Steps applied.</param>
    /// <param name="options">The optimizer's betas.</param>
    public static AdamWProgress After(long step, AdamWOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        ArgumentNullException.ThrowIfNull(options);
        double power1 = 1, power2 = 1;
        for (long i = 0; i < step && power1 + power2 > 0; i++)
            (power1, power2) = (power1 * options.Beta1, power2 * options.Beta2);
        return new AdamWProgress(step, power1, power2);
    }
}

/// <summary>AdamW, fused: one pass over gradients, moments and parameters that also applies the clip coefficient and obeys the skip flag.</summary>
/// <remarks>
/// m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; p = (1 - lr wd) p - lr / (1 - b1^t) * m / (sqrt(v / (1 - b2^t)) + eps).
/// Bias corrections are computed in double; t counts applied steps only. Cost: 28 bytes a parameter, and 4 for the clipper's norm; no
/// allocation; on a GPU three kernels with a clipper, one without, launched as one graph, and no synchronisation. Steps whose update a
/// <c>GradientMonitor</c> has measured take one kernel more, in a graph of their own; the others stay as they are.
/// Every operation is rounded as IEEE 754 says, so that
/// results have the same bits on every processor and for any number of threads; the CUDA kernel is held to them on an emulator.
/// Unlike PyTorch: a step with non-finite gradients leaves everything bit-identical, and tensors of one dimension do not decay unless a
/// <see cref="ParameterGroup"/> says so. Loshchilov and Hutter 2019, arXiv:1711.05101.
/// <code>
/// using var clipper = new GradClipper(device, gradients);
/// using var optimizer = new AdamW(device, parameters, gradients, clipper: clipper);
/// optimizer.Step(learningRate: 3e-4); // measures, then clips and updates in one pass
/// </code>
/// </remarks>
public sealed class AdamW : IDisposable
{
    private readonly IBackend _backend;
    private readonly GradClipper? _clipper;

    // Held so that borrowed memory lives as long as this optimizer does.
    private readonly TensorSet _parameters, _gradients;
    private readonly AdamWSettings _settings;
    private readonly OwnedMemory _owned = new();
    private readonly ChunkTable _table;
    private readonly DeviceBuffer<AdamWTensor> _tensors;
    private readonly DeviceBuffer<double> _learningRate;
    private readonly DeviceBuffer<AdamWState> _state;

    // The two ways to make a step, each recorded by itself: the second measures the update, too, and is there for a monitor.
    private readonly Action _enqueue, _enqueueMeasured;
    private Way _plain, _measuring;
    private DeviceBuffer<UpdateSums>? _partials, _updates;

    /// <summary>Prepares to optimise these parameters; both moments begin at 0.</summary>
    /// <param name="device">Where parameters and gradients lie.</param>
    /// <param name="parameters">The parameters; changed in place; not owned.</param>
    /// <param name="gradients">Their gradients, tensor for tensor of the same length; read only. While one is absent
    /// (<see cref="ExternalTensors.Move"/>), its parameter and moments keep every bit; the step counts for it nevertheless.</param>
    /// <param name="options">Betas, epsilon, decay; null for the defaults.</param>
    /// <param name="clipper">Measures the same gradients before each update; its coefficient is folded in. Null does not clip. Not owned.</param>
    /// <exception cref="ArgumentException">Parameters and gradients do not match or overlap, the clipper measures others, or an option is out of range.</exception>
    public AdamW(Device device, TensorSet parameters, TensorSet gradients, AdamWOptions? options = null, GradClipper? clipper = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(gradients);
        Options = options ?? new AdamWOptions();
        Options.Validate();
        CheckMatch(parameters, gradients);
        if (clipper is not null && !clipper.Measures(gradients))
            throw new ArgumentException("The clipper measures other gradients than these. Build it over the same set that the optimizer gets.", nameof(clipper));
        if (clipper is not null && clipper.Device != device)
            throw new DeviceMismatchException("The clipper", clipper.Device, "the optimizer", device);
        // Before anything is allocated.
        Overlaps.Refuse([(parameters, "parameter"), (gradients, "gradient")]);
        ChunkTable.CheckDevice(parameters, device);
        ChunkTable.CheckDevice(gradients, device);
        Device = device;
        _backend = device.Backend;
        _clipper = clipper;
        _parameters = parameters;
        _gradients = gradients;
        _enqueue = Enqueue;
        _enqueueMeasured = EnqueueMeasured;
        _settings = new AdamWSettings(Options.Beta1, Options.Beta2, Options.Epsilon);
        ParameterLayout layout = LayoutOf(parameters);
        try
        {
            FirstMoments = _owned.Add(new ParameterArena(device, layout));
            SecondMoments = _owned.Add(new ParameterArena(device, layout));
            _table = _owned.Add(new ChunkTable(device, gradients, parameters, FirstMoments, SecondMoments));
            _tensors = _owned.Add(_backend.Allocate<AdamWTensor>(parameters.Count));
            _tensors.CopyFrom(TensorOptions(parameters));
            _learningRate = _owned.Add(_backend.Allocate<double>(1));
            _state = _owned.Add(_backend.Allocate<AdamWState>(1));
            Restore(new AdamWProgress(0, 1, 1));
        }
        catch
        {
            _owned.Dispose();
            throw;
        }
    }

    /// <summary>The options it was made with.</summary>
    public AdamWOptions Options { get; }

    /// <summary>m, tensor for tensor; owned by this optimizer.</summary>
    public ParameterArena FirstMoments { get; }

    /// <summary>v, tensor for tensor; owned by this optimizer.</summary>
    public ParameterArena SecondMoments { get; }

    /// <summary>Asked before each step that is not recorded whether to measure its update; null never does.</summary>
    internal Func<bool>? WantsMeasuring { get; private set; }

    /// <summary>Told of every measured update as soon as it is on its way, before the clipper's result is posted.</summary>
    internal Action<DeviceBuffer<UpdateSums>>? Measured { get; private set; }

    /// <summary>What its clipper is, or null.</summary>
    internal GradClipper? Clipper => _clipper;

    /// <summary>What it reads.</summary>
    internal TensorSet Gradients => _gradients;

    /// <summary>Where it works.</summary>
    internal Device Device { get; }

    /// <summary>(1) How far it has come, on the device.</summary>
    internal DeviceBuffer<AdamWState> Progress => _state;

    /// <summary>Measures with the clipper, if there is one, then updates parameters and moments.</summary>
    /// <param name="learningRate">This step's learning rate; finite, 0 or above.</param>
    /// <exception cref="ArgumentOutOfRangeException">The learning rate is negative, or float32 cannot hold it.</exception>
    /// <exception cref="ObjectDisposedException">Parameters or gradients have been disposed.</exception>
    /// <exception cref="NonFiniteGradientException">As for <see cref="GradClipper.Measure"/>; the step it speaks of changed nothing.</exception>
    /// <remarks>Enqueues and returns; a learning rate that is stored while the caller records the stream is part of the recording.</remarks>
    public void Step(double learningRate)
    {
        if (!(learningRate >= 0 && learningRate <= float.MaxValue))
            throw new ArgumentOutOfRangeException(nameof(learningRate), learningRate, $"The learning rate is {learningRate}; expected a number from 0 up that float32 can hold.");
        // A recording holds addresses, so all of them are asked for here.
        _parameters.ThrowIfDisposed();
        _gradients.ThrowIfDisposed();
        FirstMoments.ThrowIfDisposed();
        SecondMoments.ThrowIfDisposed();
        _clipper?.ThrowIfDisposed();
        // Before the recording: the tables that it names are brought up to date, if tensors have moved.
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

    /// <summary>How far it has come. Waits for the device.</summary>
    public AdamWProgress ReadProgress()
    {
        var state = new AdamWState[1];
        _state.CopyTo(state);
        return new AdamWProgress(state[0].Step, state[0].Beta1Power, state[0].Beta2Power);
    }

    /// <summary>Goes on from a checkpoint; the moments are restored through <see cref="FirstMoments"/> and <see cref="SecondMoments"/>.</summary>
    /// <param name="progress">As <see cref="ReadProgress"/> gave it.</param>
    /// <exception cref="ArgumentOutOfRangeException">The step is negative or a power lies outside [0, 1].</exception>
    public void Restore(AdamWProgress progress)
    {
        if (progress.Step < 0 || !(progress.Beta1Power is >= 0 and <= 1) || !(progress.Beta2Power is >= 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(progress), progress, $"{progress} is no progress that AdamW can have made. Pass what ReadProgress gave.");
        _state.CopyFrom([new AdamWState { Step = progress.Step, Beta1Power = progress.Beta1Power, Beta2Power = progress.Beta2Power }]);
    }

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
    public void Dispose() => _owned.Dispose();

    private void Enqueue()
    {
        _clipper?.Enqueue();
        _backend.AdamW(_table, _tensors, _settings, _learningRate, _state, _clipper?.Outcome);
    }

    private void EnqueueMeasured()
    {
        _clipper?.Enqueue();
        _backend.AdamWMeasured(_table, _tensors, _settings, _learningRate, _state, _clipper?.Outcome, _partials!);
        _backend.UpdateFinal(_table, _partials!, _updates!);
    }

    private void Launch(ref Way way, Action enqueue)
    {
        if (Options.UseGraph && way.Tried && !_backend.IsRecording)
            (way.Recording ??= _owned.Add(_backend.Record(enqueue))).Launch();
        else
            enqueue();
        // Not before the first step: the driver may load a kernel when it is launched first, which cannot be recorded.
        way.Tried = true;
    }

    private static void CheckMatch(TensorSet parameters, TensorSet gradients)
    {
        if (parameters.Count != gradients.Count)
            throw new ArgumentException(
                $"There are {parameters.Count} parameter tensors but {gradients.Count} gradient tensors. Pass one gradient for each parameter, in the same order.", nameof(gradients));
        for (int i = 0; i < parameters.Count; i++)
            if (parameters.ShapeOf(i).Length != gradients.ShapeOf(i).Length)
                throw new ArgumentException(
                    $"Parameter '{parameters.NameOf(i)}' has {parameters.ShapeOf(i).Length} elements but its gradient '{gradients.NameOf(i)}' has {gradients.ShapeOf(i).Length}. They must match.",
                    nameof(gradients));
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

    private AdamWTensor[] TensorOptions(TensorSet parameters)
    {
        var tensors = new AdamWTensor[parameters.Count];
        for (int i = 0; i < tensors.Length; i++)
        {
            ParameterGroup? group = Options.Groups.FirstOrDefault(group => group.Matches(parameters.NameOf(i)));
            double usualDecay = parameters.ShapeOf(i).Rank >= 2 ? Options.WeightDecay : 0;
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
