using System.Runtime.InteropServices;

namespace Andrea.Cuda.Interop;

/// <summary>A list of strings as C takes it: an array of pointers to zero-ended UTF-8.</summary>
internal sealed unsafe class Utf8Array : IDisposable
{
    private readonly int _count;

    public Utf8Array(IEnumerable<string> strings)
    {
        string[] texts = [.. strings];
        Pointers = (byte**)NativeMemory.AllocZeroed((nuint)Math.Max(1, texts.Length), (nuint)sizeof(byte*));
        for (; _count < texts.Length; _count++)
            Pointers[_count] = (byte*)Marshal.StringToCoTaskMemUTF8(texts[_count]);
    }

    /// <summary>Valid until <see cref="Dispose"/>.</summary>
    public byte** Pointers { get; }

    public void Dispose()
    {
        for (int i = 0; i < _count; i++)
            Marshal.FreeCoTaskMem((nint)Pointers[i]);
        NativeMemory.Free(Pointers);
    }
}
