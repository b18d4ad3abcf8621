namespace Andrea.Backends;

/// <summary>The rules by which stabilizers turn what they find in a tensor into its step; the CUDA kernels repeat them line by line.</summary>
internal static class StabilizerDecision
{
    /// <summary>UpdateRms: from the sum over g^2 / max(vHat, epsilon^2) of so many elements.</summary>
    public static TensorStep OfRatios(double sum, long count)
    {
        TensorStep step = TensorStep.Plain;
        double rms = Math.Sqrt(sum / count);
        // NaN is not above 1, nor is the root of 0 / 0.
        if (rms > 1)
            step.RateScale = step.DecayScale = 1 / rms;
        return step;
    }

    /// <summary>SPAM: from the number of the step alone.</summary>
    /// <param name="settings">How it works.</param>
    /// <param name="warmup">(WarmupSteps) factors on the rate after a reset.</param>
    /// <param name="number">The step's number, from 1.</param>
    public static TensorStep OfNumber(in StabilizerSettings settings, ReadOnlySpan<double> warmup, long number)
    {
        TensorStep step = TensorStep.Plain;
        long sinceReset = settings.ResetEvery > 0 ? number % settings.ResetEvery : number;
        if (sinceReset >= settings.GraceSteps)
            step.SpikeRoot = (float)settings.SpikeRoot;
        if (settings.ResetEvery > 0 && number >= settings.ResetEvery && sinceReset < settings.WarmupSteps)
            step.RateScale = warmup[(int)sinceReset];
        step.Reset = settings.ResetsAt(number) ? 1 : 0;
        return step;
    }

    /// <summary>Stable-SPAM's first half: the average maximum with this step's in it, and the limit that follows.</summary>
    /// <param name="settings">How it works.</param>
    /// <param name="history">As the last step left it.</param>
    /// <param name="found">What the clip found in the tensor.</param>
    /// <param name="coefficient">What its gradients are multiplied by first.</param>
    public static SpikeLimit LimitOf(in StabilizerSettings settings, in TensorHistory history, in TensorNorm found, double coefficient)
    {
        float largest = coefficient == 1 ? found.MaxMagnitude : (float)(found.MaxMagnitude * coefficient);
        // Nothing is known where NaN or Inf is.
        if (!(largest < float.PositiveInfinity))
            return new SpikeLimit { Limit = float.PositiveInfinity, Shrink = 1 };
        double average = settings.MaximumDecay * history.Maximum + (1 - settings.MaximumDecay) * largest;
        double power = history.MaximumPower * settings.MaximumDecay;
        double usual = average / (1 - power);
        var limit = new SpikeLimit { IsKnown = true, Average = average, Power = power, Limit = (float)usual, Shrink = 1 };
        limit.Clips = largest > limit.Limit;
        if (limit.Clips)
            limit.Shrink = usual / largest;
        return limit;
    }

    /// <summary>Stable-SPAM's second half: the averages of the norm, and what gradients are multiplied by.</summary>
    /// <param name="settings">How it works.</param>
    /// <param name="limit">The first half.</param>
    /// <param name="norm">Norm of the tensor's gradients, clipped to the limit.</param>
    /// <param name="isPresent">Whether the tensor has gradients at all.</param>
    /// <param name="reset">Whether moments begin anew.</param>
    /// <param name="history">In and out; untouched where gradients are absent or not finite.</param>
    public static TensorStep OfNorm(
        in StabilizerSettings settings, in SpikeLimit limit, double norm, bool isPresent, bool reset, ref TensorHistory history)
    {
        TensorStep step = TensorStep.Plain;
        step.Reset = reset ? 1 : 0;
        if (!isPresent || !limit.IsKnown || !(norm < double.PositiveInfinity))
            return step;
        (history.Maximum, history.MaximumPower) = (limit.Average, limit.Power);
        history.Norm = settings.NormDecay * history.Norm + (1 - settings.NormDecay) * norm;
        history.Square = settings.SquareDecay * history.Square + (1 - settings.SquareDecay) * (norm * norm);
        history.NormPower *= settings.NormDecay;
        history.SquarePower *= settings.SquareDecay;
        double usual = history.Norm / (1 - history.NormPower);
        double root = Math.Sqrt(history.Square / (1 - history.SquarePower)) + settings.Epsilon;
        (step.Limit, step.Shrink) = (limit.Limit, limit.Shrink);
        if (norm > 0)
            step.GradientScale = usual / root / norm;
        return step;
    }
}

/// <summary>What is known of a tensor's spikes before its norm is.</summary>
internal struct SpikeLimit
{
    /// <summary>False when a gradient is NaN or Inf.</summary>
    public bool IsKnown;

    /// <summary>Whether a gradient is above the limit.</summary>
    public bool Clips;

    /// <summary>The average maximum, and the power that corrects its bias, with this step in them.</summary>
    public double Average, Power;

    /// <summary>What gradients above <see cref="Limit"/> are multiplied by.</summary>
    public double Shrink;

    /// <summary>Largest magnitude that is left alone.</summary>
    public float Limit;
}
