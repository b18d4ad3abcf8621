using System.Runtime.InteropServices;
using Andrea.Tensors;

namespace Andrea.Cpu;

/// <summary>Zeroed host memory outside the garbage collector's heap: it never moves, and large blocks ask for 2 MB pages.</summary>
internal sealed unsafe class HostMemory : DeviceMemory
{
    private readonly HostMemoryHandle _handle;

    public HostMemory(long lengthBytes)
        : base(lengthBytes) => _handle = new HostMemoryHandle(lengthBytes);

    /// <summary>Bytes that all living objects of this class hold, in this process.</summary>
    public static long BytesInUse => HostMemoryHandle.BytesInUse;

    public override nint Address
    {
        get
        {
            // By the name that users have for memory; who owns it says so before.
            ObjectDisposedException.ThrowIf(_handle.IsClosed, typeof(Tensor));
            return _handle.DangerousGetHandle();
        }
    }

    public override void Read(long offsetBytes, Span<byte> destination)
    {
        new ReadOnlySpan<byte>((byte*)Address + offsetBytes, destination.Length).CopyTo(destination);
        GC.KeepAlive(this);
    }

    public override void Write(long offsetBytes, ReadOnlySpan<byte> source)
    {
        source.CopyTo(new Span<byte>((byte*)Address + offsetBytes, source.Length));
        GC.KeepAlive(this);
    }

    public override void Dispose() => _handle.Dispose();
}

/// <summary>Owns one aligned native allocation.</summary>
internal sealed unsafe partial class HostMemoryHandle : SafeHandle
{
    private const nuint HugePageBytes = 2 << 20;
    private const nuint SmallAlignment = 256;
    private const int MadviseHugePage = 14;

    private static long _bytesInUse;

    private readonly long _lengthBytes;

    public HostMemoryHandle(long lengthBytes)
        : base(0, ownsHandle: true)
    {
        nuint length = checked((nuint)Math.Max(1, lengthBytes));
        bool large = length >= 2 * HugePageBytes;
        void* memory = Allocate(length, large ? HugePageBytes : SmallAlignment);
        SetHandle((nint)memory);
        _lengthBytes = lengthBytes;
        Interlocked.Add(ref _bytesInUse, lengthBytes);
        // Fewer TLB misses: a pass over gradients or moments touches hundreds of megabytes. A refusal costs speed only.
        if (large && OperatingSystem.IsLinux())
            _ = AdviseHugePages((nint)memory, length, MadviseHugePage);
        NativeMemory.Clear(memory, length);
    }

    public static long BytesInUse => Interlocked.Read(ref _bytesInUse);

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        NativeMemory.AlignedFree((void*)handle);
        Interlocked.Add(ref _bytesInUse, -_lengthBytes);
        return true;
    }

    private static void* Allocate(nuint length, nuint alignment)
    {
        try
        {
            return NativeMemory.AlignedAlloc(length, alignment);
        }
        catch (OutOfMemoryException error)
        {
            throw new OutOfMemoryException($"The system has no {length} bytes of memory to give. Choose a smaller model or batch, or close what else needs memory.", error);
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int AdviseHugePages(nint address, nuint length, int advice);
}
