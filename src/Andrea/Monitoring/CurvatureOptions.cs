namespace Andrea.Monitoring;

/// <summary>Options of a <see cref="CurvatureProbe"/>.</summary>
public sealed record CurvatureOptions
{
    /// <summary>Steps between measurements: every multiple is measured, at the price of two more forward and backward passes.</summary>
    /// <value>10</value>
    public long Every { get; init; } = 10;

    /// <summary>How far parameters are moved along the gradient, to either side, as a share of their joint norm.</summary>
    /// <value>1e-3: for central differences of float32 gradients between the third root of the rounding error, 4e-3, and its square root,
    /// 2.4e-4; usually far less than a step of training moves them</value>
    public double RelativeStep { get; init; } = 1e-3;

    /// <summary>Measurements in a row above 2 / learning rate from which a spike is predicted.</summary>
    /// <value>3</value>
    public int Sustained { get; init; } = 3;

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range; the message names it.</exception>
    internal void Validate()
    {
        if (Every < 1)
            throw new ArgumentOutOfRangeException(nameof(Every), Every, $"{nameof(Every)} is {Every}; expected 1 or more steps. Leave TrainerOptions.Curvature null to measure none.");
        if (!(RelativeStep > 0 && RelativeStep < 1))
            throw new ArgumentOutOfRangeException(nameof(RelativeStep), RelativeStep, $"{nameof(RelativeStep)} is {RelativeStep}; expected a share between 0 and 1, such as 1e-3.");
        if (Sustained < 1)
            throw new ArgumentOutOfRangeException(nameof(Sustained), Sustained, $"{nameof(Sustained)} is {Sustained}; expected 1 or more measurements.");
    }
}
