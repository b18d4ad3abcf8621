using System.Runtime.CompilerServices;
using Andrea.PtxEmulator.Memory;

namespace Andrea.PtxEmulator.Driver;

/// <summary>What emulated libraries beside the driver need of it.</summary>
internal sealed unsafe partial class EmulatedCudaDriver
{
    /// <summary>Fails as a library does that is called without a usable context.</summary>
    internal void RequireContext([CallerMemberName] string call = "")
    {
        lock (_lock)
            Enter(call);
    }

    /// <summary>Enqueues a library's work, as it enqueues its own kernels. What it throws of <see cref="DeviceFaultException"/> is a kernel's fault.</summary>
    internal void EnqueueLibraryWork(nint stream, Action<DeviceMemory> work, [CallerMemberName] string call = "")
    {
        lock (_lock)
        {
            Enter(call);
            Enqueue(stream, () => work(_device.Memory), call);
        }
    }
}
