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

    /// <summary>Opens a GPU.</summary>
    /// <param name="driver">The driver.</param>
    /// <param name="compiler">Where kernels come from.</param>
    /// <param name="options">Which GPU, which stream.</param>
    /// <param name="linear">Where matrix products come from; null for the usual sources.</param>
    /// <exception cref="CudaUnavailableException">There is no such GPU, or NVRTC does not know it.</exception>
    public CudaBackend(ICudaDriver driver, KernelCompiler compiler, CudaOptions options, LinearSources? linear = null)
    {
        _options = options;
        _linearSources = linear ?? new LinearSources();
        _context = CudaContext.Open(driver, options.Ordinal);
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

    public string Name => "cuda";

    public string Description => $"GPU {_options.Ordinal}, {_context.Name}, compute capability {_context.Architecture / 10}.{_context.Architecture % 10}";

    /// <summary>The GPU.</summary>
    public CudaContext Context => _context;

    public bool IsRecording => _stream.IsRecording;

    public DeviceBuffer<T> Allocate<T>(long length)
        where T : unmanaged => new(new CudaMemory(_stream, checked(length * Unsafe.SizeOf<T>())), length);

    public IReadback<T> CreateReadback<T>(int capacity)
        where T : unmanaged => new CudaReadback<T>(_stream, capacity);

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

    public void Fill(float value, Tensor target)
    {
        if (target.Length == 0)
            return;
        using (_context.Handle.Enter())
            _context.Driver.FillWordsAsync(target.Address, BitConverter.SingleToUInt32Bits(value), target.Length, _stream.Value);
    }

    public IRecording Record(Action work) => _stream.CanRecord ? _stream.Record(work) : new RepeatedWork(work);

    public string? ComplaintAbout(nint address)
    {
        int device;
        using (_context.Handle.Enter())
            device = _context.Driver.GetDeviceOf(address);
        return device == _options.Ordinal ? null
            : device < 0 ? $"lies in host memory, which GPU {_options.Ordinal} cannot use; copy it to the GPU first, or work on it with Device.Cpu()"
            : $"lies on GPU {device}, but the device is GPU {_options.Ordinal}; open the device that the tensor is on";
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
        _linear?.Dispose();
        _scratch?.Dispose();
        _staging?.Dispose();
        _loader?.Dispose();
        _stream?.Dispose();
        _context.Dispose();
    }
}
