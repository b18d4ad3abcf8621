using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Clipping.Policies;

/// <summary>Carries AGC out, once it has been told where the parameters are.</summary>
internal sealed class AgcWork : PolicyWork
{
    private readonly Device _device;
    private readonly TensorSet _gradients;
    private readonly AgcSettings _settings;
    private readonly DeviceBuffer<AgcTensor> _tensors;
    private readonly DeviceBuffer<int> _firstUnits;
    private readonly DeviceBuffer<ClippedPart> _parts;
    private TensorSet? _parameters;
    private Overlaps? _overlaps;
    private ChunkTable? _table;

    public AgcWork(Device device, TensorSet gradients, AgcPolicy policy)
        : base(device)
    {
        (_device, _gradients) = (device, gradients);
        _settings = new AgcSettings(policy.Factor, policy.Epsilon);
        (AgcTensor[] tensors, int[] firstUnits) = UnitsOf(gradients, policy);
        _tensors = Owned.Add(Backend.Allocate<AgcTensor>(tensors.Length));
        _tensors.CopyFrom(tensors);
        _firstUnits = Owned.Add(Backend.Allocate<int>(firstUnits.Length));
        _firstUnits.CopyFrom(firstUnits);
        _parts = Owned.Add(Backend.Allocate<ClippedPart>(firstUnits[^1]));
    }

    public override bool ChangesGradients => true;

    public override void UseParameters(TensorSet parameters)
    {
        if (ReferenceEquals(parameters, _parameters))
            return;
        if (_parameters is not null)
            throw new ArgumentException(
                "The clipper compares its gradients with other parameters than these. Give it the set that the optimizer gets, or none, and the optimizer will tell it.", nameof(parameters));
        // It changes gradients, which must not be parameters.
        _overlaps = new Overlaps((parameters, "parameter"), (_gradients, "gradient"));
        _table = Owned.Add(new ChunkTable(_device, _gradients, parameters));
        _parameters = parameters;
    }

    public override void Follow()
    {
        if (_table is null)
            throw new InvalidOperationException(
                "AGC compares gradients with their parameters, and was not told where those are. Pass them to the clipper, or the clipper to an optimizer.");
        _parameters!.ThrowIfDisposed();
        _overlaps!.Follow();
        _table.Follow();
    }

    public override void Enqueue(DeviceBuffer<ChunkPartial> partials, ClipOutcome clip)
    {
        Backend.GradAgc(_table!, _tensors, _settings, clip, _parts);
        Backend.ClipPartsFinal(_firstUnits, _parts, clip);
    }

    private static (AgcTensor[] Tensors, int[] FirstUnits) UnitsOf(TensorSet gradients, AgcPolicy policy)
    {
        var tensors = new AgcTensor[gradients.Count + 1];
        var firstUnits = new int[gradients.Count + 1];
        for (int i = 0; i < gradients.Count; i++)
        {
            TensorShape shape = gradients.ShapeOf(i);
            long length = shape.Length, units = length == 0 || policy.Exclude.Any(pattern => NamePattern.Matches(pattern, gradients.NameOf(i))) ? 0
                : shape.ToArray().Count(size => size > 1) < 2 ? 1
                : shape[0];
            tensors[i].UnitLength = units == 0 ? 0 : length / units;
            firstUnits[i + 1] = tensors[i + 1].FirstUnit = checked((int)(firstUnits[i] + units));
        }
        return (tensors, firstUnits);
    }
}
