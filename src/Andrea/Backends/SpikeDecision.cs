namespace Andrea.Backends;

/// <summary>The rule by which the spike guard's kernel skips a step; <c>spike_guard.cu</c> repeats it line by line.</summary>
/// <remarks>
/// What it skips, or would not judge, stays out of the windows: one spike neither raises the median nor widens the deviation under which the next
/// is judged. More than half a window in a row above a threshold is a new level: both windows begin anew there. Only what stands above can be a spike;
/// a falling loss never is one.
/// </remarks>
internal static class SpikeDecision
{
    /// <summary>Most values of a window: one for each thread of the kernel's block.</summary>
    public const int MaxCapacity = 256;

    /// <summary>Median absolute deviation times this is the standard deviation of normally distributed values.</summary>
    public const double NormalScale = 1.4826;

    // SkipReason's, which is part of a layer above.
    private const int NonFinite = 1, Loss = 2, Norm = 3;

    /// <summary>(value - median) / scale, with scale = 1.4826 deviation, but at least a share of the median.</summary>
    public static double Score(double value, double median, double deviation, double smallestShare)
    {
        if (!double.IsFinite(value))
            return double.PositiveInfinity;
        double distance = value - median;
        double scale = Math.Max(NormalScale * deviation, smallestShare * Math.Abs(median));
        return distance == 0 ? 0 : distance / scale;
    }

    /// <summary>Decides by the scores, which are in <paramref name="state"/> already, and takes accepted values into the windows.</summary>
    /// <param name="settings">How to decide.</param>
    /// <param name="loss">The step's loss.</param>
    /// <param name="windows">(2 x capacity) losses, then norms.</param>
    /// <param name="state">In and out.</param>
    /// <param name="clip">In and out: the clip's own decision; a skipped step counts as skipped, not as clipped.</param>
    public static void Decide(in SpikeSettings settings, double loss, Span<double> windows, ref SpikeState state, ref ClipState clip)
    {
        double norm = clip.Norm;
        bool finite = double.IsFinite(loss) && double.IsFinite(norm);
        int reason = clip.NonFiniteCount > 0 ? NonFinite
            : state.LossScore > settings.LossThreshold ? Loss
            : state.NormScore > settings.NormThreshold ? Norm : 0;
        if (reason != 0 && finite && ++state.FlaggedInRow > settings.Capacity / 2)
        {
            reason = 0;
            (state.Count, state.Next) = (0, 0);
        }
        state.Reason = reason;
        if (reason == 0)
        {
            // -0 becomes 0, so that equal values have equal bits.
            windows[state.Next] = loss + 0.0;
            windows[settings.Capacity + state.Next] = norm + 0.0;
            state.Next = state.Next + 1 == settings.Capacity ? 0 : state.Next + 1;
            state.Count = Math.Min(state.Count + 1, settings.Capacity);
            state.FlaggedInRow = 0;
            return;
        }
        if (clip.Skip == 0)
        {
            if (clip.Coefficient != 1)
                clip.ClippedCalls--;
            clip.SkippedCalls++;
        }
        clip.Skip = reason;
        clip.Coefficient = 1;
    }
}
