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
        (guard.LossScore, guard.LossMedian) = ScoreOf(settings, View(loss)[0], losses, settings.LossShare);
        (guard.NormScore, guard.NormMedian) = ScoreOf(settings, decision.Norm, norms, settings.NormShare);
        SpikeDecision.Decide(settings, View(loss)[0], View(windows), ref guard, ref decision);
        if (guard.Reason != 0)
            foreach (ref TensorNorm norm in View(clip.Tensors))
                ClipDecision.Apply(1, ref norm);
    }

    /// <summary>Score and newer median; the window begins with its oldest value.</summary>
    private static (double Score, double Median) ScoreOf(in SpikeSettings settings, double value, double[] window, double share)
    {
        int count = window.Length, half = SpikeDecision.HalfOf(count);
        double newer = MedianOf(window[Math.Max(0, count - half)..]);
        if (!double.IsFinite(value))
            return (double.PositiveInfinity, newer);
        if (count < settings.Minimum)
            return (0, newer);
        double slope = SpikeDecision.Slope(count, MedianOf(window[..half]), newer);
        double[] distances = [.. window.Select((other, i) => other - SpikeDecision.LineAt(i, count, newer, slope))];
        double middle = MedianOf(distances);
        double deviation = MedianOf([.. distances.Select(distance => Math.Abs(distance - middle))]);
        return (SpikeDecision.Score(value, count, newer, slope, deviation, share), newer);
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
