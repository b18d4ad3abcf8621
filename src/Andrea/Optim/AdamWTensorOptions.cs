namespace Andrea.Optim;

/// <summary>How <see cref="ExternalAdamW"/> updates one tensor; may differ from tensor to tensor and from step to step.</summary>
/// <param name="LearningRate">Learning rate; 0 or above.</param>
/// <param name="WeightDecay">Decoupled weight decay; 0 or above, whatever the tensor's shape.</param>
/// <param name="Beta1">Decay of the first moment, in [0, 1).</param>
/// <param name="Beta2">Decay of the second moment, in [0, 1).</param>
/// <param name="Epsilon">Added to the root of the second moment, outside the root; above 0.</param>
public readonly record struct AdamWTensorOptions(
    double LearningRate, double WeightDecay = 0, double Beta1 = 0.9, double Beta2 = 0.999, double Epsilon = 1e-8)
{
    /// <summary>Allocates nothing when all is well: schedules come by here in every step.</summary>
    internal void Validate(string name)
    {
        CheckFloat(name, "learning rate", LearningRate);
        CheckFloat(name, "weight decay", WeightDecay);
        CheckBeta(name, nameof(Beta1), Beta1);
        CheckBeta(name, nameof(Beta2), Beta2);
        if (!(Epsilon > 0 && double.IsFinite(Epsilon)))
            throw new ArgumentOutOfRangeException("options", Epsilon, $"The epsilon of '{name}' is {Epsilon}; expected a positive, finite number such as 1e-8.");
    }

    private static void CheckFloat(string name, string what, double value)
    {
        if (!(value >= 0 && value <= float.MaxValue))
            throw new ArgumentOutOfRangeException("options", value, $"The {what} of '{name}' is {value}; expected a number from 0 up that float32 can hold.");
    }

    private static void CheckBeta(string name, string what, double value)
    {
        if (!(value >= 0 && value < 1))
            throw new ArgumentOutOfRangeException("options", value, $"{what} of '{name}' is {value}; expected a number from 0 up to, but not including, 1.");
    }

    /// <summary>The state of a tensor with these options after so many steps.</summary>
    internal OptimizerProgress ProgressAfter(long step) => OptimizerProgress.After(step, new AdamWOptions { Beta1 = Beta1, Beta2 = Beta2 });
}
