using Andrea.Cuda.Interop;

namespace Andrea.Cuda.Handles;

/// <summary>Device memory. An empty run takes a byte, so that every run has an address.</summary>
internal sealed class MemoryHandle(ContextHandle context, long bytes)
    : CudaHandle(context, driver => driver.AllocateMemory(Math.Max(1, bytes)), bytes)
{
    protected override CudaResult Free(ICudaDriver driver, nint value) => driver.FreeMemory(value);
}

/// <summary>Page-locked host memory, which asynchronous copies need.</summary>
internal sealed class PinnedHandle(ContextHandle context, long bytes)
    : CudaHandle(context, driver => driver.AllocateHost(Math.Max(1, bytes)), bytes)
{
    protected override CudaResult Free(ICudaDriver driver, nint value) => driver.FreeHost(value);
}

internal sealed class StreamHandle(ContextHandle context) : CudaHandle(context, driver => driver.CreateStream())
{
    protected override CudaResult Free(ICudaDriver driver, nint value) => driver.DestroyStream(value);
}

internal sealed class EventHandle(ContextHandle context, bool timed) : CudaHandle(context, driver => driver.CreateEvent(timed))
{
    protected override CudaResult Free(ICudaDriver driver, nint value) => driver.DestroyEvent(value);
}

/// <summary>Loaded code.</summary>
internal sealed class CodeHandle(ContextHandle context, byte[] image) : CudaHandle(context, driver => driver.LoadModule(image))
{
    protected override CudaResult Free(ICudaDriver driver, nint value) => driver.UnloadModule(value);
}

/// <summary>A recorded piece of work, ready to be launched. The graph it is made from goes as soon as it exists.</summary>
internal sealed class GraphHandle(ContextHandle context, nint graph) : CudaHandle(context, driver => Instantiate(driver, graph))
{
    protected override CudaResult Free(ICudaDriver driver, nint value) => driver.DestroyExecutableGraph(value);

    private static nint Instantiate(ICudaDriver driver, nint graph)
    {
        try
        {
            return driver.InstantiateGraph(graph);
        }
        finally
        {
            _ = driver.DestroyGraph(graph);
        }
    }
}
