namespace Andrea.Monitoring;

/// <summary>How far one batch's logits are beyond what float32 can tell from certainty (arXiv:2605.06152).</summary>
/// <param name="Step">The step, from 1.</param>
/// <param name="AbsorbedShare">Share of tokens, 0 to 1, whose target's logit stands more than 23 ln 2 = 15.94 above all others:
/// beyond that, 1 - e^-margin rounds to 1 in float32.</param>
/// <param name="ZeroSumError">Mean over tokens of |sum of the gradients of a token's logits|, as a share of the largest gradient a logit can have;
/// 0 in exact arithmetic.</param>
/// <param name="HeadMeanNorm">Norm of the mean of the head's rows.</param>
/// <param name="HeadMeanDrift">Norm of the difference between that mean and the first one measured.</param>
public readonly record struct AbsorptionRecord(long Step, double AbsorbedShare, double ZeroSumError, double HeadMeanNorm, double HeadMeanDrift)
{
    /// <summary>(p - 1) ln 2 with the 24 bits of float32's significand: 15.94. Beyond it, 1 - e^-margin rounds to 1.</summary>
    internal const double Margin = 23 * 0.69314718055994530942;
}
