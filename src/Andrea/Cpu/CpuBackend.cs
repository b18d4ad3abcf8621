using System.Runtime.CompilerServices;
using Andrea.Backends;
using Andrea.Cpu.Simd;
using Andrea.Tensors;

namespace Andrea.Cpu;

/// <summary>All cores, SIMD as wide as the processor has it, deterministic. The default where there is no GPU.</summary>
/// <remarks>Operations are grouped by layer in the other parts of this class; the inner loops stand beside them in folders of their own.</remarks>
internal sealed partial class CpuBackend : IBackend
{
    // A couple of microseconds' work: less is not worth a second thread, more would leave threads waiting at the end.
    private const long ElementsPerTake = 8192;

    private readonly ThreadTeam _team;

    public CpuBackend(int threadCount) => _team = new ThreadTeam(threadCount);

    public string Name => "cpu";

    public string Description =>
        $"CPU, {_team.ThreadCount} {(_team.ThreadCount == 1 ? "thread" : "threads")}, {VectorSupport.Bits}-bit vectors";

    public DeviceBuffer<T> Allocate<T>(long length)
        where T : unmanaged
    {
        ObjectDisposedException.ThrowIf(_team.IsDisposed, typeof(Device));
        return new(new HostMemory(checked(length * Unsafe.SizeOf<T>())), length);
    }

    public IReadback<T> CreateReadback<T>(int capacity, int length = 1)
        where T : unmanaged => new HostReadback<T>(capacity, length);

    public unsafe void Store<T>(T value, DeviceBuffer<T> target)
        where T : unmanaged => *(T*)target.Address = value;

    public void Upload<T>(ReadOnlySpan<T> source, DeviceBuffer<T> target)
        where T : unmanaged => target.CopyFrom(source);

    public unsafe void Copy<T>(DeviceBuffer<T> source, DeviceBuffer<T> target)
        where T : unmanaged
    {
        long bytes = checked(source.Length * sizeof(T));
        Buffer.MemoryCopy((void*)source.Address, (void*)target.Address, bytes, bytes);
    }

    public bool IsRecording => false;

    public IRecording Record(Action work) => new RepeatedWork(work);

    public string? ComplaintAbout(nint address, long bytes) => null;

    public unsafe void Fill(float value, Tensor target)
    {
        const long blockLength = 1 << 18;
        var work = new FillWork { Target = (float*)target.Address, Length = target.Length, BlockLength = blockLength, Value = value };
        _team.Run(ref work, (target.Length + blockLength - 1) / blockLength);
    }

    /// <summary>Nothing is ever left to wait for: an operation is done when its call returns.</summary>
    public void Synchronize()
    {
    }

    public void Dispose()
    {
        _team.Dispose();
        _normShares.Dispose();
        _matMulScratch.Dispose();
        _attentionScratch.Dispose();
    }

    /// <summary>The grain for work whose index is a row of that length.</summary>
    private static long RowsPerTake(long rowLength) => Math.Max(1, ElementsPerTake / Math.Max(1, rowLength));

    private unsafe struct FillWork : IRangeWork
    {
        public float* Target;
        public long Length, BlockLength;
        public float Value;

        public readonly void Run(long start, long end, int worker)
        {
            long first = start * BlockLength;
            long last = Math.Min(end * BlockLength, Length);
            for (; first < last; first += BlockLength)
                new Span<float>(Target + first, (int)Math.Min(BlockLength, last - first)).Fill(Value);
        }
    }
}
