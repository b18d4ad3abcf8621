using System.Runtime.InteropServices;
using Andrea.Cuda.Interop;

namespace Andrea.Cuda.Handles;

/// <summary>One use of a device's primary context. Everything made in it holds it, so it goes last, in whatever order owners are disposed.</summary>
internal sealed class ContextHandle : SafeHandle
{
    private readonly int _device;

    public ContextHandle(ICudaDriver driver, int device)
        : base(0, ownsHandle: true)
    {
        Driver = driver;
        _device = device;
        SetHandle(driver.RetainPrimaryContext(device));
    }

    public ICudaDriver Driver { get; }

    /// <summary>What lives in the context.</summary>
    public AllocationTracker Allocations { get; } = new();

    public override bool IsInvalid => handle == 0;

    /// <summary>Makes the context the calling thread's until the scope is disposed. Other libraries on the thread keep theirs.</summary>
    /// <exception cref="ObjectDisposedException">The device was disposed.</exception>
    public Scope Enter()
    {
        ObjectDisposedException.ThrowIf(IsClosed, typeof(Device));
        return new Scope(Driver, handle);
    }

    /// <summary><see cref="Enter"/> for release paths, where the context may be closed already but is still held by the caller.</summary>
    internal Scope EnterHeld() => new(Driver, handle);

    protected override bool ReleaseHandle()
    {
        Allocations.NoteRelease(Driver.ReleasePrimaryContext(_device));
        return true;
    }

    /// <summary>Restores the thread's context on dispose; a thread that had none keeps ours, which spares the next call the change.</summary>
    public readonly ref struct Scope
    {
        private readonly ICudaDriver _driver;
        private readonly nint _previous;

        public Scope(ICudaDriver driver, nint context)
        {
            _driver = driver;
            nint current = driver.GetCurrentContext();
            if (current == context)
                return;
            driver.SetCurrentContext(context);
            _previous = current;
        }

        public void Dispose()
        {
            if (_previous != 0)
                _driver.SetCurrentContext(_previous);
        }
    }
}
