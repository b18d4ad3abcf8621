using Andrea.Backends;
using Andrea.Clipping;
using Andrea.Tensors;

namespace Andrea.Optim;

/// <summary>AdamW over another library's tensors: nothing is copied, gradients may come and go and change place, and each tensor has options of its own.</summary>
/// <remarks>
/// The formulas, the bits and the cost of <see cref="AdamW"/>, without its stabilizers; but the moments are the caller's, the weight decay applies to every
/// tensor it is given for, and steps are counted for each tensor: a step in which a tensor has no gradient (<see cref="ExternalTensors.Move(int, nint)"/> to
/// null) leaves it, its moments and its counter as they are, as in PyTorch. Tensors that have always come and gone together share a
/// launch, so there are 2 with a clipper and 1 for each such group, usually one. Nothing is allocated and nothing waits, except in a step in
/// which a group parts for the first time, and when betas change: such a step waits for the device once.
/// <code>
/// using var optimizer = new ExternalAdamW(device, parameters, gradients, firstMoments, secondMoments);
/// for (int i = 0; i &lt; parameters.Count; i++)
///     optimizer.Configure(i, new AdamWTensorOptions(LearningRate: 3e-4, WeightDecay: 0.1));
/// gradients.Move(0, address); // 0 where there is none this time
/// optimizer.Step();
/// </code>
/// </remarks>
public sealed class ExternalAdamW : IDisposable
{
    private readonly Device _device;
    private readonly GradClipper? _clipper;
    private readonly ExternalTensors _gradients;

    // Gradients, parameters, first and second moments.
    private readonly ExternalTensors[] _sets;
    private readonly Overlaps _overlaps;
    private readonly PresenceCheck _presence;
    private readonly AdamWTensorOptions[] _options;
    private readonly AdamWTensor[] _tensorValues;
    private readonly OwnedMemory _owned = new();
    private readonly DeviceBuffer<AdamWTensor> _tensors;
    private readonly DeviceBuffer<double> _learningRate;
    private List<AdamWLane> _lanes = [];
    private int _seenVersion = -1;
    private bool _disposed;
    private bool _valuesChanged = true, _betasChanged;

    /// <summary>Prepares to optimise these parameters. Learning rates are 0 until <see cref="Configure"/> is called; steps are counted from 0.</summary>
    /// <param name="device">Where all four sets lie.</param>
    /// <param name="parameters">The parameters; changed in place; not owned.</param>
    /// <param name="gradients">Their gradients, tensor for tensor of the same length; read only; may be absent.</param>
    /// <param name="firstMoments">m, likewise; changed in place; zeros for a new run.</param>
    /// <param name="secondMoments">v, likewise.</param>
    /// <param name="clipper">Measures the same gradients before each update; its coefficient is folded in, its skip flag obeyed. Null does not clip. Not owned.</param>
    /// <exception cref="ArgumentException">The sets do not match or overlap, or the clipper measures other gradients.</exception>
    /// <exception cref="DeviceMismatchException">A tensor lies elsewhere.</exception>
    public ExternalAdamW(
        Device device, ExternalTensors parameters, ExternalTensors gradients, ExternalTensors firstMoments, ExternalTensors secondMoments,
        GradClipper? clipper = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(gradients);
        ArgumentNullException.ThrowIfNull(firstMoments);
        ArgumentNullException.ThrowIfNull(secondMoments);
        foreach (ExternalTensors set in (ReadOnlySpan<ExternalTensors>)[parameters, gradients, firstMoments, secondMoments])
            set.ThrowIfDisposed();
        SetMatch.Check(parameters, gradients, "gradient", nameof(gradients));
        SetMatch.Check(parameters, firstMoments, "first moment", nameof(firstMoments));
        SetMatch.Check(parameters, secondMoments, "second moment", nameof(secondMoments));
        if (clipper is not null && !clipper.Measures(gradients))
            throw new ArgumentException("The clipper measures other gradients than these. Build it over the same set that the optimizer gets.", nameof(clipper));
        if (clipper is not null && clipper.Device != device)
            throw new DeviceMismatchException("The clipper", clipper.Device, "the optimizer", device);
        _overlaps = new Overlaps((parameters, "parameter"), (gradients, "gradient"), (firstMoments, "first moment"), (secondMoments, "second moment"));
        _presence = new PresenceCheck(gradients, parameters, firstMoments, secondMoments);
        _device = device;
        _clipper = clipper;
        _gradients = gradients;
        _sets = [gradients, parameters, firstMoments, secondMoments];
        _options = new AdamWTensorOptions[parameters.Count];
        Array.Fill(_options, new AdamWTensorOptions(0));
        _tensorValues = new AdamWTensor[parameters.Count];
        try
        {
            _tensors = _owned.Add(device.Backend.Allocate<AdamWTensor>(parameters.Count));
            // Each tensor's factor is its learning rate.
            _learningRate = _owned.Add(device.Backend.Allocate<double>(1));
            _learningRate.CopyFrom([1]);
            Regroup(steps: new long[parameters.Count]);
            clipper?.UseParameters(parameters);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Number of tensors.</summary>
    public int Count => _options.Length;

    /// <summary>How many launches update the tensors, those included whose gradients are absent at present.</summary>
    internal int LaneCount => _lanes.Count;

    /// <summary>Says how one tensor is updated from the next step on. Costs nothing when nothing changes.</summary>
    /// <param name="tensor">0 up to <see cref="Count"/> - 1.</param>
    /// <param name="options">Learning rate, decay, betas, epsilon. A change of the first two is one small upload for all tensors; of the others, one
    /// wait for the device.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such tensor, or a value is out of range; nothing was changed.</exception>
    /// <exception cref="ObjectDisposedException">This optimizer has been disposed.</exception>
    public void Configure(int tensor, AdamWTensorOptions options)
    {
        ThrowIfDisposed();
        if ((uint)tensor >= (uint)Count)
            throw new ArgumentOutOfRangeException(nameof(tensor), tensor, $"Tensor {tensor} was to be configured; expected 0 to {Count - 1}.");
        AdamWTensorOptions before = _options[tensor];
        if (options == before)
            return;
        options.Validate(_sets[1].NameOf(tensor));
        _options[tensor] = options;
        _valuesChanged |= (options.LearningRate, options.WeightDecay) != (before.LearningRate, before.WeightDecay);
        _betasChanged |= AdamWLane.SettingsOf(options) != AdamWLane.SettingsOf(before);
    }

    /// <summary>Measures with the clipper, if there is one, then updates the tensors whose gradients are there.</summary>
    /// <exception cref="ObjectDisposedException">One of the sets, or this optimizer, has been disposed.</exception>
    /// <exception cref="DeviceMismatchException">A tensor has moved to memory that the device cannot use; nothing was changed.</exception>
    /// <exception cref="InvalidOperationException">A gradient is there whose parameter or moment is not, or a tensor has been moved onto another;
    /// nothing was changed.</exception>
    /// <exception cref="NonFiniteGradientException">As for <see cref="GradClipper.Measure"/>; the step it speaks of changed nothing.</exception>
    public void Step()
    {
        foreach (ExternalTensors set in _sets)
            set.ThrowIfDisposed();
        _clipper?.ThrowIfDisposed();
        ThrowIfDisposed();
        _overlaps.Follow();
        _presence.Follow();
        if (_betasChanged)
            ChangeBetas();
        if (_seenVersion != _gradients.Version)
        {
            if (AnyIsMixed())
                Regroup(steps: null);
            _seenVersion = _gradients.Version;
        }
        if (_valuesChanged)
            SendValues();
        _clipper?.Follow();
        foreach (AdamWLane lane in _lanes)
            if (IsPresent(lane))
                lane.Follow();
        _clipper?.Enqueue();
        foreach (AdamWLane lane in _lanes)
            if (IsPresent(lane))
                lane.Enqueue(_device.Backend, _tensors, _learningRate, _clipper?.Outcome);
        _clipper?.PostResult();
        // Kernels hold addresses, not objects: what owns the memory must outlive them.
        GC.KeepAlive(this);
    }

    /// <summary>How many steps have updated each tensor; for a checkpoint. Waits for the device.</summary>
    /// <param name="steps">Receives one number for each tensor.</param>
    /// <exception cref="ArgumentException">There are more or fewer places than tensors.</exception>
    /// <exception cref="ObjectDisposedException">This optimizer has been disposed.</exception>
    public void ReadSteps(Span<long> steps)
    {
        CheckCount(steps.Length);
        foreach (AdamWLane lane in _lanes)
        {
            long step = lane.ReadProgress().Step;
            foreach (int member in lane.Members)
                steps[member] = step;
        }
    }

    /// <summary>Goes on from a checkpoint, whose moments the caller has put back already.</summary>
    /// <param name="steps">As <see cref="ReadSteps"/> gave them: one number for each tensor, 0 to 2^53.</param>
    /// <remarks>Tensors that have taken equally many steps share a launch again. Waits for the device.</remarks>
    /// <exception cref="ArgumentException">There are more or fewer numbers than tensors.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A number is negative or above 2^53; nothing was changed.</exception>
    /// <exception cref="ObjectDisposedException">This optimizer has been disposed.</exception>
    public void RestoreSteps(ReadOnlySpan<long> steps)
    {
        CheckCount(steps.Length);
        foreach (long step in steps)
            if (step is < 0 or > OptimizerProgress.MostSteps)
                throw new ArgumentOutOfRangeException(nameof(steps), step, $"A tensor is said to have taken {step} steps. Pass what ReadSteps gave.");
        Regroup(steps.ToArray());
    }

    /// <summary>Frees tables and counters; the tensors and the clipper are not touched.</summary>
    public void Dispose()
    {
        _disposed = true;
        foreach (AdamWLane lane in _lanes)
            lane.Dispose();
        _owned.Dispose();
    }

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_disposed, this);

    private void CheckCount(int count)
    {
        ThrowIfDisposed();
        if (count != Count)
            throw new ArgumentException($"{count} step numbers were given for {Count} tensors. Pass one for each.", "steps");
    }

    private bool IsPresent(AdamWLane lane) => _gradients.IsPresent(lane.Members[0]);

    private bool AnyIsMixed()
    {
        foreach (AdamWLane lane in _lanes)
        {
            bool first = IsPresent(lane);
            foreach (int member in lane.Members)
                if (_gradients.IsPresent(member) != first)
                    return true;
        }
        return false;
    }

    private void SendValues()
    {
        for (int i = 0; i < _options.Length; i++)
            _tensorValues[i] = new AdamWTensor { WeightDecay = _options[i].WeightDecay, LearningRateScale = _options[i].LearningRate };
        _device.Backend.Upload<AdamWTensor>(_tensorValues, _tensors);
        _valuesChanged = false;
    }

    private void ChangeBetas()
    {
        _betasChanged = false;
        // The usual case, a schedule that turns all betas of a group alike, needs no new tables.
        if (_lanes.TrueForAll(lane => Array.TrueForAll(lane.Members, member => Settings(member) == Settings(lane.Members[0]))))
        {
            foreach (AdamWLane lane in _lanes)
                if (lane.Settings != Settings(lane.Members[0]))
                {
                    AdamWTensorOptions options = _options[lane.Members[0]];
                    lane.Restart(options, options.ProgressAfter(lane.ReadProgress().Step));
                }
            return;
        }
        Regroup(steps: null);
    }

    private AdamWSettings Settings(int tensor) => AdamWLane.SettingsOf(_options[tensor]);

    /// <summary>Deals the tensors to lanes: by what they have shared so far, or by their steps where those are given; by settings; and by presence.</summary>
    /// <remarks>What has parted stays parted, lest tensors that come and go at random make every step wait.</remarks>
    private void Regroup(long[]? steps)
    {
        var progress = new OptimizerProgress[Count];
        var former = new AdamWLane?[Count];
        foreach (AdamWLane lane in _lanes)
        {
            OptimizerProgress reached = lane.ReadProgress();
            foreach (int member in lane.Members)
            {
                former[member] = steps is null ? lane : null;
                progress[member] = lane.Settings == Settings(member) ? reached : _options[member].ProgressAfter(reached.Step);
            }
        }
        if (steps is not null)
            for (int i = 0; i < Count; i++)
                progress[i] = _options[i].ProgressAfter(steps[i]);
        var lanes = new List<AdamWLane>();
        try
        {
            foreach (var group in Enumerable.Range(0, Count).GroupBy(i => (former[i], Settings(i), progress[i], _gradients.IsPresent(i))))
            {
                int[] members = [.. group];
                lanes.Add(new AdamWLane(_device, _sets, members, _options[members[0]], group.Key.Item3));
            }
        }
        catch
        {
            foreach (AdamWLane lane in lanes)
                lane.Dispose();
            throw;
        }
        foreach (AdamWLane lane in _lanes)
            lane.Dispose();
        _lanes = lanes;
        _betasChanged = false;
        _seenVersion = _gradients.Version;
    }
}
