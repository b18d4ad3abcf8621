using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Cpu;

internal sealed partial class CpuBackend
{
    public void GradNormPartial(ChunkTable table, DeviceBuffer<ChunkPartial> partials) => throw new NotSupportedException();

    public void GradNormFinal(ChunkTable table, DeviceBuffer<ChunkPartial> partials, ClipSettings settings, DeviceBuffer<double> tensorNorms, DeviceBuffer<ClipState> state) => throw new NotSupportedException();

    public void GradScale(ChunkTable table, DeviceBuffer<ClipState> state) => throw new NotSupportedException();

    public void AdamW(ChunkTable table, DeviceBuffer<AdamWTensor> tensors, AdamWSettings settings, DeviceBuffer<double> learningRate, DeviceBuffer<AdamWState> state, DeviceBuffer<ClipState>? clip) => throw new NotSupportedException();
}
