namespace Andrea.Optim;

/// <summary>Options of <see cref="SoftSignSgd"/>.</summary>
public sealed record SoftSignOptions : OptimizerOptions
{
    private const double SmallestBeta = 0.001;

    /// <summary>Decay of both moments, from 0.001 up to, but not including, 1.</summary>
    /// <value>0.95</value>
    public double Beta { get; init; } = 0.95;

    /// <summary>p, the order of the mean that updates are divided by: 1, 2, 3 or 4. The larger, the nearer to the sign.</summary>
    /// <value>3</value>
    public int Power { get; init; } = 3;

    internal override void Validate()
    {
        if (!(Beta >= SmallestBeta && Beta < 1))
            throw new ArgumentOutOfRangeException(nameof(Beta), Beta, $"{nameof(Beta)} is {Beta}; expected a number from {SmallestBeta} up to, but not including, 1.");
        if (Power is < 1 or > 4)
            throw new ArgumentOutOfRangeException(nameof(Power), Power, $"{nameof(Power)} is {Power}; expected 1, 2, 3 or 4, whose roots are the same on every device.");
        base.Validate();
    }
}
