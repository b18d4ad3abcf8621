using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Clipping.Policies;

/// <summary>Each tensor by itself: its norm above <see cref="GradClipperOptions.MaxNorm"/>: its g *= max / norm.</summary>
/// <remarks>
/// PyTorch's <c>clip_grad_norm_</c>, called for each parameter. The direction of the whole gradient changes; one bad tensor no longer makes the
/// others small. The joint norm can be up to max times the root of the number of tensors. <see cref="GradClipperOptions.Formula"/> applies. One launch
/// of one block.
/// </remarks>
public sealed record PerTensorPolicy : ClipPolicy
{
    internal const string Name = "per-tensor";

    /// <summary>The policy with its defaults.</summary>
    public PerTensorPolicy()
        : base(Name)
    {
    }

    internal override PolicyWork CreateWork(Device device, TensorSet gradients, ChunkTable table, ClipSettings settings) => new Work(device, settings);

    private sealed class Work(Device device, ClipSettings settings) : PolicyWork(device)
    {
        public override void Enqueue(DeviceBuffer<ChunkPartial> partials, ClipOutcome clip) => Backend.ClipPerTensor(settings, clip);
    }
}
