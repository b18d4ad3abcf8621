using Andrea.Cuda.Handles;

namespace Andrea.Cuda;

/// <summary>The kernels of one file, loaded.</summary>
internal sealed class CudaModule : IDisposable
{
    private readonly ContextHandle _context;
    private readonly CodeHandle _handle;

    public CudaModule(ContextHandle context, byte[] image)
    {
        _context = context;
        _handle = new CodeHandle(context, image);
    }

    /// <summary>A kernel by its name.</summary>
    public CudaKernel GetKernel(string name)
    {
        using (_context.Enter())
            return new CudaKernel(_context, _handle, _context.Driver.GetFunction(_handle.Value, name), name);
    }

    /// <summary>Unloads the code, unless a launch is going on, which ends first.</summary>
    public void Dispose() => _handle.Dispose();
}
