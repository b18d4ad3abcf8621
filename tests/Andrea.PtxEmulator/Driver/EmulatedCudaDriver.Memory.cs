using System.Runtime.InteropServices;
using Andrea.Cuda.Interop;

namespace Andrea.PtxEmulator.Driver;

/// <summary>Device and pinned memory, and the copies between them.</summary>
internal sealed unsafe partial class EmulatedCudaDriver
{
    private const int LargestCopy = 1 << 30;

    private readonly Dictionary<nint, long> _allocated = [];
    private readonly Dictionary<nint, long> _pinned = [];

    public (long FreeBytes, long TotalBytes) GetMemoryInfo()
    {
        lock (_lock)
        {
            Enter();
            return (_gpu.TotalBytes - _allocated.Values.Sum(), _gpu.TotalBytes);
        }
    }

    public nint AllocateMemory(long bytes)
    {
        lock (_lock)
        {
            Enter();
            RefuseWhileRecording();
            return Allocate(bytes);
        }
    }

    public int GetDeviceOf(nint address)
    {
        lock (_lock)
        {
            Enter();
            foreach ((nint start, long bytes) in _allocated)
                if (address >= start && address < start + bytes)
                    return 0;
            return -1;
        }
    }

    public CudaResult FreeMemory(nint address)
    {
        lock (_lock)
        {
            if (!_allocated.ContainsKey(address))
                return CudaResult.InvalidValue;
            // A real driver waits for everything that may use the memory, too.
            CudaResult result = Quietly(() => DrainAll());
            Free(address);
            return result;
        }
    }

    public nint AllocateMemoryAsync(long bytes, nint stream)
    {
        lock (_lock)
        {
            Enter();
            GetStream(stream);
            return Allocate(bytes);
        }
    }

    public CudaResult FreeMemoryAsync(nint address, nint stream)
    {
        lock (_lock)
            return _allocated.ContainsKey(address) ? Quietly(() => Enqueue(stream, () => Free(address))) : CudaResult.InvalidValue;
    }

    public nint AllocateHost(long bytes)
    {
        lock (_lock)
        {
            Enter();
            nint host = (nint)NativeMemory.AlignedAlloc((nuint)Positive(bytes), 4096);
            _pinned.Add(host, bytes);
            return host;
        }
    }

    public CudaResult FreeHost(nint host)
    {
        lock (_lock)
        {
            if (!_pinned.ContainsKey(host))
                return CudaResult.InvalidValue;
            CudaResult result = Quietly(() => DrainAll());
            _pinned.Remove(host);
            NativeMemory.AlignedFree((void*)host);
            return result;
        }
    }

    /// <summary>As late as a driver may be with ordinary memory: it has taken the bytes when the call returns, and they arrive when somebody
    /// waits for the default stream.</summary>
    public void CopyHostToDevice(nint target, void* source, long bytes)
    {
        byte[] taken = new ReadOnlySpan<byte>(source, checked((int)bytes)).ToArray();
        CopyNow(() => { }, target, 0, bytes);
        lock (_lock)
            Enqueue(0, () => _device.Memory.Write((ulong)target, taken));
    }

    public void CopyDeviceToHost(void* target, nint source, long bytes) => CopyNow(() => ToHost((nint)target, source, bytes), 0, source, bytes);

    public void CopyDeviceToDevice(nint target, nint source, long bytes) => CopyNow(() => Inside(target, source, bytes), target, source, bytes);

    public void CopyHostToDeviceAsync(nint target, void* source, long bytes, nint stream)
    {
        nint host = (nint)source;
        CopyLater(() => ToDevice(target, host, bytes), target, 0, host, bytes, stream);
    }

    public void CopyDeviceToHostAsync(void* target, nint source, long bytes, nint stream)
    {
        nint host = (nint)target;
        CopyLater(() => ToHost(host, source, bytes), 0, source, host, bytes, stream);
    }

    public void CopyDeviceToDeviceAsync(nint target, nint source, long bytes, nint stream) =>
        CopyLater(() => Inside(target, source, bytes), target, source, 0, bytes, stream);

    public void FillBytesAsync(nint target, byte value, long bytes, nint stream) => CopyLater(
        () =>
        {
            foreach ((long at, int size) in Pieces(bytes))
                _device.Memory.Fill((ulong)(target + at), value, size);
        },
        target, 0, 0, bytes, stream);

    public void FillWordsAsync(nint target, uint value, long count, nint stream)
    {
        if ((target & 3) != 0)
            throw Error(CudaResult.InvalidValue, $"0x{target:x} is not aligned to 4");
        CopyLater(
            () =>
            {
                foreach ((long at, int size) in Pieces(count * sizeof(uint)))
                {
                    _device.Memory.Fill((ulong)(target + at), 0, size);
                    MemoryMarshal.Cast<byte, uint>(_device.Memory.Bytes((ulong)(target + at), size)).Fill(value);
                }
            },
            target, 0, 0, count * sizeof(uint), stream);
    }

    private nint Allocate(long bytes)
    {
        long used = _allocated.Values.Sum();
        if (Positive(bytes) > _gpu.TotalBytes - used)
            throw Error(CudaResult.OutOfMemory, $"{bytes} bytes were asked for, {_gpu.TotalBytes - used} of {_gpu.TotalBytes} are free",
                nameof(AllocateMemory));
        var address = (nint)_device.Memory.Allocate((ulong)bytes);
        _allocated.Add(address, bytes);
        return address;
    }

    private void Free(nint address)
    {
        _allocated.Remove(address);
        _device.Memory.Free((ulong)address);
    }

    private long Positive(long bytes) => bytes > 0 ? bytes : throw Error(CudaResult.InvalidValue, $"{bytes} bytes were asked for");

    /// <summary>By the default stream, whose earlier work is waited for; other streams are not.</summary>
    private void CopyNow(Action copy, nint target, nint source, long bytes)
    {
        lock (_lock)
        {
            Enter();
            RefuseWhileRecording();
            CheckDevice(target, bytes);
            CheckDevice(source, bytes);
            Work(GetStream(0).Drain);
            copy();
        }
    }

    private void CopyLater(Action copy, nint target, nint source, nint host, long bytes, nint stream)
    {
        lock (_lock)
        {
            Enter();
            CheckDevice(target, bytes);
            CheckDevice(source, bytes);
            if (host != 0 && !_pinned.Any(pin => host >= pin.Key && host + bytes <= pin.Key + pin.Value))
                throw Error(CudaResult.InvalidValue,
                    $"{bytes} bytes of host memory at 0x{host:x} are not page-locked, as an asynchronous copy needs");
            Enqueue(stream, copy);
        }
    }

    private void CheckDevice(nint address, long bytes)
    {
        if (bytes < 0 || (address != 0 && !_device.Memory.Contains((ulong)address, (ulong)bytes)))
            throw Error(CudaResult.InvalidValue, $"{bytes} bytes at 0x{address:x} do not lie in one live allocation");
    }

    private void ToDevice(nint target, nint source, long bytes)
    {
        foreach ((long at, int size) in Pieces(bytes))
            _device.Memory.Write((ulong)(target + at), new ReadOnlySpan<byte>((byte*)source + at, size));
    }

    private void ToHost(nint target, nint source, long bytes)
    {
        foreach ((long at, int size) in Pieces(bytes))
            _device.Memory.Read((ulong)(source + at), new Span<byte>((byte*)target + at, size));
    }

    private void Inside(nint target, nint source, long bytes)
    {
        foreach ((long at, int size) in Pieces(bytes))
            _device.Memory.Copy((ulong)(target + at), (ulong)(source + at), size);
    }

    private static IEnumerable<(long At, int Size)> Pieces(long bytes)
    {
        for (long at = 0; at < bytes; at += LargestCopy)
            yield return (at, (int)Math.Min(bytes - at, LargestCopy));
    }
}
