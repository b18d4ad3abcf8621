using System.Diagnostics.CodeAnalysis;
using Andrea.Backends;
using Andrea.Clipping;
using Andrea.Optim;
using Andrea.Tensors;

namespace Andrea.Monitoring;

/// <summary>Looks at the gradients of every step, tensor by tensor, from the passes that the clipper and AdamW make anyway.</summary>
/// <remarks>
/// Norm before and after clipping, largest magnitude, NaN and Inf in every monitored step; every
/// <see cref="GradientMonitorOptions.UpdatesEvery"/> steps also weight norm, update norm, RMS(g / sqrt(v)) and mean(v) / mean(g^2).
/// A step is whatever its clipper measures: a <see cref="GradClipper.Clip"/>, a <see cref="GradClipper.Measure"/>, or an
/// <see cref="Optimizer.Step"/> with that clipper. Steps that are part of a recording of yours are neither counted nor monitored.
/// Replaces the loop over PyTorch's <c>named_parameters()</c> that logs <c>p.grad.norm().item()</c>, which waits for the device once for each
/// tensor. Here nothing waits, and readings come one step late on a GPU:
/// <code>
/// using var clipper = new GradClipper(device, gradients);
/// using var optimizer = new AdamW(device, parameters, gradients, clipper: clipper);
/// using var monitor = new GradientMonitor(clipper, optimizer); // then, in the loop:
/// optimizer.Step(learningRate: 3e-4);
/// if (monitor.TryTake(out GradientRecord? record)) Console.WriteLine($"{record.Step}: {record.Readings[0].Norm}");
/// </code>
/// Cost of a step: no read of a gradient, no launch, no synchronisation, no allocation; 48 bytes a tensor are copied to the host, and 80 of the
/// clip's outcome. A step whose update is measured reads and writes what others do, launches one kernel more (a second graph, recorded the
/// second time), takes 15 more operations in double for each parameter, writes and reads 40 bytes for each 65,536 of them, and copies 40
/// bytes a tensor and 24 of the optimizer's progress. Updated parameters have the same bits, measured or not. The host waits only when it is 8 monitored steps ahead of the device.
/// One thread at a time. Dispose the monitor before or after what it monitors, in any order.
/// </remarks>
public sealed class GradientMonitor : IDisposable
{
    // As many steps as a clipper lets a device be behind; and as many records are kept that nobody takes.
    private const int Capacity = 8;

    private readonly GradClipper _clipper;
    private readonly Optimizer? _optimizer;
    private readonly MonitoredGroups _groups;
    private readonly OwnedMemory _owned = new();
    private readonly IReadback<ClipState> _clips;
    private readonly IReadback<TensorNorm> _norms;
    private readonly IReadback<UpdateSums>? _updates;
    private readonly IReadback<AdamWState>? _progress;
    private readonly ClipState[] _clipRead = new ClipState[1];
    private readonly TensorNorm[] _normsRead;
    private readonly UpdateSums[] _updatesRead;
    private readonly AdamWState[] _progressRead = new AdamWState[1];
    private readonly RecordQueue _records;
    private readonly Posted[] _underWay = new Posted[Capacity];
    private readonly Action _postClip;
    private readonly Func<bool> _wantsUpdate;
    private long _posted, _completed;
    private bool _disposed;

    // With a clipper of its own the optimizer measures an update before the clip's result is posted; otherwise after.
    private readonly bool _updatesComeFirst;
    private bool _updatePosted;

    /// <summary>Begins to monitor the steps to come.</summary>
    /// <param name="clipper">Measures the gradients; not owned.</param>
    /// <param name="optimizer">Updates the parameters, after that clipper or with it; null leaves updates unmeasured. Not owned.</param>
    /// <param name="options">How often, which tensors; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of range, a pattern matches no tensor, or the optimizer reads other gradients than
    /// the clipper measures, or has another clipper.</exception>
    /// <exception cref="InvalidOperationException">Another monitor looks at this clipper or optimizer.</exception>
    public GradientMonitor(GradClipper clipper, Optimizer? optimizer = null, GradientMonitorOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(clipper);
        Options = options ?? new GradientMonitorOptions();
        Options.Validate();
        Check(clipper, optimizer);
        _clipper = clipper;
        _optimizer = optimizer;
        _updatesComeFirst = optimizer?.Clipper is not null;
        _groups = new MonitoredGroups(clipper.Gradients, Options);
        int tensors = clipper.Gradients.Count;
        bool measures = optimizer is not null && Options is { Every: > 0, UpdatesEvery: > 0 };
        _normsRead = new TensorNorm[tensors];
        _updatesRead = new UpdateSums[measures ? tensors : 0];
        _records = new RecordQueue(_groups.Series, Capacity);
        (_postClip, _wantsUpdate) = (PostClip, WantsUpdate);
        IBackend backend = clipper.Device.Backend;
        try
        {
            _clips = _owned.Add(backend.CreateReadback<ClipState>(Capacity));
            _norms = _owned.Add(backend.CreateReadback<TensorNorm>(Capacity, tensors));
            if (measures)
            {
                _updates = _owned.Add(backend.CreateReadback<UpdateSums>(Capacity, tensors));
                _progress = _owned.Add(backend.CreateReadback<AdamWState>(Capacity));
                optimizer!.MeasureUpdates(_wantsUpdate, PostUpdate);
            }
        }
        catch
        {
            _owned.Dispose();
            throw;
        }
        clipper.Enqueued = _postClip;
    }

    /// <summary>The options it was made with.</summary>
    public GradientMonitorOptions Options { get; }

    /// <summary>What each reading is about; the same list in every record.</summary>
    public IReadOnlyList<MonitoredTensor> Tensors => _groups.Series;

    /// <summary>Number of the newest step, from 1. Set it when a loop of yours goes on from a checkpoint; a <c>Trainer</c> does so itself.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public long Step
    {
        get;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            field = value;
        }
    }

    /// <summary>The newest record that has reached the host, taken or not; null before the first. Never waits. Valid until the next step.</summary>
    public GradientRecord? Latest
    {
        get
        {
            CompleteArrived();
            return _records.Newest;
        }
    }

    /// <summary>Takes the oldest record that has reached the host and was not taken yet. Never waits.</summary>
    /// <param name="record">Valid until the next call or step; copy what you keep.</param>
    /// <returns>Whether there was one. Of records that nobody takes, the newest 8 are kept.</returns>
    /// <exception cref="ObjectDisposedException">The monitor was disposed of while readings were on their way from a GPU.</exception>
    /// <exception cref="Cuda.CudaException">The GPU has failed in an earlier step.</exception>
    public bool TryTake([NotNullWhen(true)] out GradientRecord? record)
    {
        CompleteArrived();
        return _records.TryTake(out record);
    }

    /// <summary>The newest step's record. Waits for the device if it has not arrived.</summary>
    /// <returns>Valid until the next step; copy what you keep.</returns>
    /// <exception cref="InvalidOperationException">No step was monitored yet.</exception>
    /// <exception cref="ObjectDisposedException">The monitor is disposed.</exception>
    public GradientRecord Read()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        // An update that is yet to come would be waited for in vain.
        ExpectNoUpdate();
        while (UnderWay > 0)
            CompleteOldest();
        return _records.Newest ?? throw new InvalidOperationException("No step was monitored yet. Make one that is due, with Clip, Measure or AdamW.Step.");
    }

    /// <summary>Stops monitoring. Clipper and optimizer are not touched, but for no longer being asked.</summary>
    public void Dispose()
    {
        _disposed = true;
        if (_clipper.Enqueued == _postClip)
            _clipper.Enqueued = null;
        if (_updates is not null && _optimizer!.WantsMeasuring == _wantsUpdate)
            _optimizer.MeasureUpdates(null, null);
        _owned.Dispose();
    }

    /// <summary>Takes the record of one step, if there is one; older ones are dropped.</summary>
    internal bool TryTake(long step, [NotNullWhen(true)] out GradientRecord? record)
    {
        CompleteArrived();
        while (_records.OldestStep is { } oldest && oldest <= step)
            if (_records.TryTake(out record) && oldest == step)
                return true;
        record = null;
        return false;
    }

    private static void Check(GradClipper clipper, Optimizer? optimizer)
    {
        if (clipper.Enqueued is not null || optimizer?.WantsMeasuring is not null)
            throw new InvalidOperationException("Another monitor looks at this clipper or optimizer already. Dispose it first, or share it.");
        if (optimizer is null)
            return;
        if (optimizer.Clipper is { } own && own != clipper)
            throw new ArgumentException("The optimizer has another clipper than the monitor. Build the monitor over the optimizer's own.", nameof(optimizer));
        if (!clipper.Measures(optimizer.Gradients))
            throw new ArgumentException("The clipper measures other gradients than the optimizer reads. Build both over the same set.", nameof(optimizer));
        if (clipper.Device != optimizer.Device)
            throw new DeviceMismatchException("The clipper", clipper.Device, "the optimizer", optimizer.Device);
    }

    /// <summary>Asked by the optimizer, whose step is the next one when it clips itself, and else the one that has been clipped.</summary>
    private bool WantsUpdate() =>
        _updatesComeFirst ? Options.MeasuresUpdates(Step + 1) : UnderWay > 0 && NewestUnderWay.AwaitsUpdate;

    /// <summary>An update has been measured.</summary>
    private void PostUpdate(DeviceBuffer<UpdateSums> updates)
    {
        MakeRoom();
        _updates!.Post(updates);
        _progress!.Post(_optimizer!.State);
        if (_updatesComeFirst)
            _updatePosted = true;
        else
            (NewestUnderWay.AwaitsUpdate, NewestUnderWay.HasUpdate) = (false, true);
    }

    /// <summary>A step's gradients have been measured.</summary>
    private void PostClip()
    {
        Step++;
        bool updatePosted = _updatePosted;
        _updatePosted = false;
        ExpectNoUpdate();
        if (!Options.Records(Step))
            return;
        MakeRoom();
        _clips.Post(_clipper.State);
        _norms.Post(_clipper.TensorNorms);
        _posted++;
        bool awaits = _updates is not null && !_updatesComeFirst && Options.MeasuresUpdates(Step);
        NewestUnderWay = new Posted { Step = Step, HasUpdate = updatePosted, AwaitsUpdate = awaits };
    }

    /// <summary>The newest step's update was not made before something else was, so it never will be.</summary>
    private void ExpectNoUpdate()
    {
        if (UnderWay > 0)
            NewestUnderWay.AwaitsUpdate = false;
    }

    private void MakeRoom()
    {
        CompleteArrived();
        // An update that is awaited belongs to the newest step, so the oldest of several awaits none.
        if (UnderWay == Capacity)
            CompleteOldest();
    }

    private void CompleteArrived()
    {
        // A recording must not ask whether earlier results have arrived.
        while (UnderWay > 0 && !_clipper.Device.Backend.IsRecording)
        {
            ref Posted oldest = ref Oldest;
            oldest.ClipTaken = oldest.ClipTaken || _clips.TryTake(_clipRead);
            oldest.NormsTaken = oldest.NormsTaken || _norms.TryTake(_normsRead);
            oldest.UpdateTaken = oldest.UpdateTaken || (oldest.HasUpdate && _updates!.TryTake(_updatesRead));
            oldest.ProgressTaken = oldest.ProgressTaken || (oldest.HasUpdate && _progress!.TryTake(_progressRead));
            bool complete = oldest.ClipTaken && oldest.NormsTaken && oldest.UpdateTaken == oldest.HasUpdate && oldest.ProgressTaken == oldest.HasUpdate;
            if (!complete || oldest.AwaitsUpdate)
                return;
            Complete(oldest);
        }
    }

    /// <summary>Waits for the oldest step under way.</summary>
    private void CompleteOldest()
    {
        ref Posted oldest = ref Oldest;
        if (!oldest.ClipTaken)
            _clips.WaitAndTake(_clipRead);
        if (!oldest.NormsTaken)
            _norms.WaitAndTake(_normsRead);
        if (oldest.HasUpdate && !oldest.UpdateTaken)
            _updates!.WaitAndTake(_updatesRead);
        if (oldest.HasUpdate && !oldest.ProgressTaken)
            _progress!.WaitAndTake(_progressRead);
        Complete(oldest);
    }

    private void Complete(in Posted posted)
    {
        GradientRecord record = _records.Add();
        record.Step = posted.Step;
        record.Coefficient = _clipRead[0].Coefficient;
        record.Skipped = _clipRead[0].Skip != 0;
        record.HasUpdates = posted.HasUpdate;
        // Only AdamW's second moment is the average square that these two speak of.
        (record.Beta2, record.Beta2Power) =
            posted.HasUpdate && _optimizer is AdamW adamW ? (adamW.Options.Beta2, _progressRead[0].Beta2Power) : (double.NaN, double.NaN);
        _groups.Fill(_normsRead, posted.HasUpdate ? _updatesRead : default(ReadOnlySpan<UpdateSums>), record);
        _completed++;
    }

    private int UnderWay => (int)(_posted - _completed);

    private ref Posted Oldest => ref _underWay[_completed % Capacity];

    private ref Posted NewestUnderWay => ref _underWay[(_posted - 1) % Capacity];

    /// <summary>A step whose readings are on their way to the host; which of them have been taken from there already.</summary>
    private struct Posted
    {
        public long Step;
        public bool HasUpdate, AwaitsUpdate, ClipTaken, NormsTaken, UpdateTaken, ProgressTaken;
    }
}
