using Andrea.Clipping;
using Andrea.Clipping.Policies;
using Andrea.Optim;
using Andrea.Training;

namespace Andrea.Cli.Lab.Spikes;

/// <summary>Limits of the policies whose own limit depends on the model: such that they limit as much as the global clip at 1 does.</summary>
/// <param name="TensorNorm">Of the norm of each of n tensors: 1 / sqrt(n), so that the joint norm is at most 1.</param>
/// <param name="Value">Of each element: the largest one of a gradient of norm 1, as it was typical of a healthy run.</param>
internal readonly record struct SpikeLimits(double TensorNorm, double Value);

/// <summary>A protection against spikes.</summary>
/// <param name="Name">Its name in tables.</param>
/// <param name="Apply">Options of a run with it.</param>
internal sealed record SpikeMethod(string Name, Func<TrainerOptions, TrainerOptions> Apply)
{
    public const string NothingName = "nothing", SkipName = "NaN skipped", BaselineName = "global clip", SoftSignName = "S3";

    /// <summary>Whether what it does shows in the clipper's coefficient; what optimizers do does not.</summary>
    public bool ActsInClipper { get; init; } = true;

    /// <summary>All methods, the unprotected first, then the baseline.</summary>
    /// <param name="steps">Steps of a run, to which SPAM's periods are fitted: they are made for tens of thousands.</param>
    /// <param name="limits">Limits that depend on the model.</param>
    public static IReadOnlyList<SpikeMethod> All(int steps, SpikeLimits limits) =>
    [
        new(NothingName, options => options with { Clip = Unclipped with { NonFinite = NonFinitePolicy.Propagate } }),
        new(SkipName, options => options with { Clip = Unclipped }),
        new(BaselineName, options => options with { Clip = Clip(new GlobalNormPolicy()) }),
        new("per-tensor clip", options => options with { Clip = Clip(new PerTensorPolicy()) with { MaxNorm = limits.TensorNorm } }),
        new("value clip", options => options with { Clip = Clip(new ValuePolicy { Limit = limits.Value }) }),
        new("AGC", options => options with { Clip = Clip(new AgcPolicy()) }),
        new("ZClip", options => options with { Clip = Clip(new ZClipPolicy()) }),
        new("AdaGC", options => options with { Clip = Clip(new AdaGcPolicy { WarmupSteps = Math.Clamp(steps / 6, 1, 100) }) }),
        new("SPAM", options => options with { Clip = Unclipped, Optimizer = Stabilized(Spam(steps)) }) { ActsInClipper = false },
        new("Stable-SPAM", options => options with { Clip = Unclipped, Optimizer = Stabilized(StableSpam(steps)) }) { ActsInClipper = false },
        new("StableAdamW", options => options with { Clip = Unclipped, Optimizer = Stabilized(new UpdateRmsStabilizer()) }) { ActsInClipper = false },
        new(SoftSignName, options => options with { Clip = Unclipped, Optimizer = new SoftSignOptions() }) { ActsInClipper = false },
        new("global clip, guard", options => options with { Clip = Clip(new GlobalNormPolicy()), SpikeGuard = new SpikeGuardOptions() }),
        new("global clip, zero-sum", options => options with { Clip = Clip(new GlobalNormPolicy()), ZeroSumGradient = true }),
    ];

    // Runs that diverge are to be seen to their end.
    private static GradClipperOptions Unclipped => new() { MaxNorm = double.PositiveInfinity, MaxConsecutiveSkips = 0 };

    private static GradClipperOptions Clip(ClipPolicy policy) => new() { Policy = policy, MaxConsecutiveSkips = 0 };

    private static AdamWOptions Stabilized(Stabilizer stabilizer) => new() { Stabilizer = stabilizer };

    private static SpamStabilizer Spam(int steps) => new() { ResetEvery = Math.Max(8, steps / 4), WarmupSteps = Math.Max(2, steps / 13), GraceSteps = Math.Min(20, steps / 12) };

    private static StableSpamStabilizer StableSpam(int steps) => new() { ResetEvery = Math.Max(8, steps / 2) };
}
