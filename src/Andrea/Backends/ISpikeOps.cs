using Andrea.Tensors;

namespace Andrea.Backends;

/// <summary>What stands between the clip's decision and the update where spikes are guarded against.</summary>
internal interface ISpikeOps
{
    /// <summary>The spike guard: skips the step whose loss or norm stands far above its recent ones, as <see cref="SpikeDecision"/> says. After the clip's
    /// decision, before the update; in the same order with them, so it can be recorded.</summary>
    /// <param name="settings">Windows and thresholds.</param>
    /// <param name="loss">(1) in: the step's loss.</param>
    /// <param name="windows">(2 x capacity) in and out: accepted losses, then accepted norms, each as a ring.</param>
    /// <param name="state">(1) in and out.</param>
    /// <param name="clip">In and out: norm and non-finite count are read; of a step that is skipped, flag, counters and coefficients are written.</param>
    /// <remarks>
    /// Both windows are judged alike, in the order of age. A median is low + 0.5 (high - low) of the two middle values, which are one where their number is
    /// odd. Medians of the older and of the newer half (<see cref="SpikeDecision.HalfOf"/> values each) give a line; d = value - line; deviation = the median of
    /// |d - median of d|; then <see cref="SpikeDecision.Score"/>; 0 below the minimum number, +Inf for a value that is not finite. A window that holds NaN or Inf, which no decision
    /// puts there, counts as empty, and both begin anew. On a GPU one block; each thread counts how many values are smaller than its own.
    /// </remarks>
    void JudgeSpike(in SpikeSettings settings, DeviceBuffer<double> loss, DeviceBuffer<double> windows, DeviceBuffer<SpikeState> state, ClipOutcome clip);
}
