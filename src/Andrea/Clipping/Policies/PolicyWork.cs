using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Clipping.Policies;

/// <summary>Carries a policy out for one clipper, and owns what it remembers on the device.</summary>
internal abstract class PolicyWork : IDisposable
{
    protected PolicyWork(Device device)
    {
        Backend = device.Backend;
        // Now, since it cannot be done while the first step is recorded.
        Backend.PrepareClipPolicies();
    }

    /// <summary>Whether gradients are changed by <see cref="Enqueue"/> itself, so that nothing is left to multiply.</summary>
    public virtual bool ChangesGradients => false;

    protected IBackend Backend { get; }

    protected OwnedMemory Owned { get; } = new();

    /// <summary>Enqueues what the policy does after the norms were measured; allocates nothing, and can be recorded.</summary>
    /// <param name="partials">What was measured of each chunk.</param>
    /// <param name="clip">What was measured of each tensor and of all, with coefficients of 1; in and out.</param>
    public abstract void Enqueue(DeviceBuffer<ChunkPartial> partials, ClipOutcome clip);

    /// <summary>Learns where tensors lie by now; before <see cref="Enqueue"/>, for it cannot be recorded.</summary>
    public virtual void Follow()
    {
    }

    /// <summary>Learns whose gradients these are; does nothing where it knows, or where the policy does not ask.</summary>
    /// <exception cref="ArgumentException">It has been told others, or they overlap the gradients.</exception>
    public virtual void UseParameters(TensorSet parameters)
    {
    }

    /// <summary>Shows the memory that goes on from step to step.</summary>
    public virtual void ShowMemory(IBufferVisitor visitor)
    {
    }

    /// <summary>What the policy remembers; null when there is nothing. Waits for the device.</summary>
    public virtual ClipPolicyState? Read() => null;

    /// <summary>Goes on from there; afresh where it is null, another policy's, or does not fit.</summary>
    public virtual void Restore(ClipPolicyState? saved)
    {
    }

    public void Dispose() => Owned.Dispose();
}
