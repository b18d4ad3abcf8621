using System.Runtime.CompilerServices;
using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Cpu.Reference;

/// <summary>The oracle: one thread, no SIMD, sums in double, written to be read. Every other backend is tested against it.</summary>
/// <remarks>Itself pinned by golden numbers from PyTorch. Results are rounded to float32 only where they are stored.</remarks>
internal sealed partial class ReferenceBackend : IBackend
{
    public string Name => "reference";

    public string Description => "CPU, 1 thread, scalar reference in double precision";

    public DeviceBuffer<T> Allocate<T>(long length)
        where T : unmanaged => new(new HostMemory(checked(length * Unsafe.SizeOf<T>())), length);

    public IReadback<T> CreateReadback<T>(int capacity, int length = 1)
        where T : unmanaged => new HostReadback<T>(capacity, length);

    public void Store<T>(T value, DeviceBuffer<T> target)
        where T : unmanaged => target.CopyFrom([value]);

    public void Upload<T>(ReadOnlySpan<T> source, DeviceBuffer<T> target)
        where T : unmanaged => target.CopyFrom(source);

    public bool IsRecording => false;

    public IRecording Record(Action work) => new RepeatedWork(work);

    public string? ComplaintAbout(nint address, long bytes) => null;

    public void Fill(float value, Tensor target) => View(target).Fill(value);

    public void Synchronize()
    {
    }

    public void Dispose()
    {
    }

    /// <summary>A tensor's elements in place. Limited to 2^31 - 1 of them, which an oracle never needs.</summary>
    private static unsafe Span<float> View(Tensor tensor) => new((void*)tensor.Address, checked((int)tensor.Length));

    private static unsafe Span<T> View<T>(DeviceBuffer<T> buffer)
        where T : unmanaged => new((void*)buffer.Address, checked((int)buffer.Length));
}
