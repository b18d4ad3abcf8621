using System.Runtime.InteropServices;
using Andrea.Backends;
using Andrea.Cpu;
using Andrea.Cuda;
using Andrea.Cuda.Compilation;
using Andrea.Cuda.Gradients;
using Andrea.Cuda.Interop;
using Andrea.Tensors;

namespace Andrea.Tests.Cuda.Gradients;

/// <summary>A backend over any CUDA driver, with memory and the optimizer's kernels; results are read back at once.</summary>
internal sealed partial class OptimizerBackend : IBackend
{
    private readonly GradientKernels _kernels;

    /// <param name="driver">The driver.</param>
    /// <param name="asPtx">Whether to load PTX, which any driver takes, instead of machine code.</param>
    public OptimizerBackend(ICudaDriver driver, bool asPtx)
    {
        Context = CudaContext.Open(driver);
        Stream = new CudaStream(Context.Handle);
        Nvrtc nvrtc = TestNvrtc.Get();
        KernelTarget target = KernelTarget.For(Context.Architecture, nvrtc.GetArchitectures(), nvrtc.Version);
        var compiler = new KernelCompiler(nvrtc, new KernelLibrary(null), new KernelCache(null));
        _kernels = new GradientKernels(Context, Stream, compiler, asPtx ? target with { IsCubin = false } : target);
    }

    public CudaContext Context { get; }

    public CudaStream Stream { get; }

    public string Name => "cuda";

    public string Description => Context.Name;

    public DeviceBuffer<T> Allocate<T>(long length)
        where T : unmanaged => new(new CudaMemory(Stream, length * Marshal.SizeOf<T>()), length);

    public IReadback<T> CreateReadback<T>(int capacity)
        where T : unmanaged => new HostReadback<T>(capacity);

    public void Store<T>(T value, DeviceBuffer<T> target)
        where T : unmanaged => target.CopyFrom([value]);

    public void Fill(float value, Tensor target) => throw NoModel();

    public void Synchronize() => Stream.Synchronize();

    public void GradNormPartial(ChunkTable table, DeviceBuffer<ChunkPartial> partials) => _kernels.GradNormPartial(table, partials);

    public void GradNormFinal(
        ChunkTable table, DeviceBuffer<ChunkPartial> partials, ClipSettings settings, DeviceBuffer<double> tensorNorms,
        DeviceBuffer<ClipState> state) =>
        _kernels.GradNormFinal(table, partials, settings, tensorNorms, state);

    public void GradScale(ChunkTable table, DeviceBuffer<ClipState> state) => _kernels.GradScale(table, state);

    public void AdamW(
        ChunkTable table, DeviceBuffer<AdamWTensor> tensors, AdamWSettings settings, DeviceBuffer<double> learningRate,
        DeviceBuffer<AdamWState> state, DeviceBuffer<ClipState>? clip) => _kernels.AdamW(table, tensors, settings, learningRate, state, clip);

    public void Dispose()
    {
        _kernels.Dispose();
        Stream.Dispose();
        Context.Dispose();
    }
}
