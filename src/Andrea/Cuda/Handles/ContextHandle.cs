using System.Runtime.InteropServices;
using Andrea.Cuda.Interop;

namespace Andrea.Cuda.Handles;

/// <summary>One use of a device's primary context, or of a context of somebody else's. Everything made in it holds it, so it goes last, in
/// whatever order owners are disposed.</summary>
internal sealed class ContextHandle : SafeHandle
{
    private readonly int _device;
    private readonly bool _isBorrowed;

    /// <summary>Uses the device's primary context, and gives it back in the end.</summary>
    public ContextHandle(ICudaDriver driver, int device)
        : base(0, ownsHandle: true)
    {
        Driver = driver;
        _device = device;
        SetHandle(driver.RetainPrimaryContext(device));
    }

    /// <summary>Uses a context that belongs to somebody else, who keeps it alive.</summary>
    /// <param name="driver">The driver.</param>
    /// <param name="device">The context's device.</param>
    /// <param name="context">The driver's value.</param>
    public ContextHandle(ICudaDriver driver, int device, nint context)
        : base(0, ownsHandle: true)
    {
        Driver = driver;
        _device = device;
        _isBorrowed = true;
        SetHandle(context);
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
        if (!_isBorrowed)
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
