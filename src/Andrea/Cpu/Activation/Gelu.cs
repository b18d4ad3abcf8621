using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Andrea.Cpu.Simd;

namespace Andrea.Cpu.Activation;

/// <summary>GELU in its tanh form, and its slope.</summary>
/// <remarks>With u = sqrt(2/pi) (x + 0.044715 x^3): 0.5 (1 + tanh(u)) = 1 / (1 + e^(-2u)), the sigmoid of 2u,
/// which keeps its digits where tanh(u) nears -1.</remarks>
internal static class Gelu
{
    // 2u = x (Linear + Cubic x^2); its derivative is Linear + 3 Cubic x^2.
    private const float Linear = 1.5957691216f;
    private const float Cubic = 0.07135481283f;

    // Beyond it e^(-|2u|) is 0, and x^2 is far from overflow.
    private const float SaturatedAt = 16;

    /// <summary>x / (1 + e^(-2u)). 0 for very negative x; +Inf for +Inf; NaN for -Inf, as in PyTorch, and for NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Forward(Vector512<float> x)
    {
        // x^2 may overflow: then 2u is +-Inf, and the exponential 0 or Inf, as it should be.
        Vector512<float> u2 = x * Vector512.FusedMultiplyAdd(x * x, Vector512.Create(Cubic), Vector512.Create(Linear));
        return x / (Vector512<float>.One + SimdMath.Exp(-u2));
    }

    /// <summary>s + x s (1 - s) (2u)', with s the sigmoid of 2u. 0 or 1 for very large |x|; NaN for +-Inf, as in PyTorch, and for NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Slope(Vector512<float> x)
    {
        Vector512<float> limit = Vector512.Create(SaturatedAt);
        // Negated comparisons leave NaN as it is.
        Vector512<float> clamped = Vector512.ConditionalSelect(Vector512.GreaterThan(x, limit), limit, x);
        clamped = Vector512.ConditionalSelect(Vector512.LessThan(x, -limit), -limit, clamped);
        Vector512<float> square = clamped * clamped;
        Vector512<float> u2 = clamped * Vector512.FusedMultiplyAdd(square, Vector512.Create(Cubic), Vector512.Create(Linear));
        Vector512<float> slopeOfU2 = Vector512.FusedMultiplyAdd(square, Vector512.Create(3 * Cubic), Vector512.Create(Linear));

        // From e = e^(-|2u|) <= 1 both s and s (1 - s) come without overflow and without cancellation.
        Vector512<float> e = SimdMath.Exp(-Vector512.Abs(u2));
        Vector512<float> upper = Vector512<float>.One / (Vector512<float>.One + e);
        Vector512<float> lower = e * upper;
        Vector512<float> sigmoid = Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512<float>.Zero), lower, upper);
        return Vector512.FusedMultiplyAdd(x * (lower * upper), slopeOfU2, sigmoid);
    }
}
