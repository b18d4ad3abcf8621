namespace Andrea.Monitoring;

/// <summary>The formula of lambda_grad, apart from where its numbers come from.</summary>
internal static class PreconditionedCurvature
{
    /// <summary>g^T P y / (||g|| distance), y being the difference of gradients over a distance along g: in the limit g^T P H g / ||g||^2.</summary>
    /// <param name="gradient">(N) g; not 0.</param>
    /// <param name="difference">(N) y = grad(p + a g / ||g||) - grad(p + b g / ||g||).</param>
    /// <param name="distance">a - b.</param>
    /// <param name="secondMoments">(N) v after the step, without bias correction.</param>
    /// <param name="beta1">b1.</param><param name="beta1Power">b1^t.</param><param name="beta2Power">b2^t.</param><param name="epsilon">Outside the root.</param>
    public static double Along(
        ReadOnlySpan<float> gradient, ReadOnlySpan<float> difference, double distance, ReadOnlySpan<float> secondMoments,
        double beta1, double beta1Power, double beta2Power, double epsilon)
    {
        double sum = 0, squares = 0, correction = 1 / (1 - beta2Power);
        for (int i = 0; i < gradient.Length; i++)
        {
            double g = gradient[i];
            squares += g * g;
            // Nothing comes of an element without gradient, nor of the padding, whatever its preconditioner.
            if (g != 0)
                sum += g * difference[i] / (Math.Sqrt(secondMoments[i] * correction) + epsilon);
        }
        // With momentum, steps along one direction add up to as many as that: the stable limit grows by (1 + b1) / (1 - b1).
        return (1 - beta1) / ((1 + beta1) * (1 - beta1Power)) * sum / (Math.Sqrt(squares) * distance);
    }
}
