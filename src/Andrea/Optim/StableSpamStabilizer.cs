using Andrea.Backends;

namespace Andrea.Optim;

/// <summary>Stable-SPAM: entries above a tensor's usual maximum are clipped to it, and the tensor's norm is replaced by its usual size.</summary>
/// <remarks>
/// For each tensor, g being clipped by the clipper already:
/// AdaClip: T = c T + (1 - c) max|g|, c = <see cref="MaximumDecay"/>; where |g| &gt; T / (1 - c^t), g *= T / (1 - c^t) / max|g|.
/// AdaGN: with the norm of what is left, a = b1 a + (1 - b1) norm, b = b2 b + (1 - b2) norm^2, b1 = <see cref="NormDecay"/>, b2 =
/// <see cref="SquaredNormDecay"/>; g *= a / (1 - b1^t) / (sqrt(b / (1 - b2^t)) + epsilon) / norm. So the norm becomes about 1 for every tensor, whatever the
/// clipper's maximum. In steps number <see cref="ResetEvery"/>, twice that, and so on, m and v begin anew at 0, bias corrections with them.
/// <para>As in the authors' code, but for this: there t of the three averages is set back to 1 with the moments while the averages go on, which makes
/// the limit some 500 times too high after a reset; here they keep their own t. Their optional scale on betas over the run is not there.
/// A tensor whose gradients are absent, NaN or Inf keeps its averages in that step, and its gradients are left as they are.</para>
/// <para>Needs a <see cref="Andrea.Clipping.GradClipper"/>, which has measured norms and maxima anyway. Cost: 28 bytes a parameter, 4 more for the tensors that are
/// clipped in that step, and two launches more. Huang et al. 2025, arXiv:2502.17055.</para>
/// </remarks>
public sealed record StableSpamStabilizer : Stabilizer
{
    /// <summary>Decay of the average of largest magnitudes, in [0, 1); the paper's gamma3.</summary>
    /// <value>0.999</value>
    public double MaximumDecay { get; init; } = 0.999;

    /// <summary>Decay of the average of norms, in [0, 1); the paper's gamma1.</summary>
    /// <value>0.7</value>
    public double NormDecay { get; init; } = 0.7;

    /// <summary>Decay of the average of squared norms, in [0, 1); the paper's gamma2.</summary>
    /// <value>0.9</value>
    public double SquaredNormDecay { get; init; } = 0.9;

    /// <summary>Steps from reset to reset of the moments; 0 never resets.</summary>
    /// <value>1000</value>
    public long ResetEvery { get; init; } = 1000;

    internal override void Validate()
    {
        CheckDecay(nameof(MaximumDecay), MaximumDecay);
        CheckDecay(nameof(NormDecay), NormDecay);
        CheckDecay(nameof(SquaredNormDecay), SquaredNormDecay);
        CheckCount(nameof(ResetEvery), ResetEvery);
    }

    internal override StabilizerSettings ToSettings(double epsilon) => new()
    {
        Kind = (int)StabilizerKind.StableSpam,
        MaximumDecay = MaximumDecay,
        NormDecay = NormDecay,
        SquareDecay = SquaredNormDecay,
        Epsilon = epsilon,
        ResetEvery = ResetEvery,
        RestartsCorrection = 1,
    };

    internal override long CorrectedSteps(long step) => SinceReset(step, ResetEvery);
}
