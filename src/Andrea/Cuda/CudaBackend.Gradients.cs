using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Cuda;

internal sealed partial class CudaBackend
{
    public void GradNormPartial(ChunkTable table, DeviceBuffer<ChunkPartial> partials) => _gradients.GradNormPartial(table, partials);

    public void GradNormFinal(
        ChunkTable table, DeviceBuffer<ChunkPartial> partials, ClipSettings settings, DeviceBuffer<TensorNorm> tensorNorms,
        DeviceBuffer<ClipState> state) =>
        _gradients.GradNormFinal(table, partials, settings, tensorNorms, state);

    public void GradScale(ChunkTable table, ClipOutcome clip) => _gradients.GradScale(table, clip);

    public void AdamW(
        ChunkTable table, DeviceBuffer<AdamWTensor> tensors, AdamWSettings settings, DeviceBuffer<double> learningRate,
        DeviceBuffer<AdamWState> state, ClipOutcome? clip) =>
        _gradients.AdamW(table, tensors, settings, learningRate, state, clip);

    public void AdamWMeasured(
        ChunkTable table, DeviceBuffer<AdamWTensor> tensors, AdamWSettings settings, DeviceBuffer<double> learningRate,
        DeviceBuffer<AdamWState> state, ClipOutcome? clip, DeviceBuffer<UpdateSums> partials) =>
        _gradients.AdamWMeasured(table, tensors, settings, learningRate, state, clip, partials);

    public void UpdateFinal(ChunkTable table, DeviceBuffer<UpdateSums> partials, DeviceBuffer<UpdateSums> updates) =>
        _gradients.UpdateFinal(table, partials, updates);
}
