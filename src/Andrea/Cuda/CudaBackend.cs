using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Andrea.Backends;
using Andrea.Cuda.Compilation;
using Andrea.Cuda.Gradients;
using Andrea.Cuda.Interop;
using Andrea.Cuda.Linear;
using Andrea.Cuda.Memory;
using Andrea.Tensors;

namespace Andrea.Cuda;

/// <summary>One NVIDIA GPU, one stream: operations are enqueued in order and return at once.</summary>
/// <remarks>Operations are grouped by layer in the other parts of this class; the classes that launch their kernels stand in folders of their
/// own. A group's kernels are compiled when the first of them is needed, so who only clips compiles only that.</remarks>
internal sealed partial class CudaBackend : IBackend
{
    private readonly CudaContext _context;
    private readonly CudaStream _stream;
    private readonly KernelLoader _loader;
    private readonly CudaStaging _staging;
    private readonly CudaScratch _scratch;
    private readonly GradientKernels _gradients;
    private readonly CudaOptions _options;

    /// <param name="context">The GPU; owned from here on, whether this succeeds or not.</param>
    /// <param name="compiler">Where kernels come from.</param>
    /// <param name="options">Which stream, whose products.</param>
    /// <param name="linear">Where matrix products come from; null for the usual sources.</param>
    /// <exception cref="CudaUnavailableException">NVRTC does not know the GPU.</exception>
    public CudaBackend(CudaContext context, KernelCompiler compiler, CudaOptions options, LinearSources? linear = null)
    {
        _options = options with { Ordinal = context.Ordinal };
        _linearSources = linear ?? new LinearSources();
        _context = context;
        try
        {
            KernelTarget target = KernelTarget.For(_context.Architecture, compiler.Nvrtc.GetArchitectures(), compiler.Nvrtc.Version);
            _stream = options.Stream is { } borrowed ? new CudaStream(_context.Handle, borrowed) : new CudaStream(_context.Handle);
            _loader = new KernelLoader(_context, _stream, compiler, target);
            _staging = new CudaStaging(_stream);
            _scratch = new CudaScratch(_stream);
            _gradients = new GradientKernels(_loader);
        }
        catch
        {
            // Nobody gets this object, so nobody could dispose it.
            Free();
            throw;
        }
    }

    /// <summary>Opens one of this machine's GPUs, with NVRTC and the cache of this user.</summary>
    /// <exception cref="CudaUnavailableException">The driver, the GPU or NVRTC is missing; the message says what to install.</exception>
    /// <exception cref="CudaException">The driver failed.</exception>
    public static CudaBackend Open(CudaOptions options)
    {
        // The GPU first: who has none need not hear about NVRTC.
        CudaContext context = CudaContext.Open(CudaDriver.Load(), options);
        KernelCompiler compiler;
        try
        {
            compiler = new KernelCompiler(Nvrtc.Load(context.Driver.Version / 1000), KernelLibrary.FromEnvironment(), KernelCache.FromEnvironment());
        }
        catch
        {
            context.Dispose();
            throw;
        }
        return new CudaBackend(context, compiler, options);
    }

    public string Name => "cuda";

    public string Description => $"GPU {_options.Ordinal}, {_context.Name}, compute capability {_context.Architecture / 10}.{_context.Architecture % 10}";

    /// <summary>The GPU.</summary>
    public CudaContext Context => _context;

    /// <summary>Makes a clock that runs on the GPU.</summary>
    public CudaTimeline CreateTimeline() => new(_stream);

    public bool IsRecording => _stream.IsRecording;

    public DeviceBuffer<T> Allocate<T>(long length)
        where T : unmanaged => new(new CudaMemory(_stream, checked(length * Unsafe.SizeOf<T>())), length);

    public IReadback<T> CreateReadback<T>(int capacity, int length = 1)
        where T : unmanaged => new CudaReadback<T>(_stream, capacity, length);

    /// <summary>The value travels within the commands themselves, so that no host memory has to wait until the device has read it.</summary>
    public void Store<T>(T value, DeviceBuffer<T> target)
        where T : unmanaged
    {
        ReadOnlySpan<uint> words = MemoryMarshal.Cast<byte, uint>(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)));
        using (_context.Handle.Enter())
        {
            for (int first = 0; first < words.Length;)
            {
                // Neighbouring words of one value are one command: all of a zero, for instance.
                int end = first + 1;
                while (end < words.Length && words[end] == words[first])
                    end++;
                _context.Driver.FillWordsAsync(target.Address + (first * sizeof(uint)), words[first], end - first, _stream.Value);
                first = end;
            }
        }
    }

    public void Upload<T>(ReadOnlySpan<T> source, DeviceBuffer<T> target)
        where T : unmanaged => _staging.Upload(MemoryMarshal.AsBytes(source), target.Address);

    public void Copy<T>(DeviceBuffer<T> source, DeviceBuffer<T> target)
        where T : unmanaged
    {
        if (source.Length == 0)
            return;
        using (_context.Handle.Enter())
            _context.Driver.CopyDeviceToDeviceAsync(target.Address, source.Address, checked(source.Length * Unsafe.SizeOf<T>()), _stream.Value);
    }

    public void Fill(float value, Tensor target)
    {
        if (target.Length == 0)
            return;
        using (_context.Handle.Enter())
            _context.Driver.FillWordsAsync(target.Address, BitConverter.SingleToUInt32Bits(value), target.Length, _stream.Value);
    }

    /// <summary>Work itself where it could not be recorded, or where each of its kernels is to be waited for.</summary>
    public IRecording Record(Action work) => _stream.CanRecord && !CudaKernel.IsSynchronous ? _stream.Record(work) : new RepeatedWork(work);

    public string? ComplaintAbout(nint address, long bytes)
    {
        int device, lastDevice;
        using (_context.Handle.Enter())
        {
            device = _context.Driver.GetDeviceOf(address);
            lastDevice = _context.Driver.GetDeviceOf(address + (nint)(bytes - 1));
        }
        return device < 0 ? $"lies in host memory, which GPU {_options.Ordinal} cannot use; copy it to the GPU first, or work on it with Device.Cpu()"
            : device != _options.Ordinal ? $"lies on GPU {device}, but the device is GPU {_options.Ordinal}; open the device that the tensor is on"
            : lastDevice != device ? $"reaches with its {bytes} bytes beyond the end of its memory; pass the length that was allocated"
            : null;
    }

    public void Synchronize() => _stream.Synchronize();

    public void Dispose()
    {
        _stream.TrySynchronize();
        Free();
    }

    private void Free()
    {
        _gradients?.Dispose();
        _updates?.Dispose();
        _linear?.Dispose();
        _scratch?.Dispose();
        _staging?.Dispose();
        _loader?.Dispose();
        _stream?.Dispose();
        _context.Dispose();
    }
}
