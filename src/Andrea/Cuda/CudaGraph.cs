using Andrea.Cuda.Handles;

namespace Andrea.Cuda;

/// <summary>Work that was recorded from a stream and is launched as one: what cost many calls costs one.</summary>
/// <remarks>It works on the memory that it was recorded with; that must outlive it.</remarks>
internal sealed class CudaGraph(ContextHandle context, nint graph) : IDisposable
{
    private readonly GraphHandle _handle = new(context, graph);

    /// <summary>Enqueues everything recorded.</summary>
    public void Launch(CudaStream stream)
    {
        using (context.Enter())
            context.Driver.LaunchGraph(_handle.Value, stream.Value);
    }

    public void Dispose() => _handle.Dispose();
}
