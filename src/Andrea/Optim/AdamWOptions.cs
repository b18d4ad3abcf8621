namespace Andrea.Optim;

/// <summary>Options of <see cref="AdamW"/>.</summary>
public sealed record AdamWOptions : OptimizerOptions
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

    /// <summary>What keeps the update from spikes: <see cref="UpdateRmsStabilizer"/>, <see cref="SpamStabilizer"/> or
    /// <see cref="StableSpamStabilizer"/>; null for AdamW as it is, with its kernel and its bits.</summary>
    /// <value>None</value>
    public Stabilizer? Stabilizer { get; init; }

    internal override void Validate()
    {
        CheckBeta(nameof(Beta1), Beta1);
        CheckBeta(nameof(Beta2), Beta2);
        if (!(Epsilon > 0 && double.IsFinite(Epsilon)))
            throw new ArgumentOutOfRangeException(nameof(Epsilon), Epsilon, $"{nameof(Epsilon)} is {Epsilon}; expected a positive, finite number such as 1e-8.");
        base.Validate();
        Stabilizer?.Validate();
    }

    private static void CheckBeta(string name, double beta)
    {
        if (!(beta >= 0 && beta < 1))
            throw new ArgumentOutOfRangeException(name, beta, $"{name} is {beta}; expected a number from 0 up to, but not including, 1.");
    }
}
