using Andrea.Optim;

namespace Andrea.Cli.Commands;

/// <summary>The optimizers by their names on the command line.</summary>
internal static class OptimizerChoice
{
    private const string AdamW = "adamw", SoftSign = "s3", StableAdamW = "stable-adamw", Spam = "spam", StableSpam = "stable-spam";

    /// <summary>All names.</summary>
    public static string[] Words => [AdamW, SoftSign, StableAdamW, Spam, StableSpam];

    /// <summary>The options of a named optimizer, which keep of the earlier ones what both know; those themselves when none was named.</summary>
    public static OptimizerOptions Of(string? word, OptimizerOptions before)
    {
        AdamWOptions adamW = before as AdamWOptions ?? new AdamWOptions { WeightDecay = before.WeightDecay, UseGraph = before.UseGraph, Groups = before.Groups };
        return word switch
        {
            AdamW => adamW with { Stabilizer = null },
            // Its own settings stay where it is the same as before.
            SoftSign => before as SoftSignOptions
                ?? new SoftSignOptions { WeightDecay = before.WeightDecay, UseGraph = before.UseGraph, Groups = before.Groups },
            StableAdamW => adamW with { Stabilizer = adamW.Stabilizer as UpdateRmsStabilizer ?? new UpdateRmsStabilizer() },
            Spam => adamW with { Stabilizer = adamW.Stabilizer as SpamStabilizer ?? new SpamStabilizer() },
            StableSpam => adamW with { Stabilizer = adamW.Stabilizer as StableSpamStabilizer ?? new StableSpamStabilizer() },
            _ => before,
        };
    }
}
