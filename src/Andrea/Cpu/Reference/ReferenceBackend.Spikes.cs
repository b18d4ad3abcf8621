using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Cpu.Reference;

internal sealed partial class ReferenceBackend
{
    public void Copy<T>(DeviceBuffer<T> source, DeviceBuffer<T> target)
        where T : unmanaged => View(source).CopyTo(View(target));

    public void JudgeSpike(
        in SpikeSettings settings, DeviceBuffer<double> loss, DeviceBuffer<double> windows, DeviceBuffer<SpikeState> state, ClipOutcome clip)
    {
        ref SpikeState guard = ref View(state)[0];
        ref ClipState decision = ref View(clip.State)[0];
        double[] losses = [.. View(windows)[..guard.Count]], norms = [.. View(windows).Slice(settings.Capacity, guard.Count)];
        if (!losses.Concat(norms).All(double.IsFinite))
            (losses, norms, guard.Count, guard.Next) = ([], [], 0, 0);
        if (losses.Length == settings.Capacity)
            (losses, norms) = ([.. losses[guard.Next..], .. losses[..guard.Next]], [.. norms[guard.Next..], .. norms[..guard.Next]]);
        (guard.LossScore, guard.LossMedian) = SpikeDecision.ScoreOf(losses, View(loss)[0], settings.Minimum, settings.LossShare, SpikeDecision.SmallestLossScale);
        (guard.NormScore, guard.NormMedian) = SpikeDecision.ScoreOf(norms, decision.Norm, settings.Minimum, settings.NormShare, 0);
        SpikeDecision.Decide(settings, View(loss)[0], View(windows), ref guard, ref decision);
        if (guard.Reason != 0)
            foreach (ref TensorNorm norm in View(clip.Tensors))
                ClipDecision.Apply(1, ref norm);
    }
}
