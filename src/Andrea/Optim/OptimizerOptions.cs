using Andrea.Tensors;

namespace Andrea.Optim;

/// <summary>Which optimizer, and how: <see cref="AdamWOptions"/> or <see cref="SoftSignOptions"/>.</summary>
public abstract record OptimizerOptions
{
    private protected OptimizerOptions()
    {
    }

    /// <summary>Decoupled weight decay of tensors with two or more dimensions; those with one dimension (biases, norm weights) do not decay.</summary>
    /// <value>0.01, as in PyTorch</value>
    public double WeightDecay { get; init; } = 0.01;

    /// <summary>Whether the launches of a step are recorded once and then replayed as one CUDA graph. Without effect on a CPU, on a GPU's
    /// default streams, and while the caller records the stream.</summary>
    /// <value>True by default.</value>
    public bool UseGraph { get; init; } = true;

    /// <summary>Exceptions by name; the first group whose pattern matches a tensor counts. A pattern that matches none is refused.</summary>
    public IReadOnlyList<ParameterGroup> Groups { get; init; } = [];

    internal virtual void Validate()
    {
        CheckDecay(nameof(WeightDecay), WeightDecay);
        ArgumentNullException.ThrowIfNull(Groups);
        foreach (ParameterGroup group in Groups)
        {
            if (group is null)
                throw new ArgumentException("A parameter group is null. Leave it out, or give it a pattern.", nameof(Groups));
            if (string.IsNullOrEmpty(group.Pattern))
                throw new ArgumentException("The pattern of a parameter group is null or empty. Write a name, such as h.*.ln_1.weight, or * for all tensors.", nameof(Groups));
            if (group.WeightDecay is { } decay)
                CheckDecay($"the weight decay of group '{group.Pattern}'", decay);
            if (!(group.LearningRateScale >= 0 && double.IsFinite(group.LearningRateScale)))
                throw new ArgumentOutOfRangeException(
                    nameof(Groups), group.LearningRateScale, $"The learning rate factor of group '{group.Pattern}' is {group.LearningRateScale}; expected a finite number from 0 up.");
        }
    }

    /// <exception cref="ArgumentException">A group is about none of the tensors, such as for a slip of the pen; it would do nothing.</exception>
    internal void CheckGroups(TensorSet parameters)
    {
        foreach (ParameterGroup group in Groups)
            if (!parameters.AnyMatches(group.Pattern))
                throw new ArgumentException(
                    $"The parameter group '{group.Pattern}' matches none of the {parameters.Count} tensors: {parameters.ListNames()}. "
                    + "Correct it; * stands for any run of characters, and upper and lower case differ.",
                    nameof(Groups));
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
