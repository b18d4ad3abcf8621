using System.Runtime.InteropServices;

namespace Andrea.Backends;

/// <summary>What the spike guard knows on the device besides its windows, and what it said of the newest step. Host and device share this layout.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SpikeState
{
    /// <summary>z-score of the newest loss; +Inf for one that is not finite, 0 while the window has too few values to judge by.</summary>
    public double LossScore;

    /// <summary>z-score of the newest norm, likewise.</summary>
    public double NormScore;

    /// <summary>Median of the newer half of the accepted losses before the newest step; NaN when there are none.</summary>
    public double LossMedian;

    /// <summary>Median of the accepted norms, likewise.</summary>
    public double NormMedian;

    /// <summary>Number of values in each window.</summary>
    public int Count;

    /// <summary>Place in each window of the next value.</summary>
    public int Next;

    /// <summary>Steps in a row, up to the newest, that were finite but above a threshold.</summary>
    public int FlaggedInRow;

    /// <summary>Why the newest step is skipped, as the number of a <c>SkipReason</c>; 0 when it is not.</summary>
    public int Reason;
}

/// <summary>How the spike guard decides.</summary>
/// <param name="Capacity">Values in a window; at most <see cref="SpikeDecision.MaxCapacity"/>.</param>
/// <param name="Minimum">Values from which it judges at all.</param>
/// <param name="LossThreshold">z-score above which a loss is a spike.</param>
/// <param name="NormThreshold">z-score above which a norm is a spike.</param>
/// <param name="LossShare">Least scale of a loss's z-score, as a share of the median.</param>
/// <param name="NormShare">Least scale of a norm's z-score, likewise.</param>
internal readonly record struct SpikeSettings(int Capacity, int Minimum, double LossThreshold, double NormThreshold, double LossShare, double NormShare);
