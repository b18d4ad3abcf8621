using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Andrea.Cuda;

/// <summary>The arguments of one launch, on the stack: addresses and numbers of up to 8 bytes.</summary>
internal unsafe ref struct KernelArguments
{
    public const int MaxCount = 24;

    private Slots _values;
    private int _count;

    /// <summary>Appends an argument. Its type's size must be that of the kernel's parameter.</summary>
    public void Add<T>(T value)
        where T : unmanaged
    {
        Debug.Assert(sizeof(T) <= sizeof(long) && _count < MaxCount, "an argument has at most 8 bytes, and there are at most 24");
        Unsafe.WriteUnaligned(ref Unsafe.As<long, byte>(ref _values[_count++]), value);
    }

    /// <summary>Writes a pointer to each argument; they are good while this struct stays where it is, on the stack.</summary>
    public void WritePointers(void** pointers)
    {
        for (int i = 0; i < _count; i++)
            pointers[i] = Unsafe.AsPointer(ref _values[i]);
    }

    [InlineArray(MaxCount)]
    private struct Slots
    {
        private long _first;
    }
}
