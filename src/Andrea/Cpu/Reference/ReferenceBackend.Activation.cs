using Andrea.Tensors;

namespace Andrea.Cpu.Reference;

internal sealed partial class ReferenceBackend
{
    private static readonly double GeluScale = Math.Sqrt(2 / Math.PI);
    private const double GeluCubic = 0.044715;

    public void ActivationForward(ActivationKind kind, Tensor input, long length, Tensor output)
    {
        ReadOnlySpan<float> x = View(input);
        Span<float> y = View(output);
        for (int i = 0; i < length; i++)
            y[i] = (float)(kind == ActivationKind.Gelu ? Gelu(x[i]) : Relu(x[i]));
    }

    public void ActivationBackward(ActivationKind kind, Tensor input, Tensor dOutput, long length, Tensor dInput)
    {
        ReadOnlySpan<float> x = View(input);
        ReadOnlySpan<float> dy = View(dOutput);
        Span<float> dx = View(dInput);
        for (int i = 0; i < length; i++)
            dx[i] = (float)(kind == ActivationKind.Gelu ? dy[i] * GeluSlope(x[i]) : ReluBackward(x[i], dy[i]));
    }

    // Negated comparisons, so that NaN counts as positive and stays what it is.
    private static double Relu(double x) => x <= 0 ? 0 : x;

    private static double ReluBackward(double x, double dy) => x <= 0 ? 0 : dy;

    // 0.5 (1 + tanh(u)) = 1 / (1 + e^(-2u)), which unlike 1 + tanh(u) loses no digits where u is negative.
    private static double Gelu(double x) => x / (1 + Math.Exp(-2 * GeluArgument(x)));

    private static double GeluSlope(double x)
    {
        // Even in u, hence |u|: the exponential cannot overflow.
        double exponential = Math.Exp(-2 * Math.Abs(GeluArgument(x)));
        double slopeOfSigmoid = exponential / ((1 + exponential) * (1 + exponential));
        double slopeOfArgument = GeluScale * (1 + 3 * GeluCubic * x * x);
        return 1 / (1 + Math.Exp(-2 * GeluArgument(x))) + x * slopeOfSigmoid * 2 * slopeOfArgument;
    }

    private static double GeluArgument(double x) => GeluScale * (x + GeluCubic * x * x * x);
}
