using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Clipping.Policies;

/// <summary>Each element by itself: g = clamp(g, -<see cref="Limit"/>, <see cref="Limit"/>).</summary>
/// <remarks>
/// PyTorch's <c>clip_grad_value_</c>: NaN stays NaN, Inf becomes the limit (where <see cref="GradClipperOptions.NonFinite"/> lets them through at all).
/// <see cref="GradClipperOptions.MaxNorm"/> and <see cref="GradClipperOptions.Formula"/> are not used. The gradients themselves are limited, by
/// <see cref="GradClipper.Measure"/> and within AdamW, too, and the norm after it is measured anew. Cost: of each 65,536 gradients that have one above the limit 8
/// bytes a gradient, of the others nothing; two launches.
/// </remarks>
public sealed record ValuePolicy : ClipPolicy
{
    internal const string Name = "value";

    /// <summary>The policy with its defaults.</summary>
    public ValuePolicy()
        : base(Name)
    {
    }

    /// <summary>The largest magnitude that a gradient keeps; rounded to float32.</summary>
    /// <value>1.0</value>
    public double Limit { get; init; } = 1.0;

    internal override void Validate()
    {
        CheckPositive(nameof(Limit), Limit);
        if ((float)Limit == 0)
            throw new ArgumentOutOfRangeException(nameof(Limit), Limit, $"The policy's Limit is {Limit}, which float32 rounds to 0; expected more.");
    }

    internal override PolicyWork CreateWork(Device device, TensorSet gradients, ChunkTable table, ClipSettings settings) =>
        new Work(device, table, (float)Limit);

    private sealed class Work : PolicyWork
    {
        private readonly ChunkTable _table;
        private readonly DeviceBuffer<ClippedPart> _parts;
        private readonly float _limit;

        public Work(Device device, ChunkTable table, float limit)
            : base(device)
        {
            (_table, _limit) = (table, limit);
            _parts = Owned.Add(Backend.Allocate<ClippedPart>(table.ChunkCount));
        }

        public override bool ChangesGradients => true;

        public override void Enqueue(DeviceBuffer<ChunkPartial> partials, ClipOutcome clip)
        {
            Backend.GradClamp(_table, partials, _limit, clip, _parts);
            Backend.ClipPartsFinal(_table.FirstChunks, _parts, clip);
        }
    }
}
