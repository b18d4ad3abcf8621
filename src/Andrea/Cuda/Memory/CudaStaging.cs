using Andrea.Cuda.Handles;

namespace Andrea.Cuda.Memory;

/// <summary>Brings host memory to the device without waiting for it: each upload goes through a piece of page-locked memory that is
/// left alone until the device has read it.</summary>
/// <remarks>Waits only when the host is <see cref="Slots"/> uploads ahead of the device. Grows to the largest upload, then allocates nothing.</remarks>
internal sealed unsafe class CudaStaging(CudaStream stream) : IDisposable
{
    /// <summary>Uploads that can be under way.</summary>
    public const int Slots = 32;

    private readonly Slot[] _slots = new Slot[Slots];
    private int _next;

    /// <summary>Enqueues the copy; the source may be reused on return.</summary>
    public void Upload(ReadOnlySpan<byte> source, nint target)
    {
        if (source.IsEmpty)
            return;
        if (stream.IsRecording)
            throw new InvalidOperationException("Host memory cannot be uploaded while operations are being recorded: a replay would copy what is there by then.");
        ref Slot slot = ref _slots[_next];
        _next = (_next + 1) % Slots;
        using (stream.Context.Enter())
        {
            slot.Read ??= new EventHandle(stream.Context, timed: false);
            stream.Context.Driver.SynchronizeEvent(slot.Read.Value);
            if (slot.Bytes < source.Length)
            {
                slot.Memory?.Dispose();
                slot.Bytes = 0;
                slot.Memory = new PinnedHandle(stream.Context, source.Length);
                slot.Bytes = source.Length;
            }
            source.CopyTo(new Span<byte>((void*)slot.Memory!.Value, source.Length));
            stream.Context.Driver.CopyHostToDeviceAsync(target, (void*)slot.Memory.Value, source.Length, stream.Value);
            stream.Context.Driver.RecordEvent(slot.Read.Value, stream.Value);
        }
    }

    public void Dispose()
    {
        if (_slots[0].Read is { IsClosed: false })
            stream.TrySynchronize();
        foreach (ref Slot slot in _slots.AsSpan())
        {
            slot.Read?.Dispose();
            slot.Memory?.Dispose();
        }
    }

    private struct Slot
    {
        public EventHandle? Read;
        public PinnedHandle? Memory;
        public int Bytes;
    }
}
