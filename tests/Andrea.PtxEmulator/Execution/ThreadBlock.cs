using System.Runtime.InteropServices;
using Andrea.PtxEmulator.Memory;

namespace Andrea.PtxEmulator.Execution;

/// <summary>The memory of one running block: frames of its threads, saved registers, shared and local memory. Used for block after block.</summary>
internal sealed unsafe class ThreadBlock : IDisposable
{
    public const int WarpSize = 32;

    private readonly KernelLaunch _launch;
    private readonly List<nint> _owned = [];
    private readonly BlockFrame* _block;
    private readonly long _localBytes;

    public ThreadBlock(KernelLaunch launch, DeviceMemory memory)
    {
        _launch = launch;
        Count = (int)launch.Threads.Count;
        _localBytes = launch.Kernel.Layout.LocalBytes;
        _block = (BlockFrame*)Own(sizeof(BlockFrame));
        Frames = (ThreadFrame*)Own((long)sizeof(ThreadFrame) * Count);
        FillBlockFrame(memory);
        FillThreadFrames();
    }

    public int Count { get; }

    public int Warps => (Count + WarpSize - 1) / WarpSize;

    public ThreadFrame* Frames { get; }

    public Dimensions Index => new(_block->BlockX, _block->BlockY, _block->BlockZ);

    /// <summary>Makes everything as it is when a block begins: nobody has written shared or local memory.</summary>
    public void Begin(Dimensions index)
    {
        (_block->BlockX, _block->BlockY, _block->BlockZ) = (index.X, index.Y, index.Z);
        NativeMemory.Clear(_block->Shared + _block->SharedBytes, (nuint)_block->SharedBytes);
        for (int i = 0; i < Count; i++)
        {
            Frames[i].Resume = 0;
            if (_localBytes > 0)
                NativeMemory.Clear(Frames[i].Local + _localBytes, (nuint)_localBytes);
        }
    }

    public void Dispose()
    {
        foreach (nint owned in _owned)
            NativeMemory.Free((void*)owned);
        _owned.Clear();
    }

    private void FillBlockFrame(DeviceMemory memory)
    {
        long shared = _launch.SharedBytes;
        _block->Pages = memory.Pages;
        _block->Shared = Own(2 * shared);
        _block->SharedBytes = (ulong)shared;
        _block->DynamicSharedBytes = (uint)_launch.DynamicShared;
        _block->Parameters = Own(_launch.Arguments.Length);
        _block->ParameterBytes = (ulong)_launch.Arguments.Length;
        _launch.Arguments.CopyTo(new Span<byte>(_block->Parameters, _launch.Arguments.Length));
        _block->Variables = (ulong*)Own(sizeof(ulong) * (long)_launch.Variables.Length);
        _launch.Variables.CopyTo(new Span<ulong>(_block->Variables, _launch.Variables.Length));
        (_block->GridX, _block->GridY, _block->GridZ) = (_launch.Grid.X, _launch.Grid.Y, _launch.Grid.Z);
        (_block->ThreadsX, _block->ThreadsY, _block->ThreadsZ) = (_launch.Threads.X, _launch.Threads.Y, _launch.Threads.Z);
        _block->Warps = (uint)Warps;
    }

    private void FillThreadFrames()
    {
        long savedBytes = sizeof(ulong) * (long)_launch.Kernel.SavedRegisters;
        byte* saved = Own(savedBytes * Count);
        byte* local = Own(2 * _localBytes * Count);
        for (int i = 0; i < Count; i++)
        {
            Dimensions thread = _launch.Threads.At((ulong)i);
            ThreadFrame* frame = Frames + i;
            frame->Block = _block;
            frame->Saved = (ulong*)(saved + savedBytes * i);
            frame->Local = local + 2 * _localBytes * i;
            frame->LocalBytes = (ulong)_localBytes;
            (frame->ThreadX, frame->ThreadY, frame->ThreadZ) = (thread.X, thread.Y, thread.Z);
            (frame->Index, frame->Lane, frame->Warp) = ((uint)i, (uint)(i % WarpSize), (uint)(i / WarpSize));
        }
    }

    private byte* Own(long bytes)
    {
        byte* memory = (byte*)NativeMemory.AllocZeroed((nuint)Math.Max(bytes, 16));
        _owned.Add((nint)memory);
        return memory;
    }
}
