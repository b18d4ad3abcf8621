using Andrea.Backends;
using Andrea.Cuda.Gradients;
using Andrea.Tensors;

namespace Andrea.Cuda;

internal sealed partial class CudaBackend
{
    private SpikeKernels? _spikes;

    public void JudgeSpike(
        in SpikeSettings settings, DeviceBuffer<double> loss, DeviceBuffer<double> windows, DeviceBuffer<SpikeState> state, ClipOutcome clip) =>
        (_spikes ??= new SpikeKernels(_loader)).Judge(settings, loss, windows, state, clip);
}
