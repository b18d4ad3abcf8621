namespace Andrea.Backends;

/// <summary>The rule by which the second clip kernel turns a norm into a coefficient; the CUDA kernel repeats it line by line.</summary>
internal static class ClipDecision
{
    /// <summary>
    /// A norm exceeds the maximum when it does so by more than rounding the scaled gradients to float32 can cause (2^-24 of each).
    /// Hence clipping twice is clipping once, bit for bit, as long as the scaled gradients that matter are not denormal.
    /// </summary>
    public const double Slack = 1 + 1.0 / (1 << 24);

    /// <summary>PyTorch's guard against division by zero in <c>clip_grad_norm_</c>.</summary>
    public const float TorchEpsilon = 1e-6f;

    /// <summary>Fills in coefficient, skip flag and counters from the norm and the non-finite count, which are already in <paramref name="state"/>.</summary>
    public static void Decide(ClipSettings settings, ref ClipState state)
    {
        bool skip = state.NonFiniteCount > 0 && settings.SkipNonFinite;
        state.Coefficient = skip ? 1 : Coefficient(settings, state.Norm);
        state.Skip = skip ? 1 : 0;
        state.ConsecutiveSkips = skip ? state.ConsecutiveSkips + 1 : 0;
        state.Calls++;
        // Not "< 1": a NaN coefficient changes every gradient.
        if (state.Coefficient != 1)
            state.ClippedCalls++;
        if (skip)
            state.SkippedCalls++;
    }

    /// <summary>Gives a tensor its coefficient.</summary>
    public static void Apply(double coefficient, ref TensorNorm tensor)
    {
        tensor.Coefficient = coefficient;
        tensor.NormAfter = CanonicalNaN.Of(coefficient * tensor.Norm);
    }

    private static double Coefficient(ClipSettings settings, double norm)
    {
        if (double.IsPositiveInfinity(settings.MaxNorm))
            return 1;
        if (settings.TorchFormula)
        {
            // In float32, as PyTorch computes it: number / tensor is tensor.reciprocal() * number there, rounded twice.
            // The comparison is written so that NaN stays NaN, as in its clamp.
            float coefficient = 1 / ((float)norm + TorchEpsilon) * (float)settings.MaxNorm;
            return coefficient > 1 ? 1 : coefficient;
        }
        return norm <= settings.MaxNorm * Slack ? 1 : settings.MaxNorm / norm;
    }
}
