using Andrea.Backends;
using Andrea.Clipping.Policies;
using Andrea.Tensors;

namespace Andrea.Clipping;

/// <summary>Scales all gradients so that their joint L2 norm is at most <see cref="GradClipperOptions.MaxNorm"/>, or clips them by another policy.</summary>
/// <remarks>
/// norm = sqrt(sum of g^2) over all tensors as one vector; norm &gt; max: g *= max / norm. "Above" means by more than rounding the scaled
/// gradients to float32 can cause (1 part in 2^24), so that clipping twice is clipping once.
/// Squares are exact and summed in double in one fixed order: no overflow or underflow for any finite gradients, and the same bits on
/// every run, for any number of threads, on every processor; the CUDA kernels are held to them on an emulator.
/// Cost: <see cref="Measure"/> reads 4 bytes a gradient; <see cref="Clip"/> reads and writes 4 more when there is something to scale.
/// No allocation. On a GPU 2 and 3 launches, no synchronisation. Other policies than the global norm (<see cref="GradClipperOptions.Policy"/>): see each.
/// Unlike PyTorch's <c>clip_grad_norm_</c>, gradients within the maximum keep every bit, there is no 1e-6 in the formula (see
/// <see cref="ClipFormula"/>), NaN and Inf skip the step, and nothing waits for the device. Pascanu et al. 2013, arXiv:1211.5063.
/// <code>
/// using var gradients = new ExternalTensors().Add("w", new float[] { 3, 4 });
/// using var clipper = new GradClipper(device, gradients, new GradClipperOptions { MaxNorm = 1 });
/// clipper.Clip();
/// Console.WriteLine(clipper.Read().NormBefore); // 5
/// </code>
/// </remarks>
public sealed class GradClipper : IDisposable
{
    // Deep enough that a device may run a few steps ahead of the host.
    private const int ResultsUnderWay = 8;

    private readonly IBackend _backend;
    private readonly TensorSet _gradients;
    private readonly Overlaps _overlaps;
    private readonly OwnedMemory _owned = new();
    private readonly ClipSettings _settings;
    private readonly ChunkTable _table;
    private readonly DeviceBuffer<ChunkPartial> _partials;
    private readonly DeviceBuffer<TensorNorm> _tensorNorms;
    private readonly IReadback<ClipState> _readback;

    // Null for the global norm, which the second clip kernel decides itself.
    private readonly PolicyWork? _policy;
    private long _posted, _taken;

    // The newest clip is part of somebody's recording, so only the device knows its result.
    private bool _recorded;
    private bool _disposed;
    private ClipResult _latest = NothingAfter(0, 0, 0, 0);
    private TensorNorm[]? _normsRead;

    /// <summary>Prepares to clip these gradients, again and again.</summary>
    /// <param name="device">Where the gradients lie.</param>
    /// <param name="gradients">The gradients, as one vector; not owned; must stay where they are, or be moved by
    /// <see cref="ExternalTensors.Move(int, nint)"/>. One that is absent counts as zeros.</param>
    /// <param name="options">Maximum, formula, policy; null for the defaults.</param>
    /// <param name="parameters">Their parameters, tensor for tensor of the same length, for a policy that looks at them (<see cref="AgcPolicy"/>); an optimizer that
    /// gets this clipper provides its own. Not owned; null when no policy asks, or an optimizer will tell.</param>
    /// <exception cref="ArgumentException">The maximum is negative or NaN, another option is out of range, or parameters do not match, or overlap gradients that the policy compares them with.</exception>
    /// <exception cref="ObjectDisposedException">The gradients have been disposed.</exception>
    public GradClipper(Device device, TensorSet gradients, GradClipperOptions? options = null, TensorSet? parameters = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(gradients);
        gradients.ThrowIfDisposed();
        Options = options ?? new GradClipperOptions();
        Options.Validate();
        var settings = new ClipSettings(Options.MaxNorm, Options.Formula == ClipFormula.Torch, Options.NonFinite != NonFinitePolicy.Propagate);
        Device = device;
        _backend = device.Backend;
        _gradients = gradients;
        _overlaps = new Overlaps((gradients, "gradient"));
        try
        {
            _table = _owned.Add(new ChunkTable(device, gradients));
            _partials = _owned.Add(_backend.Allocate<ChunkPartial>(_table.ChunkCount));
            _tensorNorms = _owned.Add(_backend.Allocate<TensorNorm>(_table.TensorCount));
            State = _owned.Add(_backend.Allocate<ClipState>(1));
            Outcome = new ClipOutcome(State, _tensorNorms);
            _readback = _owned.Add(_backend.CreateReadback<ClipState>(ResultsUnderWay));
            _policy = Options.Policy.CreateWork(device, gradients, _table, settings);
            if (_policy is not null)
                _owned.Add(_policy);
            // A policy decides for itself, so the second kernel is to measure only.
            _settings = _policy is null ? settings : settings with { MaxNorm = double.PositiveInfinity };
            if (parameters is not null)
                UseParameters(parameters);
        }
        catch
        {
            _owned.Dispose();
            throw;
        }
    }

    /// <summary>The options it was made with.</summary>
    public GradClipperOptions Options { get; }

    /// <summary>The newest result that has reached the host; on a GPU usually one step old. Never waits.</summary>
    /// <value>Before the first: call 0, of nothing, which clipped nothing.</value>
    /// <exception cref="NonFiniteGradientException">As for <see cref="Clip"/>.</exception>
    /// <exception cref="ObjectDisposedException">This clipper has been disposed.</exception>
    public ClipResult Latest
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            TakeArrived();
            return _latest;
        }
    }

    /// <summary>A recording holds addresses, so whoever launches one asks this first.</summary>
    /// <exception cref="ObjectDisposedException">The gradients or this clipper have been disposed.</exception>
    internal void ThrowIfDisposed()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _gradients.ThrowIfDisposed();
    }

    /// <summary>Where the gradients lie.</summary>
    internal Device Device { get; }

    /// <summary>Told of every result, in order, when it reaches the host.</summary>
    internal Action<ClipResult>? Arrived { get; init; }

    /// <summary>Told of every clip as soon as it is on its way, before its result is posted; not of those that are recorded.</summary>
    internal Action? Enqueued { get; set; }

    /// <summary>Has the last word on whether a step is skipped; null where the clip alone decides. Before the first clip; not owned.</summary>
    internal SpikeGate? Gate { get; set; }

    /// <summary>What it measures.</summary>
    internal TensorSet Gradients => _gradients;

    /// <summary>(tensors) What the newest clip found in each tensor, on the device.</summary>
    internal DeviceBuffer<TensorNorm> TensorNorms => _tensorNorms;

    /// <summary>(1) The outcome on the device, as far as it is about all gradients together.</summary>
    internal DeviceBuffer<ClipState> State { get; }

    /// <summary>The outcome on the device, for AdamW to read.</summary>
    internal ClipOutcome Outcome { get; }

    /// <summary>Whether this clipper measures just these gradients.</summary>
    internal bool Measures(TensorSet gradients) => ReferenceEquals(_gradients, gradients);

    /// <summary>Clips arrays once, on the calling thread, for those who need no more than that.</summary>
    /// <param name="maxNorm">Largest joint norm.</param>
    /// <param name="gradients">The gradients, as one vector; changed in place unless one is NaN or Inf.</param>
    /// <returns>What was found and done.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The norm is negative or NaN.</exception>
    /// <exception cref="ArgumentException">Two of the gradients overlap in memory.</exception>
    public static ClipResult ClipOnce(double maxNorm, params ReadOnlySpan<Memory<float>> gradients)
    {
        using Device device = Device.Cpu(threads: 1);
        using var set = new ExternalTensors();
        for (int i = 0; i < gradients.Length; i++)
            set.Add($"gradient {i}", gradients[i]);
        using var clipper = new GradClipper(device, set, new GradClipperOptions { MaxNorm = maxNorm });
        clipper.Clip();
        return clipper.Read();
    }

    /// <summary>Clips one run of gradients once, on the calling thread: any memory of the host that a span can show.</summary>
    /// <param name="maxNorm">Largest norm.</param>
    /// <param name="gradients">The gradients; changed in place unless one is NaN or Inf; pinned for the length of the call.</param>
    /// <returns>What was found and done.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The norm is negative or NaN.</exception>
    /// <remarks>Makes its tables for the one call (a few microseconds). A loop does better with a clipper of its own.</remarks>
    public static unsafe ClipResult ClipOnce(double maxNorm, Span<float> gradients)
    {
        using Device device = Device.Cpu(threads: 1);
        fixed (float* address = gradients)
        {
            using var set = new ExternalTensors().Add("gradients", (nint)address, gradients.Length);
            using var clipper = new GradClipper(device, set, new GradClipperOptions { MaxNorm = maxNorm });
            clipper.Clip();
            return clipper.Read();
        }
    }

    /// <summary>Measures the gradients and scales them where needed.</summary>
    /// <exception cref="NonFiniteGradientException">The policy is Throw, or too many steps in a row were skipped; possibly one call late on a GPU.</exception>
    /// <exception cref="ObjectDisposedException">The gradients, the device or this clipper have been disposed.</exception>
    /// <exception cref="DeviceMismatchException">A gradient has moved to memory that the device cannot use.</exception>
    /// <exception cref="InvalidOperationException">A gradient has been moved onto another, or the policy looks at parameters and was not told where they
    /// are.</exception>
    public void Clip()
    {
        Follow();
        Enqueue();
        if (_policy is not { ChangesGradients: true })
            _backend.GradScale(_table, Outcome);
        PostResult();
        // Kernels hold addresses, not objects: what owns the memory must outlive them.
        GC.KeepAlive(this);
    }

    /// <summary>Measures only, and leaves coefficients and skip flag on the device for an optimizer that folds them in. A policy that clips elements or
    /// units (<see cref="ValuePolicy"/>, <see cref="AgcPolicy"/>) does so here, too.</summary>
    /// <exception cref="NonFiniteGradientException">As for <see cref="Clip"/>.</exception>
    /// <exception cref="ObjectDisposedException">As for <see cref="Clip"/>.</exception>
    /// <exception cref="DeviceMismatchException">As for <see cref="Clip"/>.</exception>
    /// <exception cref="InvalidOperationException">As for <see cref="Clip"/>.</exception>
    public void Measure()
    {
        Follow();
        Enqueue();
        PostResult();
        GC.KeepAlive(this);
    }

    /// <summary>The newest clip's result. Waits for the device if it has not arrived.</summary>
    /// <returns>What the newest <see cref="Clip"/> or <see cref="Measure"/> found and did.</returns>
    /// <exception cref="InvalidOperationException">Nothing was clipped yet.</exception>
    /// <exception cref="NonFiniteGradientException">As for <see cref="Clip"/>.</exception>
    /// <exception cref="ObjectDisposedException">This clipper has been disposed.</exception>
    public ClipResult Read()
    {
        ThrowIfNothingClipped();
        while (_taken < _posted)
            AwaitOldest();
        if (!_recorded)
            return _latest;
        Span<ClipState> state = stackalloc ClipState[1];
        State.CopyTo(state);
        return _latest = ResultOf(state[0]);
    }

    /// <summary>L2 norm of every tensor before the newest clip, in the order of the set. Waits for the device.</summary>
    /// <param name="norms">Receives one norm for each tensor.</param>
    /// <exception cref="InvalidOperationException">Nothing was clipped yet.</exception>
    /// <exception cref="ArgumentException">There are more or fewer places than tensors.</exception>
    /// <exception cref="ObjectDisposedException">This clipper has been disposed.</exception>
    public void ReadTensorNorms(Span<double> norms)
    {
        ThrowIfNothingClipped();
        if (norms.Length != _gradients.Count)
            throw new ArgumentException($"{norms.Length} places were given for the norms of {_gradients.Count} tensors. Pass one for each.", nameof(norms));
        _normsRead ??= new TensorNorm[norms.Length];
        _tensorNorms.CopyTo(_normsRead);
        for (int i = 0; i < norms.Length; i++)
            norms[i] = _normsRead[i].Norm;
    }

    /// <summary>What the clip policy remembers, for a checkpoint; null for a policy that remembers nothing. Waits for the device.</summary>
    /// <returns>A copy of it; the clipper goes on changing its own.</returns>
    /// <exception cref="ObjectDisposedException">This clipper has been disposed.</exception>
    public ClipPolicyState? ReadPolicyState()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _policy?.Read();
    }

    /// <summary>Goes on from a checkpoint, with the same bits.</summary>
    /// <param name="state">As <see cref="ReadPolicyState"/> gave it; null, another policy's or version's, or of other tensors: the policy begins afresh.</param>
    /// <exception cref="ArgumentException">A number is missing or impossible; nothing was changed.</exception>
    /// <exception cref="ObjectDisposedException">This clipper has been disposed.</exception>
    public void RestorePolicyState(ClipPolicyState? state)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        state?.Check();
        _policy?.Restore(state);
    }

    /// <summary>Says whose gradients these are, for a policy that asks; the first to say so is right.</summary>
    internal void UseParameters(TensorSet parameters)
    {
        SetMatch.Check(parameters, _gradients, "gradient", nameof(parameters));
        _policy?.UseParameters(parameters);
    }

    /// <summary>Shows what the policy remembers from step to step.</summary>
    internal void ShowMemory(IBufferVisitor visitor) => _policy?.ShowMemory(visitor);

    /// <summary>Goes on counting from a checkpoint.</summary>
    internal void RestoreCounters(long calls, long clippedCalls, long skippedCalls, int consecutiveSkips)
    {
        State.CopyFrom([new ClipState { Calls = calls, ClippedCalls = clippedCalls, SkippedCalls = skippedCalls, ConsecutiveSkips = consecutiveSkips }]);
        _latest = NothingAfter(calls, clippedCalls, skippedCalls, consecutiveSkips);
    }

    /// <summary>Frees the device memory; the gradients are not touched.</summary>
    public void Dispose()
    {
        _disposed = true;
        _owned.Dispose();
    }

    /// <summary>Learns where the gradients lie by now; before <see cref="Enqueue"/>, for it cannot be recorded when one has moved.</summary>
    /// <exception cref="ObjectDisposedException">The gradients or this clipper have been disposed.</exception>
    internal void Follow()
    {
        ThrowIfDisposed();
        _overlaps.Follow();
        _table.Follow();
        _policy?.Follow();
    }

    /// <summary>Enqueues the two kernels that measure, and what the policy does then, and no more, so that it can be recorded.</summary>
    /// <exception cref="ObjectDisposedException">The gradients have been disposed.</exception>
    internal void Enqueue()
    {
        _gradients.ThrowIfDisposed();
        _backend.GradNormPartial(_table, _partials);
        _backend.GradNormFinal(_table, _partials, _settings, _tensorNorms, State);
        // Before the policy, which neither learns from a step that is skipped nor changes its gradients.
        Gate?.Enqueue(Outcome);
        _policy?.Enqueue(_partials, Outcome);
    }

    /// <summary>Sends the result on its way to the host, and takes what has arrived.</summary>
    /// <exception cref="NonFiniteGradientException">As for <see cref="Clip"/>.</exception>
    internal void PostResult()
    {
        // A recording must not ask whether earlier results have arrived.
        _recorded = _backend.IsRecording;
        if (_recorded)
            return;
        Enqueued?.Invoke();
        Gate?.Post();
        if (_posted - _taken == ResultsUnderWay)
            AwaitOldest();
        _readback.Post(State);
        _posted++;
        TakeArrived();
    }

    /// <summary>Waits for the oldest result under way, if there is one.</summary>
    /// <exception cref="NonFiniteGradientException">As for <see cref="Clip"/>.</exception>
    internal void AwaitOldest()
    {
        if (_taken < _posted)
            Accept(_readback.WaitAndTake());
    }

    private void ThrowIfNothingClipped()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_posted == 0 && !_recorded)
            throw new InvalidOperationException("Nothing was clipped yet. Call Clip or Measure first.");
    }

    private void TakeArrived()
    {
        while (!_backend.IsRecording && _readback.TryTake(out ClipState state))
            Accept(state);
    }

    private void Accept(ClipState state)
    {
        _taken++;
        _latest = ResultOf(state);
        Arrived?.Invoke(_latest);
        // A spike is the guard's to answer for.
        if (state.Skip != (int)SkipReason.NonFiniteGradients)
            return;
        if (Options.NonFinite == NonFinitePolicy.Throw)
            throw new NonFiniteGradientException(_latest, "Look at that tensor's layer and batch, or choose NonFinitePolicy.SkipStep to go on without the step.");
        if (Options.MaxConsecutiveSkips > 0 && state.ConsecutiveSkips >= Options.MaxConsecutiveSkips)
            throw new NonFiniteGradientException(_latest, "Training no longer makes progress: go back to an earlier checkpoint, with a lower learning rate or more warmup.");
    }

    /// <summary>What is known after so many clips whose results are not: that they have been.</summary>
    private static ClipResult NothingAfter(long calls, long clippedCalls, long skippedCalls, int consecutiveSkips) => new()
    {
        Call = calls,
        NormBefore = 0,
        NormAfter = 0,
        Coefficient = 1,
        MaxMagnitude = 0,
        ClippedCalls = clippedCalls,
        SkippedCalls = skippedCalls,
        ConsecutiveSkips = consecutiveSkips,
    };

    private ClipResult ResultOf(in ClipState state) => new()
    {
        Call = state.Calls,
        NormBefore = state.Norm,
        NormAfter = state.NormAfter,
        Coefficient = state.Coefficient,
        MaxMagnitude = state.MaxMagnitude,
        ClippedCalls = state.ClippedCalls,
        SkippedCalls = state.SkippedCalls,
        ConsecutiveSkips = state.ConsecutiveSkips,
        SkipReason = (SkipReason)state.Skip,
        NonFiniteCount = state.NonFiniteCount,
        FirstBadTensor = state.FirstBadTensor < 0 ? null : _gradients.NameOf(state.FirstBadTensor),
        FirstBadIndex = state.FirstBadIndex,
    };
}
