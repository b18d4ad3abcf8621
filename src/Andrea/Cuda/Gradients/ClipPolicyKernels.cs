using Andrea.Backends;
using Andrea.Cuda.Interop;
using Andrea.Tensors;

namespace Andrea.Cuda.Gradients;

/// <summary>Clip policies on a GPU: <c>clip_policies.cu</c>, compiled when the first policy needs it.</summary>
internal sealed class ClipPolicyKernels
{
    public const string File = "clip_policies.cu";
    public const string PerTensorName = "k_clip_per_tensor", ZClipName = "k_clip_zclip", AdaGcName = "k_clip_adagc";
    public const string ClampName = "k_grad_clamp", AgcName = "k_grad_agc", PartsFinalName = "k_clip_parts_final";

    private const int BlockThreads = 256, FinalThreads = 1024, UnitsPerBlock = BlockThreads / 32;

    private readonly CudaStream _stream;
    private readonly CudaKernel _perTensor, _zClip, _adaGc, _clamp, _agc, _partsFinal;

    public ClipPolicyKernels(KernelLoader loader)
    {
        _stream = loader.Stream;
        CudaModule module = loader.Load(File);
        _perTensor = module.GetKernel(PerTensorName);
        _zClip = module.GetKernel(ZClipName);
        _adaGc = module.GetKernel(AdaGcName);
        _clamp = module.GetKernel(ClampName);
        _agc = module.GetKernel(AgcName);
        _partsFinal = module.GetKernel(PartsFinalName);
    }

    public void PerTensor(ClipSettings settings, ClipOutcome clip)
    {
        var arguments = default(KernelArguments);
        Add(ref arguments, settings);
        Add(ref arguments, clip);
        _perTensor.Launch(LaunchShape.Linear(1, FinalThreads), _stream, ref arguments);
    }

    public void ZScore(ClipSettings settings, ZClipSettings zClip, ClipOutcome clip, DeviceBuffer<ZClipState> state, DeviceBuffer<double> warmup)
    {
        var arguments = default(KernelArguments);
        Add(ref arguments, settings);
        arguments.Add(zClip.Threshold);
        arguments.Add(zClip.Decay);
        arguments.Add(zClip.Epsilon);
        arguments.Add(zClip.WarmupSteps);
        Add(ref arguments, clip);
        arguments.Add(state.Address);
        arguments.Add(warmup.Address);
        _zClip.Launch(LaunchShape.Linear(1, FinalThreads), _stream, ref arguments);
    }

    public void AdaGc(ClipSettings settings, AdaGcSettings adaGc, ClipOutcome clip, DeviceBuffer<long> steps, DeviceBuffer<double> runningNorms)
    {
        var arguments = default(KernelArguments);
        Add(ref arguments, settings);
        arguments.Add(adaGc.Factor);
        arguments.Add(adaGc.Decay);
        arguments.Add(adaGc.WarmupSteps);
        Add(ref arguments, clip);
        arguments.Add(steps.Address);
        arguments.Add(runningNorms.Address);
        _adaGc.Launch(LaunchShape.Linear(1, FinalThreads), _stream, ref arguments);
    }

    public void Clamp(ChunkTable table, DeviceBuffer<ChunkPartial> partials, float limit, ClipOutcome clip, DeviceBuffer<ClippedPart> parts)
    {
        if (table.ChunkCount == 0)
            return;
        var arguments = default(KernelArguments);
        arguments.Add(table.Chunks.Address);
        arguments.Add(partials.Address);
        arguments.Add(limit);
        arguments.Add(clip.State.Address);
        arguments.Add(parts.Address);
        _clamp.Launch(LaunchShape.Linear(table.ChunkCount, BlockThreads), _stream, ref arguments);
    }

    public void Agc(ChunkTable table, DeviceBuffer<AgcTensor> tensors, AgcSettings agc, ClipOutcome clip, DeviceBuffer<ClippedPart> parts)
    {
        if (parts.Length == 0)
            return;
        var arguments = default(KernelArguments);
        arguments.Add(table.Chunks.Address);
        arguments.Add(table.FirstChunks.Address);
        arguments.Add(tensors.Address);
        arguments.Add(table.TensorCount);
        arguments.Add(agc.Factor);
        arguments.Add(agc.Epsilon);
        arguments.Add(clip.State.Address);
        arguments.Add(parts.Address);
        int blocks = checked((int)((parts.Length - 1) / UnitsPerBlock + 1));
        _agc.Launch(LaunchShape.Linear(blocks, BlockThreads), _stream, ref arguments);
    }

    public void PartsFinal(DeviceBuffer<int> firstParts, DeviceBuffer<ClippedPart> parts, ClipOutcome clip)
    {
        var arguments = default(KernelArguments);
        arguments.Add(firstParts.Address);
        arguments.Add(parts.Address);
        Add(ref arguments, clip);
        _partsFinal.Launch(LaunchShape.Linear(1, FinalThreads), _stream, ref arguments);
    }

    private static void Add(ref KernelArguments arguments, ClipSettings settings)
    {
        arguments.Add(settings.MaxNorm);
        arguments.Add(settings.TorchFormula ? 1 : 0);
    }

    private static void Add(ref KernelArguments arguments, ClipOutcome clip)
    {
        arguments.Add((int)clip.Tensors.Length);
        arguments.Add(clip.Tensors.Address);
        arguments.Add(clip.State.Address);
    }
}
