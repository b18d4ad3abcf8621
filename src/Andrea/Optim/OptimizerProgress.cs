namespace Andrea.Optim;

/// <summary>What an <see cref="Optimizer"/> remembers besides its moments; with <see cref="Optimizer.FirstMoments"/> and
/// <see cref="Optimizer.SecondMoments"/>, all that a checkpoint needs.</summary>
/// <param name="Step">Steps applied; skipped ones do not count.</param>
/// <param name="Beta1Power">beta1^Step as multiplied up, 1 at the beginning; since the last reset where a stabilizer begins bias corrections anew.
/// Of an optimizer without bias correction both powers stay 1.</param>
/// <param name="Beta2Power">beta2^Step, likewise.</param>
public sealed record OptimizerProgress(long Step, double Beta1Power, double Beta2Power)
{
    /// <summary>Nobody makes more steps, and one more can still be counted.</summary>
    internal const long MostSteps = 1L << 53;

    /// <summary>What the stabilizer remembers: 6 numbers for each tensor of Stable-SPAM. Empty for the others, whose memory is the moments and the
    /// step, and where there is none.</summary>
    public IReadOnlyList<double> Stabilizer
    {
        get;
        init => field = value ?? [];
    } = [];

    /// <summary>Equal numbers.</summary>
    public bool Equals(OptimizerProgress? other) =>
        other is not null && (Step, Beta1Power, Beta2Power).Equals((other.Step, other.Beta1Power, other.Beta2Power)) && Stabilizer.SequenceEqual(other.Stabilizer);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Step, Beta1Power, Beta2Power, Stabilizer.Count);

    /// <summary>The state after so many steps, for a checkpoint that records no more than their number.</summary>
    /// <param name="step">Steps applied.</param>
    /// <param name="options">The optimizer's betas and stabilizer.</param>
    internal static OptimizerProgress After(long step, AdamWOptions options)
    {
        double power1 = 1, power2 = 1;
        long corrected = options.Stabilizer?.CorrectedSteps(step) ?? step;
        for (long i = 0; i < corrected && power1 + power2 > 0; i++)
            (power1, power2) = (power1 * options.Beta1, power2 * options.Beta2);
        return new OptimizerProgress(step, power1, power2);
    }
}
