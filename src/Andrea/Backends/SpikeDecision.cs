namespace Andrea.Backends;

/// <summary>The rule by which the spike guard's kernel skips a step; <c>spike_guard.cu</c> repeats it line by line.</summary>
/// <remarks>
/// Scores are about a series that may have a slope, as a loss has early in training: the window is fitted by the line through the medians of its two halves
/// (Tukey 1977, "Exploratory Data Analysis", the resistant line), and what is usual is the median deviation from that line. A value is held against the
/// newer half's median or against the line at its own place, whichever is higher: so neither a falling nor a steadily rising series is a spike.
/// What it skips, and a step without any gradient, stays out of the windows: one spike neither raises the median nor widens the deviation under which the next
/// is judged. More than half a window in a row above a threshold is a new level: both windows begin anew there. Only what stands above can be a spike;
/// a falling loss never is one.
/// </remarks>
internal static class SpikeDecision
{
    /// <summary>Most values of a window: one for each thread of the kernel's block.</summary>
    public const int MaxCapacity = 256;

    /// <summary>Median absolute deviation times this is the standard deviation of normally distributed values.</summary>
    public const double NormalScale = 1.4826;

    /// <summary>Least scale of a loss's z-score, in nats per token, whatever its share: a text that is known by heart has a loss of some 0.0001, which rises and falls
    /// to several times as much without any harm.</summary>
    public const double SmallestLossScale = 0.005;

    // SkipReason's, which is part of a layer above.
    private const int NonFinite = 1, Loss = 2, Norm = 3;

    /// <summary>Values of each half of a window; of an odd number, the middle one belongs to neither.</summary>
    public static int HalfOf(int count) => Math.Max(1, count / 2);

    /// <summary>Rise from one value to the next of the line through both halves' medians.</summary>
    public static double Slope(int count, double older, double newer) => count < 2 ? 0 : (newer - older) / (count - HalfOf(count));

    /// <summary>The line at a place: number of the value, from 0 for the oldest; <paramref name="count"/> for the one to come.</summary>
    public static double LineAt(int place, int count, double newer, double slope) => newer + slope * (place - (count - 1 - 0.5 * (HalfOf(count) - 1)));

    /// <summary>(value - usual) / scale: usual is the newer median or the line at the value's place, whichever is higher; scale = 1.4826 deviation, but
    /// at least a share of the newer median, and a smallest scale.</summary>
    /// <param name="value">The value.</param>
    /// <param name="count">Values in the window.</param>
    /// <param name="newer">Median of the newer half.</param>
    /// <param name="slope">Of the line.</param>
    /// <param name="deviation">Median of |d - median of d|, d being the values' distances from the line.</param>
    /// <param name="smallestShare">Least scale, as a share of the newer median.</param>
    /// <param name="smallestScale">Least scale: <see cref="SmallestLossScale"/> of a loss, 0 of a norm.</param>
    public static double Score(double value, int count, double newer, double slope, double deviation, double smallestShare, double smallestScale)
    {
        double distance = value - Math.Max(newer, LineAt(count, count, newer, slope));
        double scale = Math.Max(Math.Max(NormalScale * deviation, smallestShare * Math.Abs(newer)), smallestScale);
        return distance == 0 ? 0 : distance / scale;
    }

    /// <summary>Score of a value and median of the newer half of a window, in plain words; what the kernels do without allocating.</summary>
    /// <param name="window">Finite values, the oldest first.</param>
    /// <param name="value">The value.</param>
    /// <param name="minimum">Values from which there is a score but 0.</param>
    /// <param name="share">Least scale, as a share of the newer median.</param>
    /// <param name="smallestScale">Least scale: <see cref="SmallestLossScale"/> of a loss, 0 of a norm.</param>
    public static (double Score, double Median) ScoreOf(double[] window, double value, int minimum, double share, double smallestScale)
    {
        int count = window.Length, half = HalfOf(count);
        double newer = MedianOf(window[Math.Max(0, count - half)..]);
        if (!double.IsFinite(value))
            return (double.PositiveInfinity, newer);
        if (count < minimum)
            return (0, newer);
        double slope = Slope(count, MedianOf(window[..half]), newer);
        double[] distances = [.. window.Select((other, i) => other - LineAt(i, count, newer, slope))];
        double middle = MedianOf(distances);
        double deviation = MedianOf([.. distances.Select(distance => Math.Abs(distance - middle))]);
        return (Score(value, count, newer, slope, deviation, share, smallestScale), newer);
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
            state.FlaggedInRow = 0;
            // No gradient at all says nothing about what is usual; a window of zeros would make every gradient a spike.
            if (norm == 0)
                return;
            // -0 becomes 0, so that equal values have equal bits.
            windows[state.Next] = loss + 0.0;
            windows[settings.Capacity + state.Next] = norm + 0.0;
            state.Next = state.Next + 1 == settings.Capacity ? 0 : state.Next + 1;
            state.Count = Math.Min(state.Count + 1, settings.Capacity);
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

    private static double MedianOf(double[] values)
    {
        if (values.Length == 0)
            return CanonicalNaN.Double;
        double[] sorted = [.. values.Order()];
        double low = sorted[(sorted.Length - 1) / 2], high = sorted[sorted.Length / 2];
        return low + 0.5 * (high - low);
    }
}
