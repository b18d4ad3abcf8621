using Andrea.Backends;
using Andrea.Cuda.Interop;
using Andrea.Cuda.Memory;
using Andrea.Tensors;

namespace Andrea.Cuda.Gradients;

/// <summary>The optimizer's half of a step on a GPU: <c>grad_clip.cu</c> and <c>adamw.cu</c>. Clip and AdamW together are three launches.</summary>
internal sealed class GradientKernels : IGradientOps, IDisposable
{
    public const string ClipFile = "grad_clip.cu", AdamWFile = "adamw.cu";
    public const string NormPartialName = "k_grad_norm_partial", NormFinalName = "k_grad_norm_final", ScaleName = "k_grad_scale";
    public const string AdamWName = "k_adamw", AdamWMeasuredName = "k_adamw_measured", UpdateFinalName = "k_update_final";

    private const int BlockThreads = 256, FinalThreads = 1024, WarpThreads = 32;

    // k_update_final gives each to a warp.
    private const int TensorsPerBlock = BlockThreads / WarpThreads;

    // A chunk is eight strips: the norm gives each to a warp, the element-wise kernels to a block.
    private const int StripsPerChunk = Chunk.MaxLength / Chunk.StripLength;

    private readonly CudaStream _stream;
    private readonly CudaKernel _normPartial, _normFinal, _scale, _adamW, _adamWMeasured, _updateFinal;
    private readonly CudaMemory _ticket;

    public GradientKernels(KernelLoader loader)
    {
        _stream = loader.Stream;
        CudaModule clip = loader.Load(ClipFile), adamW = loader.Load(AdamWFile);
        _normPartial = clip.GetKernel(NormPartialName);
        _normFinal = clip.GetKernel(NormFinalName);
        _scale = clip.GetKernel(ScaleName);
        _adamW = adamW.GetKernel(AdamWName);
        _adamWMeasured = adamW.GetKernel(AdamWMeasuredName);
        _updateFinal = adamW.GetKernel(UpdateFinalName);
        _ticket = new CudaMemory(_stream, sizeof(uint));
    }

    public void GradNormPartial(ChunkTable table, DeviceBuffer<ChunkPartial> partials)
    {
        if (table.ChunkCount == 0)
            return;
        var arguments = default(KernelArguments);
        arguments.Add(table.Chunks.Address);
        arguments.Add(partials.Address);
        _normPartial.Launch(LaunchShape.Linear(table.ChunkCount, BlockThreads), _stream, ref arguments);
    }

    public void GradNormFinal(
        ChunkTable table, DeviceBuffer<ChunkPartial> partials, ClipSettings settings, DeviceBuffer<TensorNorm> tensorNorms,
        DeviceBuffer<ClipState> state)
    {
        var arguments = default(KernelArguments);
        arguments.Add(table.Chunks.Address);
        arguments.Add(table.FirstChunks.Address);
        arguments.Add(table.TensorCount);
        arguments.Add(partials.Address);
        arguments.Add(settings.MaxNorm);
        arguments.Add(settings.TorchFormula ? 1 : 0);
        arguments.Add(settings.SkipNonFinite ? 1 : 0);
        arguments.Add(tensorNorms.Address);
        arguments.Add(state.Address);
        _normFinal.Launch(LaunchShape.Linear(1, FinalThreads), _stream, ref arguments);
    }

    public void GradScale(ChunkTable table, ClipOutcome clip)
    {
        if (table.ChunkCount == 0)
            return;
        var arguments = default(KernelArguments);
        arguments.Add(table.Chunks.Address);
        arguments.Add(clip.State.Address);
        arguments.Add(clip.Tensors.Address);
        _scale.Launch(LaunchShape.Linear(checked(table.ChunkCount * StripsPerChunk), BlockThreads), _stream, ref arguments);
    }

    public void AdamW(
        ChunkTable table,
        DeviceBuffer<AdamWTensor> tensors,
        AdamWSettings settings,
        DeviceBuffer<double> learningRate,
        DeviceBuffer<AdamWState> state,
        ClipOutcome? clip)
    {
        var arguments = default(KernelArguments);
        AddUpdate(ref arguments, table, tensors, settings, learningRate, state, clip);
        // Without a single chunk the step still counts, so one block runs.
        int blocks = Math.Max(1, checked(table.ChunkCount * StripsPerChunk));
        _adamW.Launch(LaunchShape.Linear(blocks, BlockThreads), _stream, ref arguments);
    }

    public void AdamWMeasured(
        ChunkTable table,
        DeviceBuffer<AdamWTensor> tensors,
        AdamWSettings settings,
        DeviceBuffer<double> learningRate,
        DeviceBuffer<AdamWState> state,
        ClipOutcome? clip,
        DeviceBuffer<UpdateSums> partials)
    {
        var arguments = default(KernelArguments);
        AddUpdate(ref arguments, table, tensors, settings, learningRate, state, clip);
        arguments.Add(partials.Address);
        _adamWMeasured.Launch(LaunchShape.Linear(Math.Max(1, table.ChunkCount), BlockThreads), _stream, ref arguments);
    }

    public void UpdateFinal(ChunkTable table, DeviceBuffer<UpdateSums> partials, DeviceBuffer<UpdateSums> updates)
    {
        if (table.TensorCount == 0)
            return;
        var arguments = default(KernelArguments);
        arguments.Add(table.FirstChunks.Address);
        arguments.Add(table.TensorCount);
        arguments.Add(partials.Address);
        arguments.Add(updates.Address);
        int blocks = (table.TensorCount - 1) / TensorsPerBlock + 1;
        _updateFinal.Launch(LaunchShape.Linear(blocks, BlockThreads), _stream, ref arguments);
    }

    public void Dispose() => _ticket.Dispose();

    /// <summary>The arguments that both kinds of update begin with.</summary>
    private void AddUpdate(
        ref KernelArguments arguments, ChunkTable table, DeviceBuffer<AdamWTensor> tensors, AdamWSettings settings,
        DeviceBuffer<double> learningRate, DeviceBuffer<AdamWState> state, ClipOutcome? clip)
    {
        arguments.Add(table.Chunks.Address);
        arguments.Add(table.ChunkCount);
        arguments.Add(tensors.Address);
        arguments.Add(settings.Beta1);
        arguments.Add(settings.Beta2);
        arguments.Add(settings.Epsilon);
        arguments.Add(learningRate.Address);
        arguments.Add(state.Address);
        arguments.Add(clip?.State.Address ?? 0);
        arguments.Add(clip?.Tensors.Address ?? 0);
        arguments.Add(_ticket.Address);
    }
}
