using Andrea.Tensors;

namespace Andrea.Optim;

/// <summary>Options of <see cref="AdamW"/>.</summary>
public sealed record AdamWOptions
{
    /// <summary>Decay of the first moment, in [0, 1).</summary>
    /// <value>0.9</value>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay of the second moment, in [0, 1).</summary>
    /// <value>0.999</value>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the root of the second moment, outside the root; above 0.</summary>
    /// <value>1e-8</value>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Decoupled weight decay of tensors with two or more dimensions; those with one dimension (biases, norm weights) do not decay.</summary>
    /// <value>0.01, as in PyTorch</value>
    public double WeightDecay { get; init; } = 0.01;

    /// <summary>Whether the launches of a step are recorded once and then replayed as one CUDA graph. Without effect on a CPU, on a GPU's
    /// default streams, and while the caller records the stream.</summary>
    /// <value>True by default.</value>
    public bool UseGraph { get; init; } = true;

    /// <summary>Exceptions by name; the first group whose pattern matches a tensor counts.</summary>
    public IReadOnlyList<ParameterGroup> Groups { get; init; } = [];

    internal void Validate()
    {
        CheckBeta(nameof(Beta1), Beta1);
        CheckBeta(nameof(Beta2), Beta2);
        if (!(Epsilon > 0 && double.IsFinite(Epsilon)))
            throw new ArgumentOutOfRangeException(nameof(Epsilon), Epsilon, $"{nameof(Epsilon)} is {Epsilon}; expected a positive, finite number such as 1e-8.");
        CheckDecay(nameof(WeightDecay), WeightDecay);
        ArgumentNullException.ThrowIfNull(Groups);
        foreach (ParameterGroup group in Groups)
        {
            if (group is null)
                throw new ArgumentException("A parameter group is null. Leave it out, or give it a pattern.", nameof(Groups));
            ArgumentException.ThrowIfNullOrEmpty(group.Pattern);
            if (group.WeightDecay is { } decay)
                CheckDecay($"the weight decay of group '{group.Pattern}'", decay);
            if (!(group.LearningRateScale >= 0 && double.IsFinite(group.LearningRateScale)))
                throw new ArgumentOutOfRangeException(
                    nameof(Groups), group.LearningRateScale, $"The learning rate factor of group '{group.Pattern}' is {group.LearningRateScale}; expected a finite number from 0 up.");
        }
    }

    private static void CheckBeta(string name, double beta)
    {
        if (!(beta >= 0 && beta < 1))
            throw new ArgumentOutOfRangeException(name, beta, $"{name} is {beta}; expected a number from 0 up to, but not including, 1.");
    }

    private static void CheckDecay(string name, double decay)
    {
        if (!(decay >= 0 && decay <= float.MaxValue))
            throw new ArgumentOutOfRangeException(nameof(WeightDecay), decay, $"{name} is {decay}; expected a number from 0 up that float32 can hold.");
    }
}

/// <summary>Tensors that are optimised differently from the rest.</summary>
/// <param name="Pattern">Names of tensors; <c>*</c> stands for any run of characters, as in <c>h.*.ln_1.weight</c>.</param>
/// <param name="WeightDecay">Their decoupled weight decay, or null for the usual rule.</param>
/// <param name="LearningRateScale">Factor on their learning rate; 0 freezes them.</param>
public sealed record ParameterGroup(string Pattern, double? WeightDecay = null, double LearningRateScale = 1)
{
    internal bool Matches(string name) => NamePattern.Matches(Pattern, name);
}
