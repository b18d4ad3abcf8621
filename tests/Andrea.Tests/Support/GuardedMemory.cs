using System.Runtime.InteropServices;
using Andrea.Tensors;

namespace Andrea.Tests.Support;

/// <summary>Host memory that ends or begins at a page nobody may touch: whoever reads or writes outside it ends the process.</summary>
/// <remarks>For children of <see cref="InstructionSetRunner"/>, so that only the child dies. Linux and macOS.</remarks>
internal sealed unsafe partial class GuardedMemory : DeviceMemory
{
    private const int NoAccess = 0, ReadWrite = 1 | 2, Private = 2;
    private static readonly int Anonymous = OperatingSystem.IsMacOS() ? 0x1000 : 0x20;

    private readonly nint _mapping;
    private readonly nuint _mappedBytes;

    /// <param name="lengthBytes">Bytes that may be used.</param>
    /// <param name="guardAfter">Whether the last byte lies before the guard page; otherwise the first lies behind one.</param>
    public GuardedMemory(long lengthBytes, bool guardAfter)
        : base(lengthBytes)
    {
        nuint page = (nuint)Environment.SystemPageSize;
        nuint usable = ((nuint)lengthBytes + page - 1) / page * page;
        _mappedBytes = usable + 2 * page;
        _mapping = Map(0, _mappedBytes, NoAccess, Private | Anonymous, -1, 0);
        if (_mapping == -1 || Protect(_mapping + (nint)page, usable, ReadWrite) != 0)
            throw new InvalidOperationException($"The system refused {_mappedBytes} bytes with guard pages, error {Marshal.GetLastPInvokeError()}.");
        Address = _mapping + (nint)(guardAfter ? page + usable - (nuint)lengthBytes : page);
    }

    public static bool IsSupported => OperatingSystem.IsLinux() || OperatingSystem.IsMacOS();

    public override nint Address { get; }

    public override void Read(long offsetBytes, Span<byte> destination) =>
        new ReadOnlySpan<byte>((byte*)Address + offsetBytes, destination.Length).CopyTo(destination);

    public override void Write(long offsetBytes, ReadOnlySpan<byte> source) =>
        source.CopyTo(new Span<byte>((byte*)Address + offsetBytes, source.Length));

    public override void Dispose() => _ = Unmap(_mapping, _mappedBytes);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    private static partial int Protect(nint address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint length);
}
