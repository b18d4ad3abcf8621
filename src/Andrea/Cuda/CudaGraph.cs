using Andrea.Backends;
using Andrea.Cuda.Handles;

namespace Andrea.Cuda;

/// <summary>Work that was recorded from a stream and is launched as one: what cost many calls costs one.</summary>
/// <remarks>It works on the memory that it was recorded with; that must outlive it.</remarks>
internal sealed class CudaGraph(CudaStream stream, nint graph) : IRecording
{
    private readonly GraphHandle _handle = new(stream.Context, graph);

    /// <summary>Enqueues everything recorded, on the stream that it was recorded from.</summary>
    public void Launch()
    {
        using (stream.Context.Enter())
            stream.Context.Driver.LaunchGraph(_handle.Value, stream.Value);
    }

    public void Dispose() => _handle.Dispose();
}
