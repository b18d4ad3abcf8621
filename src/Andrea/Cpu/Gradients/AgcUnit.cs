using Andrea.Backends;

namespace Andrea.Cpu.Gradients;

/// <summary>AGC of one unit, as <see cref="IClipPolicyOps.GradAgc"/> fixes it.</summary>
internal static unsafe class AgcUnit
{
    public static ClippedPart Clip(AgcSettings agc, float* gradient, float* parameter, long length)
    {
        double norm = Norm(gradient, length), coefficient = ClipPolicyRules.Agc(agc, norm, Norm(parameter, length)), after = coefficient * norm;
        for (long start = 0; coefficient != 1 && start < length; start += SumOfSquares.StripLength)
            GradientScale.OfChunk(gradient + start, (int)Math.Min(SumOfSquares.StripLength, length - start), coefficient);
        return new ClippedPart { SumOfSquares = CanonicalNaN.Of(after * after), Changed = coefficient == 1 ? 0 : 1 };
    }

    private static double Norm(float* values, long length)
    {
        double sum = 0;
        for (long start = 0; start < length; start += SumOfSquares.StripLength)
            sum += SumOfSquares.OfStrip(values + start, (int)Math.Min(SumOfSquares.StripLength, length - start));
        return CanonicalNaN.Of(Math.Sqrt(sum));
    }
}
