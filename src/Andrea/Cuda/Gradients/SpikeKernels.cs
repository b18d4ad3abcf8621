using Andrea.Backends;
using Andrea.Cuda.Interop;
using Andrea.Tensors;

namespace Andrea.Cuda.Gradients;

/// <summary>The spike guard on a GPU: <c>spike_guard.cu</c>.</summary>
internal sealed class SpikeKernels(KernelLoader loader)
{
    public const string File = "spike_guard.cu", Name = "k_spike_guard";

    private readonly CudaKernel _judge = loader.Load(File).GetKernel(Name);

    public void Judge(in SpikeSettings settings, DeviceBuffer<double> loss, DeviceBuffer<double> windows, DeviceBuffer<SpikeState> state, ClipOutcome clip)
    {
        var arguments = default(KernelArguments);
        arguments.Add(settings.Capacity);
        arguments.Add(settings.Minimum);
        arguments.Add(settings.LossThreshold);
        arguments.Add(settings.NormThreshold);
        arguments.Add(settings.LossShare);
        arguments.Add(settings.NormShare);
        arguments.Add(loss.Address);
        arguments.Add(windows.Address);
        arguments.Add(state.Address);
        arguments.Add(clip.State.Address);
        arguments.Add(clip.Tensors.Address);
        arguments.Add(checked((int)clip.Tensors.Length));
        _judge.Launch(LaunchShape.Linear(1, SpikeDecision.MaxCapacity), loader.Stream, ref arguments);
    }
}
