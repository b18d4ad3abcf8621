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
        guard.LossScore = Score(settings, newest, losses, guard.Next, settings.LossShare, SpikeDecision.SmallestLossScale, out guard.LossMedian);
        guard.NormScore = Score(settings, decision.Norm, norms, guard.Next, settings.NormShare, 0, out guard.NormMedian);
        SpikeDecision.Decide(settings, newest, values, ref guard, ref decision);
        if (guard.Reason != 0)
            foreach (ref TensorNorm tensor in new Span<TensorNorm>((TensorNorm*)clip.Tensors.Address, checked((int)clip.Tensors.Length)))
                ClipDecision.Apply(1, ref tensor);
    }

    private static double Score(
        in SpikeSettings settings, double value, ReadOnlySpan<double> window, int next, double share, double smallestScale, out double median)
    {
        int count = window.Length, half = SpikeDecision.HalfOf(count);
        // The oldest first: a full ring's oldest stands where the next will.
        int oldest = count == settings.Capacity ? next : 0;
        Span<double> values = stackalloc double[SpikeDecision.MaxCapacity], sorted = stackalloc double[SpikeDecision.MaxCapacity];
        window[oldest..].CopyTo(values);
        window[..oldest].CopyTo(values[(count - oldest)..]);
        median = count == 0 ? CanonicalNaN.Double : MedianOf(values.Slice(count - half, half), sorted);
        if (!double.IsFinite(value))
            return double.PositiveInfinity;
        if (count < settings.Minimum)
            return 0;
        double slope = SpikeDecision.Slope(count, MedianOf(values[..half], sorted), median);
        for (int i = 0; i < count; i++)
            values[i] -= SpikeDecision.LineAt(i, count, median, slope);
        double middle = MedianOf(values[..count], sorted);
        for (int i = 0; i < count; i++)
            values[i] = Math.Abs(values[i] - middle);
        return SpikeDecision.Score(value, count, median, slope, MedianOf(values[..count], sorted), share, smallestScale);
    }

    private static double MedianOf(ReadOnlySpan<double> values, Span<double> scratch)
    {
        values.CopyTo(scratch);
        Span<double> sorted = scratch[..values.Length];
        sorted.Sort();
        double low = sorted[(sorted.Length - 1) / 2], high = sorted[sorted.Length / 2];
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
