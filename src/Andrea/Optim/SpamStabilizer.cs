using Andrea.Backends;
using Andrea.Numerics;

namespace Andrea.Optim;

/// <summary>SPAM, spike-aware Adam with momentum reset: entries that tower over their own past are clipped, and the past is forgotten now and then.</summary>
/// <remarks>
/// Where g^2 &gt; <see cref="Threshold"/> v, v before this step and as it is kept, without bias correction, g becomes sign(g) sqrt(Threshold v).
/// In steps number <see cref="ResetEvery"/>, twice that, and so on, m and v begin anew at 0, and k steps after that the update's rate (not the decay's)
/// is multiplied by 1 - 0.99 (1 + cos(pi k / (W + 1))) / 2, W = <see cref="WarmupSteps"/>: 0.01 at k = 0, 1 from k = W on. In the first
/// <see cref="GraceSteps"/> steps from a reset on, and in the run's first, nothing is clipped, since v knows nothing yet. Only applied steps count.
/// <para>As in the authors' code, but for this: an entry whose v is 0, such as the row of a token that was never seen, is not clipped. There it is
/// clipped to 0, so that v stays 0 and the entry never learns outside the grace. Epsilon
/// is AdamW's, beside the root of the corrected v; theirs is 1e-6 by default and stands beside the root of v before the correction, so that it weighs more in
/// early steps. We decay before the update, as AdamW does; they do after it.</para>
/// <para>The moments are its only memory. Cost: 28 bytes a parameter, as without it, and one launch more. Huang et al. 2025, arXiv:2501.06842.</para>
/// </remarks>
public sealed record SpamStabilizer : Stabilizer
{
    /// <summary>Times its second moment that a squared gradient may be; above 0; +Infinity never clips.</summary>
    /// <value>5000</value>
    public double Threshold { get; init; } = 5000;

    /// <summary>Steps from reset to reset of the moments; 0 never resets.</summary>
    /// <value>500</value>
    public long ResetEvery { get; init; } = 500;

    /// <summary>Steps after a reset in which the rate rises; at most <see cref="ResetEvery"/>, where that is not 0. 8 bytes of device memory each.</summary>
    /// <value>150</value>
    public int WarmupSteps { get; init; } = 150;

    /// <summary>Steps from the beginning, and from each reset, in which nothing is clipped.</summary>
    /// <value>20</value>
    public long GraceSteps { get; init; } = 20;

    /// <summary>Whether bias corrections begin anew with the moments. In the paper they go on as if nothing had happened: with betas of 0.9 and
    /// 0.999 updates are then up to 3 times as large as AdamW's in the steps after a reset, and 2.7 times at the end of the warmup.</summary>
    /// <value>False, as in the paper</value>
    public bool RestartBiasCorrection { get; init; }

    internal override void Validate()
    {
        if (!(Threshold > 0))
            throw new ArgumentOutOfRangeException(nameof(Threshold), Threshold, $"{nameof(Threshold)} is {Threshold}; expected a number above 0, such as 5000.");
        CheckCount(nameof(ResetEvery), ResetEvery);
        CheckCount(nameof(WarmupSteps), WarmupSteps);
        CheckCount(nameof(GraceSteps), GraceSteps);
        if (ResetEvery > 0 && WarmupSteps > ResetEvery)
            throw new ArgumentOutOfRangeException(
                nameof(WarmupSteps), WarmupSteps, $"{nameof(WarmupSteps)} is {WarmupSteps}, but the moments are reset every {ResetEvery} steps; expected at most that.");
    }

    internal override StabilizerSettings ToSettings(double epsilon) => new()
    {
        Kind = (int)StabilizerKind.Spam,
        SpikeRoot = Math.Sqrt(Threshold),
        ResetEvery = ResetEvery,
        WarmupSteps = WarmupSteps,
        GraceSteps = GraceSteps,
        RestartsCorrection = RestartBiasCorrection ? 1 : 0,
    };

    internal override double[] Warmup()
    {
        var factors = new double[WarmupSteps];
        for (int k = 0; k < factors.Length; k++)
            factors[k] = 1 - 0.99 * (1 + PortableMath.CosPi((double)k / (WarmupSteps + 1))) / 2;
        return factors;
    }

    internal override long CorrectedSteps(long step) => RestartBiasCorrection ? SinceReset(step, ResetEvery) : step;
}
