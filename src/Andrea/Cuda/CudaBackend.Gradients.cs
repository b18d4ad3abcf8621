using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Cuda;

internal sealed partial class CudaBackend
{
    public void GradNormPartial(ChunkTable table, DeviceBuffer<ChunkPartial> partials) => _gradients.GradNormPartial(table, partials);

    public void GradNormFinal(
        ChunkTable table, DeviceBuffer<ChunkPartial> partials, ClipSettings settings, DeviceBuffer<double> tensorNorms,
        DeviceBuffer<ClipState> state) =>
        _gradients.GradNormFinal(table, partials, settings, tensorNorms, state);

    public void GradScale(ChunkTable table, DeviceBuffer<ClipState> state) => _gradients.GradScale(table, state);

    public void AdamW(
        ChunkTable table, DeviceBuffer<AdamWTensor> tensors, AdamWSettings settings, DeviceBuffer<double> learningRate,
        DeviceBuffer<AdamWState> state, DeviceBuffer<ClipState>? clip) =>
        _gradients.AdamW(table, tensors, settings, learningRate, state, clip);
}
