using Andrea.Clipping;
using Andrea.Clipping.Policies;
using Andrea.Optim;
using Andrea.Training;

namespace Andrea.Cli.Lab.Spikes;

/// <summary>Optimizers that need a learning rate of their own.</summary>
internal enum RateFamily
{
    AdamW,
    Spam,
    StableSpam,
    StableAdamW,
    S3,
}

/// <summary>A protection against spikes.</summary>
/// <param name="Name">Its name in tables.</param>
/// <param name="Family">By which sweep its learning rate is chosen.</param>
/// <param name="Apply">Options of a run with it.</param>
internal sealed record SpikeMethod(string Name, RateFamily Family, Func<TrainerOptions, TrainerOptions> Apply)
{
    public const string NothingName = "nothing", BaselineName = "global clip", SoftSignName = "S3";

    /// <summary>Whether what it does shows in the clipper's coefficient; what optimizers do does not.</summary>
    public bool ActsInClipper { get; init; } = true;

    /// <summary>All methods, the unprotected first, then the baseline.</summary>
    /// <param name="steps">Steps of a run, to which SPAM's periods are fitted: they are made for tens of thousands.</param>
    public static IReadOnlyList<SpikeMethod> All(int steps) =>
    [
        new(NothingName, RateFamily.AdamW, options => options with { Clip = Unclipped with { NonFinite = NonFinitePolicy.Propagate } }),
        new(BaselineName, RateFamily.AdamW, options => options with { Clip = Clip(new GlobalNormPolicy()) }),
        new("per-tensor clip", RateFamily.AdamW, options => options with { Clip = Clip(new PerTensorPolicy()) with { MaxNorm = TensorNorm } }),
        new("value clip", RateFamily.AdamW, options => options with { Clip = Clip(new ValuePolicy { Limit = ValueLimit }) }),
        new("AGC", RateFamily.AdamW, options => options with { Clip = Clip(new AgcPolicy()) }),
        new("ZClip", RateFamily.AdamW, options => options with { Clip = Clip(new ZClipPolicy()) }),
        new("AdaGC", RateFamily.AdamW, options => options with { Clip = Clip(new AdaGcPolicy { WarmupSteps = Math.Clamp(steps / 6, 1, 100) }) }),
        new("SPAM", RateFamily.Spam, options => options with { Clip = Unclipped, Optimizer = Stabilized(Spam(steps)) }) { ActsInClipper = false },
        new("Stable-SPAM", RateFamily.StableSpam, options => options with { Clip = Unclipped, Optimizer = Stabilized(StableSpam(steps)) }) { ActsInClipper = false },
        new("StableAdamW", RateFamily.StableAdamW, options => options with { Clip = Unclipped, Optimizer = Stabilized(new UpdateRmsStabilizer()) }) { ActsInClipper = false },
        new(SoftSignName, RateFamily.S3, options => options with { Clip = Unclipped, Optimizer = new SoftSignOptions() }) { ActsInClipper = false },
        new("global clip, zero-sum", RateFamily.AdamW, options => options with { Clip = Clip(new GlobalNormPolicy()), ZeroSumGradient = true }),
    ];

    /// <summary>Limits of the two policies whose own limit depends on the model: about three times the largest of a healthy run.</summary>
    internal const double TensorNorm = 0.3, ValueLimit = 0.05;

    // Runs that diverge are to be seen to their end.
    private static GradClipperOptions Unclipped => new() { MaxNorm = double.PositiveInfinity, MaxConsecutiveSkips = 0 };

    private static GradClipperOptions Clip(ClipPolicy policy) => new() { Policy = policy, MaxConsecutiveSkips = 0 };

    private static AdamWOptions Stabilized(Stabilizer stabilizer) => new() { Stabilizer = stabilizer };

    private static SpamStabilizer Spam(int steps) => new() { ResetEvery = Math.Max(8, steps / 4), WarmupSteps = Math.Max(2, steps / 13), GraceSteps = Math.Min(20, steps / 12) };

    private static StableSpamStabilizer StableSpam(int steps) => new() { ResetEvery = Math.Max(8, steps / 2) };
}
