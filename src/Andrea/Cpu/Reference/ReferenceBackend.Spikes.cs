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
        (guard.LossMedian, guard.NormMedian) = (MedianOf(losses), MedianOf(norms));
        guard.LossScore = ScoreOf(settings, View(loss)[0], losses, guard.LossMedian, settings.LossShare);
        guard.NormScore = ScoreOf(settings, decision.Norm, norms, guard.NormMedian, settings.NormShare);
        SpikeDecision.Decide(settings, View(loss)[0], View(windows), ref guard, ref decision);
        if (guard.Reason != 0)
            foreach (ref TensorNorm norm in View(clip.Tensors))
                ClipDecision.Apply(1, ref norm);
    }

    private static double ScoreOf(in SpikeSettings settings, double value, double[] window, double median, double share)
    {
        if (double.IsFinite(value) && window.Length < settings.Minimum)
            return 0;
        double deviation = MedianOf([.. window.Select(other => Math.Abs(other - median))]);
        return SpikeDecision.Score(value, median, deviation, share);
    }

    private static double MedianOf(double[] values)
    {
        if (values.Length == 0)
            return CanonicalNaN.Double;
        double[] sorted = [.. values.Order()];
        double low = sorted[(sorted.Length - 1) / 2], high = sorted[sorted.Length / 2];
        return low + 0.5 * (high - low);
    }
}
