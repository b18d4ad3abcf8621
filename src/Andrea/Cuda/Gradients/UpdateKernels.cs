using Andrea.Backends;
using Andrea.Cuda.Interop;
using Andrea.Cuda.Memory;
using Andrea.Tensors;

namespace Andrea.Cuda.Gradients;

/// <summary>Updates besides AdamW's plain one on a GPU: <c>softsign.cu</c>, one launch; <c>stabilizer.cu</c>, two or three.</summary>
internal sealed class UpdateKernels : IUpdateOps, IDisposable
{
    public const string SoftSignFile = "softsign.cu", StabilizerFile = "stabilizer.cu";
    public const string SoftSignName = "k_softsign", SoftSignMeasuredName = "k_softsign_measured";
    public const string UpdateRmsPartialName = "k_update_rms_partial", SpikeNormPartialName = "k_spike_norm_partial";
    public const string StabilizerFinalName = "k_stabilizer_final";
    public const string AdamWStabilizedName = "k_adamw_stabilized", AdamWStabilizedMeasuredName = "k_adamw_stabilized_measured";

    private const int BlockThreads = 256, TensorsPerBlock = BlockThreads / 32, StripsPerChunk = Chunk.MaxLength / Chunk.StripLength;

    private readonly KernelLoader _loader;
    private readonly CudaStream _stream;
    private readonly CudaMemory _ticket;
    private CudaModule? _softSignModule, _stabilizerModule;

    // Who needs one optimizer does not compile another's kernels.
    private CudaKernel? _softSign, _softSignMeasured, _updateRmsPartial, _spikeNormPartial, _stabilizerFinal, _stabilized, _stabilizedMeasured;

    public UpdateKernels(KernelLoader loader)
    {
        _loader = loader;
        _stream = loader.Stream;
        _ticket = new CudaMemory(_stream, sizeof(uint));
    }

    public void SoftSign(in UpdateOperands operands, SoftSignSettings settings, DeviceBuffer<UpdateSums>? partials)
    {
        var arguments = default(KernelArguments);
        AddTensors(ref arguments, operands);
        arguments.Add(settings.Beta);
        arguments.Add(settings.Power);
        AddProgress(ref arguments, operands);
        if (partials is null)
            Launch(ref _softSign, SoftSignFile, SoftSignName, operands.Table, StripsPerChunk, ref arguments);
        else
            LaunchMeasured(ref _softSignMeasured, SoftSignFile, SoftSignMeasuredName, operands.Table, partials, ref arguments);
    }

    public void Stabilize(in UpdateOperands operands, AdamWSettings settings, StabilizerMemory memory)
    {
        if (operands.Table.TensorCount == 0)
            return;
        if (operands.Table.ChunkCount > 0 && memory.Kind == StabilizerKind.UpdateRms)
            SumRatios(operands, settings, memory);
        if (operands.Table.ChunkCount > 0 && memory.Kind == StabilizerKind.StableSpam)
            SumSquares(operands, memory);
        var arguments = default(KernelArguments);
        arguments.Add(operands.Table.Chunks.Address);
        arguments.Add(operands.Table.FirstChunks.Address);
        arguments.Add(operands.Table.TensorCount);
        arguments.Add(memory.Settings.Address);
        arguments.Add(memory.Warmup.Address);
        arguments.Add(operands.State.Address);
        AddClip(ref arguments, operands);
        arguments.Add(memory.Partials.Address);
        arguments.Add(memory.History.Address);
        arguments.Add(memory.Steps.Address);
        CudaKernel final = Kernel(ref _stabilizerFinal, StabilizerFile, StabilizerFinalName);
        final.Launch(LaunchShape.Linear((operands.Table.TensorCount - 1) / TensorsPerBlock + 1, BlockThreads), _stream, ref arguments);
    }

    public void AdamWStabilized(in UpdateOperands operands, AdamWSettings settings, StabilizerMemory memory, DeviceBuffer<UpdateSums>? partials)
    {
        var arguments = default(KernelArguments);
        AddTensors(ref arguments, operands);
        arguments.Add(settings.Beta1);
        arguments.Add(settings.Beta2);
        arguments.Add(settings.Epsilon);
        AddProgress(ref arguments, operands);
        arguments.Add(memory.Settings.Address);
        arguments.Add(memory.Steps.Address);
        if (partials is null)
            Launch(ref _stabilized, StabilizerFile, AdamWStabilizedName, operands.Table, StripsPerChunk, ref arguments);
        else
            LaunchMeasured(ref _stabilizedMeasured, StabilizerFile, AdamWStabilizedMeasuredName, operands.Table, partials, ref arguments);
    }

    public void Dispose() => _ticket.Dispose();

    private void SumRatios(in UpdateOperands operands, AdamWSettings settings, StabilizerMemory memory)
    {
        var arguments = default(KernelArguments);
        arguments.Add(operands.Table.Chunks.Address);
        arguments.Add(settings.Beta2);
        arguments.Add(settings.Epsilon);
        arguments.Add(operands.State.Address);
        AddClip(ref arguments, operands);
        arguments.Add(memory.Partials.Address);
        Launch(ref _updateRmsPartial, StabilizerFile, UpdateRmsPartialName, operands.Table, 1, ref arguments);
    }

    private void SumSquares(in UpdateOperands operands, StabilizerMemory memory)
    {
        var arguments = default(KernelArguments);
        arguments.Add(operands.Table.Chunks.Address);
        arguments.Add(memory.Settings.Address);
        arguments.Add(memory.History.Address);
        AddClip(ref arguments, operands);
        arguments.Add(memory.Partials.Address);
        Launch(ref _spikeNormPartial, StabilizerFile, SpikeNormPartialName, operands.Table, 1, ref arguments);
    }

    private static void AddTensors(ref KernelArguments arguments, in UpdateOperands operands)
    {
        arguments.Add(operands.Table.Chunks.Address);
        arguments.Add(operands.Table.ChunkCount);
        arguments.Add(operands.Tensors.Address);
    }

    private void AddProgress(ref KernelArguments arguments, in UpdateOperands operands)
    {
        arguments.Add(operands.LearningRate.Address);
        arguments.Add(operands.State.Address);
        AddClip(ref arguments, operands);
        arguments.Add(_ticket.Address);
    }

    private static void AddClip(ref KernelArguments arguments, in UpdateOperands operands)
    {
        arguments.Add(operands.Clip?.State.Address ?? 0);
        arguments.Add(operands.Clip?.Tensors.Address ?? 0);
    }

    private void LaunchMeasured(
        ref CudaKernel? kernel, string file, string name, ChunkTable table, DeviceBuffer<UpdateSums> partials, ref KernelArguments arguments)
    {
        arguments.Add(partials.Address);
        Launch(ref kernel, file, name, table, 1, ref arguments);
    }

    /// <summary>Without a single chunk the step still counts, so one block runs.</summary>
    private void Launch(ref CudaKernel? kernel, string file, string name, ChunkTable table, int blocksPerChunk, ref KernelArguments arguments)
    {
        int blocks = Math.Max(1, checked(table.ChunkCount * blocksPerChunk));
        Kernel(ref kernel, file, name).Launch(LaunchShape.Linear(blocks, BlockThreads), _stream, ref arguments);
    }

    private CudaKernel Kernel(ref CudaKernel? kernel, string file, string name)
    {
        if (kernel is not null)
            return kernel;
        ref CudaModule? module = ref file == SoftSignFile ? ref _softSignModule : ref _stabilizerModule;
        module ??= _loader.Load(file);
        return kernel = module.GetKernel(name);
    }
}
