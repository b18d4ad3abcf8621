using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Tests.Cuda.Gradients;

/// <summary>Tensors on some device, and the optimizer's operations on them; everything they touch can be compared bit for bit.</summary>
internal sealed class OptimizerRun : IDisposable
{
    private const float Gap = 12345.678f;

    private readonly Device _device;
    private readonly int _unalignedGroup;
    private readonly DeviceBuffer<float>[] _groups;
    private readonly long[] _starts;
    private readonly int[] _lengths;
    private readonly List<IDisposable> _owned = [];
    private readonly ChunkTable _table;
    private readonly DeviceBuffer<ChunkPartial> _partials;
    private readonly DeviceBuffer<TensorNorm> _norms;
    private readonly DeviceBuffer<double> _learningRate;
    private readonly DeviceBuffer<UpdateSums> _updatePartials, _updates;
    private readonly DeviceBuffer<ClipState> _clip;
    private readonly DeviceBuffer<AdamWState> _state;
    private readonly DeviceBuffer<AdamWTensor> _tensors;

    /// <param name="device">Where to run.</param>
    /// <param name="gradients">The tensors' first gradients; parameters and moments are made from them.</param>
    /// <param name="offset">Floats by which each tensor begins after a multiple of 64 bytes.</param>
    /// <param name="unalignedGroup">Whose tensors begin one float later still: gradients (0), parameters, first or second moments (3).</param>
    public OptimizerRun(Device device, float[][] gradients, int offset = 0, int unalignedGroup = -1)
    {
        (_device, _unalignedGroup) = (device, unalignedGroup);
        _lengths = [.. gradients.Select(tensor => tensor.Length)];
        _starts = new long[gradients.Length];
        long end = 0;
        for (int i = 0; i < gradients.Length; i++)
        {
            // At least one float between neighbours, so that whoever runs over the end is seen.
            _starts[i] = (end + 16) / 16 * 16 + offset;
            end = _starts[i] + gradients[i].Length;
        }
        _groups = [.. Enumerable.Range(0, 4).Select(_ => Own(end + 16L))];
        WriteGradients(gradients);
        Write(1, gradients, g => g * 0.5f + 0.25f);
        Write(2, gradients, g => float.IsFinite(g) ? g * 0.125f : 0.5f);
        Write(3, gradients, g => float.IsFinite(g * g) ? g * g * 0.01f : 2f);
        TensorSet[] sets = [.. _groups.Select((_, group) => Set(group))];
        _table = new ChunkTable(device, sets[0], sets[1], sets[2], sets[3]);
        _partials = OwnBuffer<ChunkPartial>(_table.ChunkCount);
        _norms = OwnBuffer<TensorNorm>(gradients.Length);
        _updatePartials = OwnBuffer<UpdateSums>(_table.ChunkCount);
        _updates = OwnBuffer<UpdateSums>(gradients.Length);
        _learningRate = OwnBuffer<double>(1);
        _clip = OwnBuffer<ClipState>(1);
        _state = OwnBuffer<AdamWState>(1);
        _state.CopyFrom([new AdamWState { Beta1Power = 1, Beta2Power = 1 }]);
        _tensors = OwnBuffer<AdamWTensor>(gradients.Length);
        if (gradients.Length > 0)
            _tensors.CopyFrom([.. gradients.Select((_, i) => new AdamWTensor { WeightDecay = i % 3 * 0.05, LearningRateScale = 1 + i % 2 * 0.5 })]);
    }

    /// <summary>Gradients of the next step.</summary>
    public void WriteGradients(float[][] gradients) => Write(0, gradients, g => g);

    public void Clip(ClipSettings settings)
    {
        _device.Backend.GradNormPartial(_table, _partials);
        _device.Backend.GradNormFinal(_table, _partials, settings, _norms, _clip);
    }

    public void Scale() => _device.Backend.GradScale(_table, Outcome);

    public void AdamW(double learningRate, bool clipped)
    {
        _learningRate.CopyFrom([learningRate]);
        EnqueueAdamW(clipped);
    }

    /// <summary>A step at the learning rate of the last one; writes nothing from the host, so it can be recorded.</summary>
    public void EnqueueAdamW(bool clipped) =>
        _device.Backend.AdamW(_table, _tensors, new AdamWSettings(0.9, 0.999, 1e-8), _learningRate, _state, clipped ? Outcome : null);

    /// <summary>A step that is measured.</summary>
    public void AdamWMeasured(double learningRate, bool clipped)
    {
        _learningRate.CopyFrom([learningRate]);
        EnqueueMeasured(clipped);
    }

    public void EnqueueMeasured(bool clipped)
    {
        _device.Backend.AdamWMeasured(
            _table, _tensors, new AdamWSettings(0.9, 0.999, 1e-8), _learningRate, _state, clipped ? Outcome : null, _updatePartials);
        _device.Backend.UpdateFinal(_table, _updatePartials, _updates);
    }

    private ClipOutcome Outcome => new(_clip, _norms);

    public float[] Parameters(int tensor)
    {
        var values = new float[_lengths[tensor]];
        _groups[1].CopyTo(values, StartOf(1, tensor));
        return values;
    }

    public TensorNorm[] Norms => Read(_norms);

    public UpdateSums[] Updates => Read(_updates);

    public ClipState ClipState => Read(_clip)[0];

    public AdamWState State => Read(_state)[0];

    /// <summary>Everything there is, in words that differ as soon as one bit does; all NaNs count as one.</summary>
    public (string Name, string[] Values)[] Everything() =>
    [
        ("gradients", Floats(0)), ("parameters", Floats(1)), ("first moments", Floats(2)), ("second moments", Floats(3)),
        ("partials", [.. Read(_partials).Select(p => $"{Bits(p.SumOfSquares)} {p.MaxMagnitudeBits:x} {p.NonFiniteCount} {p.FirstNonFinite}")]),
        ("norms", [.. Read(_norms).Select(n =>
            $"{Bits(n.Norm)} {Bits(n.Coefficient)} {Bits(n.NormAfter)} {n.NonFiniteCount} {n.FirstNonFinite} {BitConverter.SingleToUInt32Bits(n.MaxMagnitude):x}")]),
        ("updates of chunks", [.. Read(_updatePartials).Select(Bits)]), ("updates", [.. Read(_updates).Select(Bits)]),
        ("clip", [.. Read(_clip).Select(c =>
            $"{Bits(c.Norm)} {Bits(c.Coefficient)} {c.NonFiniteCount} {c.FirstBadTensor} {c.FirstBadIndex} {c.Calls} {c.ClippedCalls}"
            + $" {c.SkippedCalls} {c.Skip} {c.ConsecutiveSkips} {BitConverter.SingleToUInt32Bits(c.MaxMagnitude):x}")]),
        ("state", [.. Read(_state).Select(s => $"{s.Step} {Bits(s.Beta1Power)} {Bits(s.Beta2Power)}")]),
    ];

    public void Dispose()
    {
        _table.Dispose();
        foreach (IDisposable owned in _owned)
            owned.Dispose();
    }

    private static string Bits(double value) => $"{BitConverter.DoubleToUInt64Bits(value):x16}";

    private static string Bits(UpdateSums sums) =>
        $"{Bits(sums.Weights)} {Bits(sums.Updates)} {Bits(sums.Ratios)} {Bits(sums.SecondMoments)} {Bits(sums.Gradients)}";

    private static string Bits(float value) => float.IsNaN(value) ? "NaN" : $"{BitConverter.SingleToUInt32Bits(value):x8}";

    private static T[] Read<T>(DeviceBuffer<T> buffer)
        where T : unmanaged
    {
        var values = new T[buffer.Length];
        buffer.CopyTo(values);
        return values;
    }

    private string[] Floats(int group) => [.. Read(_groups[group]).Select(Bits)];

    private DeviceBuffer<float> Own(long length)
    {
        DeviceBuffer<float> buffer = OwnBuffer<float>(length);
        var values = new float[length];
        Array.Fill(values, Gap);
        buffer.CopyFrom(values);
        return buffer;
    }

    private DeviceBuffer<T> OwnBuffer<T>(long length)
        where T : unmanaged
    {
        DeviceBuffer<T> buffer = _device.Backend.Allocate<T>(length);
        _owned.Add(buffer);
        return buffer;
    }

    private void Write(int group, float[][] gradients, Func<float, float> convert)
    {
        for (int i = 0; i < gradients.Length; i++)
            _groups[group].CopyFrom([.. gradients[i].Select(convert)], StartOf(group, i));
    }

    private long StartOf(int group, int tensor) => _starts[tensor] + (group == _unalignedGroup ? 1 : 0);

    private ExternalTensors Set(int group)
    {
        var set = new ExternalTensors();
        for (int i = 0; i < _lengths.Length; i++)
            set.Add($"t{i}", _groups[group].Address + (nint)(StartOf(group, i) * sizeof(float)), _lengths[i]);
        return set;
    }
}
