namespace Andrea.Optim;

/// <summary>How far an <see cref="Optimizer"/> has come; with the moments, all that a checkpoint needs. Of one without bias correction both powers
/// stay 1.</summary>
/// <param name="Step">Steps applied; skipped ones do not count.</param>
/// <param name="Beta1Power">beta1^Step as multiplied up, 1 at the beginning; since the last reset where a stabilizer begins bias corrections anew.</param>
/// <param name="Beta2Power">beta2^Step, likewise.</param>
public readonly record struct AdamWProgress(long Step, double Beta1Power, double Beta2Power)
{
    /// <summary>The progress after so many steps, for a checkpoint that records no more than their number.</summary>
    /// <param name="step">Steps applied.</param>
    /// <param name="options">The optimizer's betas and stabilizer.</param>
    public static AdamWProgress After(long step, AdamWOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        ArgumentNullException.ThrowIfNull(options);
        double power1 = 1, power2 = 1;
        long corrected = options.Stabilizer?.CorrectedSteps(step) ?? step;
        for (long i = 0; i < corrected && power1 + power2 > 0; i++)
            (power1, power2) = (power1 * options.Beta1, power2 * options.Beta2);
        return new AdamWProgress(step, power1, power2);
    }
}
