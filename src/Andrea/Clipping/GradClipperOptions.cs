using Andrea.Clipping.Policies;

namespace Andrea.Clipping;

/// <summary>How a norm above the maximum becomes a coefficient.</summary>
public enum ClipFormula
{
    /// <summary>norm &lt;= max: no bit is changed. norm &gt; max: g *= max / norm, in double, so that the new norm is max. The default.</summary>
    Exact,

    /// <summary>g *= min(1, max / (norm + 1e-6)), in float32, as PyTorch's <c>clip_grad_norm_</c> computes it, for migrations.</summary>
    Torch,
}

/// <summary>What happens when a gradient is NaN or Inf.</summary>
public enum NonFinitePolicy
{
    /// <summary>The step is skipped, on the device: gradients, parameters, moments and step counter keep every bit. The default.</summary>
    SkipStep,

    /// <summary>As in PyTorch: NaN makes every gradient NaN, and the parameters with them; Inf makes its own element NaN and the other gradients 0.</summary>
    Propagate,

    /// <summary>The step is skipped, and <see cref="NonFiniteGradientException"/> is thrown as soon as the host learns of it.</summary>
    Throw,
}

/// <summary>Options of a <see cref="GradClipper"/>.</summary>
public sealed record GradClipperOptions
{
    /// <summary>What is limited: the joint norm, each tensor's, each element, or what is unusual for the run.</summary>
    /// <value><see cref="GlobalNormPolicy"/></value>
    public ClipPolicy Policy
    {
        get;
        // Checkpoints written before there were policies have none.
        init => field = value ?? new GlobalNormPolicy();
    } = new GlobalNormPolicy();

    /// <summary>Largest L2 norm: of all gradients together, of each tensor with <see cref="PerTensorPolicy"/>; beside its own limit with <see cref="ZClipPolicy"/>,
    /// in the warm-up of <see cref="AdaGcPolicy"/>; not used by <see cref="ValuePolicy"/> and <see cref="AgcPolicy"/>. +Infinity sets no such limit, so that
    /// the default policy only measures; 0 makes every gradient 0.</summary>
    /// <value>1.0</value>
    public double MaxNorm { get; init; } = 1.0;

    /// <summary>How the coefficient is computed.</summary>
    /// <value><see cref="ClipFormula.Exact"/></value>
    public ClipFormula Formula { get; init; } = ClipFormula.Exact;

    /// <summary>What happens to non-finite gradients.</summary>
    /// <value><see cref="NonFinitePolicy.SkipStep"/></value>
    public NonFinitePolicy NonFinite { get; init; } = NonFinitePolicy.SkipStep;

    /// <summary>So many skipped steps in a row throw <see cref="NonFiniteGradientException"/>, whatever the policy; 0 never does.</summary>
    /// <value>50</value>
    public int MaxConsecutiveSkips { get; init; } = 50;

    internal void Validate()
    {
        if (double.IsNaN(MaxNorm) || MaxNorm < 0)
            throw new ArgumentOutOfRangeException(
                nameof(MaxNorm), MaxNorm, $"The largest norm is {MaxNorm}; expected a number from 0 up, or +Infinity to measure without clipping.");
        if (!Enum.IsDefined(Formula))
            throw new ArgumentOutOfRangeException(nameof(Formula), Formula, "Unknown clip formula. Choose Exact or Torch.");
        if (!Enum.IsDefined(NonFinite))
            throw new ArgumentOutOfRangeException(nameof(NonFinite), NonFinite, "Unknown policy. Choose SkipStep, Propagate or Throw.");
        ArgumentOutOfRangeException.ThrowIfNegative(MaxConsecutiveSkips);
        Policy.Validate();
    }
}
