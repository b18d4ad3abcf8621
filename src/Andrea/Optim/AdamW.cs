using Andrea.Backends;
using Andrea.Clipping;
using Andrea.Tensors;

namespace Andrea.Optim;

/// <summary>AdamW, fused: one pass over gradients, moments and parameters that also applies the clip coefficient and obeys the skip flag.</summary>
/// <remarks>
/// m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; p = (1 - lr wd) p - lr / (1 - b1^t) * m / (sqrt(v / (1 - b2^t)) + eps).
/// Bias corrections are computed in double; t counts applied steps only. Cost: 28 bytes a parameter, and 4 for the clipper's norm; no
/// allocation; on a GPU three kernels with a clipper, one without, launched as one graph, and no synchronisation. Steps whose update a
/// <c>GradientMonitor</c> has measured take one kernel more, in a graph of their own; the others stay as they are.
/// Every operation is rounded as IEEE 754 says, so that
/// results have the same bits on every processor and for any number of threads; the CUDA kernel is held to them on an emulator.
/// With <see cref="AdamWOptions.Stabilizer"/>, see there for what is done and what it costs.
/// Unlike PyTorch: a step with non-finite gradients leaves everything bit-identical, and tensors of one dimension do not decay unless a
/// <see cref="ParameterGroup"/> says so. Loshchilov and Hutter 2019, arXiv:1711.05101.
/// <code>
/// using var clipper = new GradClipper(device, gradients);
/// using var optimizer = new AdamW(device, parameters, gradients, clipper: clipper);
/// optimizer.Step(learningRate: 3e-4); // measures, then clips and updates in one pass
/// </code>
/// </remarks>
public sealed class AdamW : Optimizer
{
    // Doubles of one tensor's history.
    private const int HistoryLength = 6;

    private readonly AdamWSettings _settings;
    private readonly StabilizerMemory? _stabilizer;

    /// <summary>Prepares to optimise these parameters; both moments begin at 0.</summary>
    /// <param name="device">Where parameters and gradients lie.</param>
    /// <param name="parameters">The parameters; changed in place; not owned.</param>
    /// <param name="gradients">Their gradients, tensor for tensor of the same length; read only. While one is absent
    /// (<see cref="ExternalTensors.Move(int, nint)"/>), its parameter and moments keep every bit; the step counts for it nevertheless. One that is there
    /// while its parameter is absent is refused by <see cref="Optimizer.Step"/>.</param>
    /// <param name="options">Betas, epsilon, decay, stabilizer; null for the defaults.</param>
    /// <param name="clipper">Measures the same gradients before each update; its coefficient is folded in. Null does not clip. Not owned.</param>
    /// <exception cref="ArgumentException">Parameters and gradients do not match or overlap, the clipper measures others, or an option is out of range;
    /// or the stabilizer needs a clipper, and there is none.</exception>
    public AdamW(Device device, TensorSet parameters, TensorSet gradients, AdamWOptions? options = null, GradClipper? clipper = null)
        : base(device, parameters, gradients, options ??= new AdamWOptions(), clipper)
    {
        Options = options;
        _settings = new AdamWSettings(Options.Beta1, Options.Beta2, Options.Epsilon);
        if (options.Stabilizer is not { } stabilizer)
            return;
        try
        {
            if (stabilizer is StableSpamStabilizer && clipper is null)
                throw new ArgumentException(
                    "Stable-SPAM takes each tensor's norm and largest gradient from a clipper, and there is none. Pass a GradClipper over the same gradients; with MaxNorm = double.PositiveInfinity it only measures.",
                    nameof(clipper));
            _stabilizer = Remember(device.Backend, stabilizer);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override AdamWOptions Options { get; }

    internal override int StabilizerLength => _stabilizer is { Kind: StabilizerKind.StableSpam } ? HistoryLength * Table.TensorCount : 0;

    internal override void ShowMemory(IBufferVisitor visitor)
    {
        base.ShowMemory(visitor);
        if (_stabilizer is not null)
            visitor.Visit(_stabilizer.History);
    }

    private protected override void Update(in UpdateOperands operands, DeviceBuffer<UpdateSums>? partials)
    {
        IBackend backend = Device.Backend;
        if (_stabilizer is not null)
        {
            backend.Stabilize(operands, _settings, _stabilizer);
            backend.AdamWStabilized(operands, _settings, _stabilizer, partials);
        }
        else if (partials is null)
        {
            backend.AdamW(operands.Table, operands.Tensors, _settings, operands.LearningRate, operands.State, operands.Clip);
        }
        else
        {
            backend.AdamWMeasured(operands.Table, operands.Tensors, _settings, operands.LearningRate, operands.State, operands.Clip, partials);
        }
    }

    private protected override double[] ReadStabilizer()
    {
        if (StabilizerLength == 0)
            return [];
        var history = new TensorHistory[Table.TensorCount];
        _stabilizer!.History.CopyTo(history);
        return [.. history.SelectMany(tensor =>
            (double[])[tensor.Maximum, tensor.Norm, tensor.Square, tensor.MaximumPower, tensor.NormPower, tensor.SquarePower])];
    }

    private protected override void RestoreStabilizer(IReadOnlyList<double> numbers)
    {
        if (StabilizerLength == 0)
            return;
        var history = new TensorHistory[Table.TensorCount];
        Array.Fill(history, TensorHistory.Empty);
        for (int i = 0; i < numbers.Count / HistoryLength; i++)
            history[i] = new TensorHistory
            {
                Maximum = numbers[i * HistoryLength],
                Norm = numbers[(i * HistoryLength) + 1],
                Square = numbers[(i * HistoryLength) + 2],
                MaximumPower = numbers[(i * HistoryLength) + 3],
                NormPower = numbers[(i * HistoryLength) + 4],
                SquarePower = numbers[(i * HistoryLength) + 5],
            };
        _stabilizer!.History.CopyFrom(history);
    }

    private StabilizerMemory Remember(IBackend backend, Stabilizer stabilizer)
    {
        StabilizerSettings settings = stabilizer.ToSettings(Options.Epsilon);
        double[] warmup = stabilizer.Warmup();
        var memory = new StabilizerMemory(
            (StabilizerKind)settings.Kind, Owned.Add(backend.Allocate<StabilizerSettings>(1)), Owned.Add(backend.Allocate<double>(warmup.Length)),
            Owned.Add(backend.Allocate<double>(Table.ChunkCount)), Owned.Add(backend.Allocate<TensorStep>(Table.TensorCount)),
            Owned.Add(backend.Allocate<TensorHistory>(Table.TensorCount)));
        var history = new TensorHistory[Table.TensorCount];
        Array.Fill(history, TensorHistory.Empty);
        memory.Settings.CopyFrom([settings]);
        memory.Warmup.CopyFrom(warmup);
        memory.History.CopyFrom(history);
        return memory;
    }
}
