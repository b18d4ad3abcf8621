using System.Runtime.InteropServices;
using Andrea.Cuda.Interop;

namespace Andrea.Cuda.Handles;

/// <summary>Owns one thing that the driver made in a context, and holds the context for as long.</summary>
internal abstract class CudaHandle : SafeHandle
{
    private readonly ContextHandle _context;
    private readonly long _bytes;

    /// <param name="context">Where the thing lives.</param>
    /// <param name="create">Makes it; called with the context current.</param>
    /// <param name="bytes">Memory it takes, for the books.</param>
    protected CudaHandle(ContextHandle context, Func<ICudaDriver, nint> create, long bytes = 0)
        : base(0, ownsHandle: true)
    {
        _context = context;
        _bytes = bytes;
        bool held = false;
        context.DangerousAddRef(ref held);
        try
        {
            using (context.Enter())
                SetHandle(create(context.Driver));
        }
        catch
        {
            // The handle stays invalid, so nothing is released later: give the context back now.
            context.DangerousRelease();
            throw;
        }
        context.Allocations.NoteCreation(bytes);
    }

    public sealed override bool IsInvalid => handle == 0;

    /// <summary>The driver's value, while the owner is alive.</summary>
    /// <exception cref="ObjectDisposedException">The owner was disposed.</exception>
    public nint Value
    {
        get
        {
            ObjectDisposedException.ThrowIf(IsClosed, this);
            return handle;
        }
    }

    /// <summary>Gives the value back to the driver; the context is current.</summary>
    protected abstract CudaResult Free(ICudaDriver driver, nint value);

    protected sealed override bool ReleaseHandle()
    {
        try
        {
            using (_context.EnterHeld())
                _context.Allocations.NoteRelease(Free(_context.Driver, handle));
        }
        catch (Exception)
        {
            // Nothing may escape: this also runs on the finalizer's thread, where it would end the process.
            _context.Allocations.NoteRelease(CudaResult.InvalidContext);
        }
        _context.Allocations.NoteEnd(_bytes);
        _context.DangerousRelease();
        return true;
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing && !IsInvalid && !IsClosed)
            _context.Allocations.NoteForgotten();
        base.Dispose(disposing);
    }
}
