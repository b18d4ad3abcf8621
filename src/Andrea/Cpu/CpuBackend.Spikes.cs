using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Cpu;

internal sealed unsafe partial class CpuBackend
{
    public void JudgeSpike(
        in SpikeSettings settings, DeviceBuffer<double> loss, DeviceBuffer<double> windows, DeviceBuffer<SpikeState> state, ClipOutcome clip)
    {
        var values = new Span<double>((double*)windows.Address, 2 * settings.Capacity);
        ref SpikeState guard = ref *(SpikeState*)state.Address;
        ref ClipState decision = ref *(ClipState*)clip.State.Address;
        double newest = *(double*)loss.Address;
        Span<double> losses = values[..guard.Count], norms = values.Slice(settings.Capacity, guard.Count);
        if (HasNonFinite(losses) || HasNonFinite(norms))
        {
            (guard.Count, guard.Next) = (0, 0);
            losses = norms = [];
        }
        guard.LossScore = Score(settings, newest, losses, settings.LossShare, out guard.LossMedian);
        guard.NormScore = Score(settings, decision.Norm, norms, settings.NormShare, out guard.NormMedian);
        SpikeDecision.Decide(settings, newest, values, ref guard, ref decision);
        if (guard.Reason != 0)
            foreach (ref TensorNorm tensor in new Span<TensorNorm>((TensorNorm*)clip.Tensors.Address, checked((int)clip.Tensors.Length)))
                ClipDecision.Apply(1, ref tensor);
    }

    private static double Score(in SpikeSettings settings, double value, ReadOnlySpan<double> window, double share, out double median)
    {
        Span<double> sorted = stackalloc double[SpikeDecision.MaxCapacity];
        sorted = sorted[..window.Length];
        window.CopyTo(sorted);
        median = MedianOf(sorted);
        for (int i = 0; i < sorted.Length; i++)
            sorted[i] = Math.Abs(sorted[i] - median);
        double deviation = MedianOf(sorted);
        return double.IsFinite(value) && window.Length < settings.Minimum ? 0 : SpikeDecision.Score(value, median, deviation, share);
    }

    private static double MedianOf(Span<double> values)
    {
        if (values.IsEmpty)
            return CanonicalNaN.Double;
        values.Sort();
        double low = values[(values.Length - 1) / 2], high = values[values.Length / 2];
        return low + 0.5 * (high - low);
    }

    private static bool HasNonFinite(ReadOnlySpan<double> values)
    {
        foreach (double value in values)
            if (!double.IsFinite(value))
                return true;
        return false;
    }
}
