namespace Andrea.Backends;

/// <summary>The rules of the clip policies; <c>clip_policies.cu</c> repeats them line by line.</summary>
internal static class ClipPolicyRules
{
    private const int Accumulators = 32;

    // The largest double below 1: what is left of a norm, at most, when something was clipped.
    private const double BelowOne = 1 - 1.0 / (1L << 53);

    // Times the squared mean: the variance of a millionth of a millionth of the mean, which is what rounding alone makes of equal norms.
    private const double RoundingVariance = 1e-24;

    public static void PerTensor(ClipSettings settings, Span<TensorNorm> norms, ref ClipState state)
    {
        if (state.Skip != 0)
            return;
        foreach (ref TensorNorm norm in norms)
            ClipDecision.Apply(ClipDecision.Coefficient(settings, norm.Norm), ref norm);
        Settle(norms, ref state);
    }

    public static void ZScore(
        ClipSettings settings, ZClipSettings zClip, Span<TensorNorm> norms, ref ClipState state, ref ZClipState memory, Span<double> warmup)
    {
        if (state.Skip != 0)
            return;
        double limit = state.NonFiniteCount > 0 ? settings.MaxNorm : Observe(settings.MaxNorm, zClip, state.Norm, ref memory, warmup);
        Uniform(ClipDecision.Coefficient(settings with { MaxNorm = limit }, state.Norm), norms, ref state);
    }

    public static void AdaGc(
        ClipSettings settings, AdaGcSettings adaGc, Span<TensorNorm> norms, ref ClipState state, ref long steps, Span<double> runningNorms)
    {
        if (state.Skip != 0)
            return;
        bool finite = state.NonFiniteCount == 0, warmup = steps < adaGc.WarmupSteps;
        double joint = ClipDecision.Coefficient(settings, state.Norm);
        for (int i = 0; i < norms.Length; i++)
        {
            double running = runningNorms[i];
            double coefficient = warmup || running == 0
                ? joint
                : ClipDecision.Coefficient(settings with { MaxNorm = adaGc.Factor * running }, norms[i].Norm);
            ClipDecision.Apply(coefficient, ref norms[i]);
            double after = norms[i].NormAfter;
            // A tensor without a gradient, be it away or dead, says nothing about its next one.
            if (!finite || after == 0)
                continue;
            runningNorms[i] = running == 0 ? after
                : warmup ? (after < running ? after : running)
                : adaGc.Decay * running + (1 - adaGc.Decay) * after;
        }
        if (finite)
            steps++;
        if (warmup)
            Uniform(joint, norms, ref state);
        else
            Settle(norms, ref state);
    }

    /// <summary>What a unit's gradients are multiplied by.</summary>
    /// <param name="agc">How large a gradient may be.</param><param name="gradient">The gradients' norm.</param><param name="parameter">The
    /// parameters' norm; one that is NaN, or small, counts as epsilon.</param>
    public static double Agc(AgcSettings agc, double gradient, double parameter)
    {
        double limit = agc.Factor * (parameter > agc.Epsilon ? parameter : agc.Epsilon);
        return CanonicalNaN.Of(ClipDecision.Coefficient(new ClipSettings(limit, TorchFormula: false, SkipNonFinite: true), gradient));
    }

    public static void PartsFinal(ReadOnlySpan<int> firstParts, ReadOnlySpan<ClippedPart> parts, Span<TensorNorm> norms, ref ClipState state)
    {
        if (state.Skip != 0)
            return;
        Span<double> accumulators = stackalloc double[Accumulators];
        for (int i = 0; i < norms.Length; i++)
        {
            accumulators.Clear();
            long changed = 0;
            ReadOnlySpan<ClippedPart> own = parts[firstParts[i]..firstParts[i + 1]];
            for (int part = 0; part < own.Length; part++)
            {
                accumulators[part % Accumulators] += own[part].SumOfSquares;
                changed |= own[part].Changed;
            }
            if (changed != 0)
                norms[i].NormAfter = AfterChange(CanonicalNaN.Of(Math.Sqrt(Join(accumulators))), norms[i].Norm);
        }
        Settle(norms, ref state);
    }

    /// <summary>Takes a finite norm in.</summary>
    /// <returns>What it must not exceed.</returns>
    private static double Observe(double maxNorm, ZClipSettings zClip, double norm, ref ZClipState memory, Span<double> warmup)
    {
        // Gradients of zeros, of tensors that are away or dead, say nothing about those to come.
        if (norm == 0)
            return maxNorm;
        // With such a mean and variance, every larger norm would be brought back to the mean for ever.
        if (memory.Count >= zClip.WarmupSteps && !(memory.Mean > 0 && memory.Variance > RoundingVariance * memory.Mean * memory.Mean))
            memory.Count = 0;
        if (memory.Count < zClip.WarmupSteps)
        {
            warmup[(int)memory.Count++] = norm;
            if (memory.Count == zClip.WarmupSteps)
                Begin(warmup[..zClip.WarmupSteps], ref memory);
            return maxNorm;
        }
        memory.Count++;
        double deviation = Math.Sqrt(memory.Variance);
        double z = (norm - memory.Mean) / (deviation + zClip.Epsilon);
        bool spike = z > zClip.Threshold;
        double limit = maxNorm, observed = norm;
        if (spike)
        {
            observed = memory.Mean + zClip.Threshold * deviation / (z / zClip.Threshold);
            limit = observed < maxNorm ? observed : maxNorm;
        }
        memory.Mean = zClip.Decay * memory.Mean + (1 - zClip.Decay) * observed;
        double distance = observed - memory.Mean;
        memory.Variance = zClip.Decay * memory.Variance + (1 - zClip.Decay) * (distance * distance);
        return limit;
    }

    private static void Begin(ReadOnlySpan<double> norms, ref ZClipState memory)
    {
        double sum = 0, squares = 0;
        foreach (double norm in norms)
            sum += norm;
        memory.Mean = sum / norms.Length;
        foreach (double norm in norms)
            squares += (norm - memory.Mean) * (norm - memory.Mean);
        memory.Variance = squares / norms.Length;
    }

    private static void Uniform(double coefficient, Span<TensorNorm> norms, ref ClipState state)
    {
        foreach (ref TensorNorm norm in norms)
            ClipDecision.Apply(coefficient, ref norm);
        state.Coefficient = coefficient;
        state.NormAfter = CanonicalNaN.Of(coefficient * state.Norm);
        if (coefficient != 1)
            state.ClippedCalls++;
    }

    /// <summary>From what has become of the tensors to what has become of all.</summary>
    private static void Settle(ReadOnlySpan<TensorNorm> norms, ref ClipState state)
    {
        Span<double> accumulators = stackalloc double[Accumulators];
        accumulators.Clear();
        bool changed = false;
        for (int i = 0; i < norms.Length; i++)
        {
            changed |= norms[i].Coefficient != 1 || !norms[i].NormAfter.Equals(norms[i].Norm);
            accumulators[i % Accumulators] += norms[i].NormAfter * norms[i].NormAfter;
        }
        if (!changed)
            return;
        state.NormAfter = AfterChange(CanonicalNaN.Of(Math.Sqrt(Join(accumulators))), state.Norm);
        // All gradients 0, and yet a coefficient that is not 1.
        state.Coefficient = state.Norm == 0 ? 0 : CanonicalNaN.Of(state.NormAfter / state.Norm);
        state.ClippedCalls++;
    }

    /// <summary>Rounding must not hide that something was clipped: the ratio of what this returns to what was before never rounds to 1.</summary>
    private static double AfterChange(double after, double before)
    {
        double most = before * BelowOne;
        return after > most ? most : after;
    }

    private static double Join(Span<double> accumulators)
    {
        for (int half = Accumulators / 2; half > 0; half /= 2)
            for (int j = 0; j < half; j++)
                accumulators[j] += accumulators[j + half];
        return accumulators[0];
    }
}
