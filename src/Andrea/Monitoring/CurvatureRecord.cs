namespace Andrea.Monitoring;

/// <summary>The curvature along one step's gradient, as Adam's preconditioner sees it.</summary>
/// <param name="Step">The step, from 1.</param>
/// <param name="Curvature">lambda_grad, in the unit of 1 / learning rate; NaN where the step was skipped or its gradient was 0 or not finite.</param>
/// <param name="StabilityLimit">2 / learning rate of the step: above it a step along the gradient overshoots by more than it corrects.</param>
/// <param name="AboveInARow">Measurements in a row, this one included, that were above their limit.</param>
/// <param name="Announces">Whether with this one there are <see cref="CurvatureOptions.Sustained"/> in a row, so that a loss spike is predicted.</param>
public readonly record struct CurvatureRecord(long Step, double Curvature, double StabilityLimit, int AboveInARow, bool Announces)
{
    /// <summary>Curvature / limit: above 1 the direction of the gradient is unstable.</summary>
    public double Instability => Curvature / StabilityLimit;
}
