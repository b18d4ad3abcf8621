using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Clipping.Policies;

/// <summary>All gradients as one vector: norm above <see cref="GradClipperOptions.MaxNorm"/>: g *= max / norm. The default.</summary>
/// <remarks>No cost beyond the clipper's own. Pascanu et al. 2013, arXiv:1211.5063.</remarks>
public sealed record GlobalNormPolicy : ClipPolicy
{
    internal const string Name = "global";

    /// <summary>The policy with its defaults.</summary>
    public GlobalNormPolicy()
        : base(Name)
    {
    }

    internal override PolicyWork? CreateWork(Device device, TensorSet gradients, ChunkTable table, ClipSettings settings) => null;
}
