namespace Andrea.Clipping;

/// <summary>Why a step was skipped.</summary>
public enum SkipReason
{
    /// <summary>It was not.</summary>
    None,

    /// <summary>At least one gradient was NaN or Inf.</summary>
    NonFiniteGradients,

    /// <summary>The loss stood far above its recent values, or was not finite.</summary>
    LossSpike,

    /// <summary>The norm of the gradients stood far above its recent values.</summary>
    NormSpike,
}

/// <summary>What one clip found and did.</summary>
/// <param name="Call">Which clip of its clipper this was, from 1.</param>
/// <param name="NormBefore">L2 norm of all gradients before clipping, in double; NaN or +Infinity when one of them is.</param>
/// <param name="NormAfter">L2 norm after clipping.</param>
/// <param name="Coefficient"><paramref name="NormAfter"/> over <paramref name="NormBefore"/>: what the gradients were multiplied by, where
/// all were multiplied alike; exactly 1 when they were left alone.</param>
/// <param name="MaxMagnitude">Largest |g| before clipping; NaN when one is NaN.</param>
/// <param name="SkipReason">Why the step was skipped, or <see cref="SkipReason.None"/>.</param>
/// <param name="NonFiniteCount">Number of NaN and Inf gradients.</param>
/// <param name="FirstBadTensor">Name of the first tensor with one, or null.</param>
/// <param name="FirstBadIndex">Index of the first one within that tensor, or -1.</param>
/// <param name="ConsecutiveSkips">How many clips in a row, up to this one, were skipped for gradients that were not finite.</param>
/// <param name="ClippedCalls">How many clips so far changed the gradients.</param>
/// <param name="SkippedCalls">How many clips so far were skipped.</param>
public readonly record struct ClipResult(
    long Call,
    double NormBefore,
    double NormAfter,
    double Coefficient,
    double MaxMagnitude,
    SkipReason SkipReason,
    long NonFiniteCount,
    string? FirstBadTensor,
    long FirstBadIndex,
    int ConsecutiveSkips,
    long ClippedCalls,
    long SkippedCalls)
{
    /// <summary>Whether the step was skipped; <see cref="SkipReason"/> says why.</summary>
    public bool Skipped => SkipReason != SkipReason.None;

    /// <summary>Whether the gradients were changed.</summary>
    public bool Clipped => Coefficient != 1;
}
