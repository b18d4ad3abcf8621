using System.Runtime.CompilerServices;

namespace Andrea.PtxEmulator.Semantics;

/// <summary>
/// The approximate instructions. PTX bounds their error and leaves the bits open; these are within half a unit or so of the true value,
/// so what holds here may still differ on a GPU by the error that the PTX manual documents.
/// </summary>
internal static class Approximations
{
    private const double Ln2 = 0.693147180559945309417232121458;

    /// <summary>2^x: exact powers, a polynomial of 2^f for f in [-0.5, 0.5] with an error below 1e-11.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Exp2(float x)
    {
        if (!(x < 128))
            return float.IsNaN(x) ? x : float.PositiveInfinity;
        if (x < -150)
            return 0;
        double whole = Math.Round((double)x, MidpointRounding.ToEven);
        double f = (x - whole) * Ln2;
        double power = 1 + f * (1 + f * (1.0 / 2 + f * (1.0 / 6 + f * (1.0 / 24 + f * (1.0 / 120 + f * (1.0 / 720 + f * (1.0 / 5040
            + f * (1.0 / 40320 + f * (1.0 / 362880)))))))));
        return (float)(power * BitConverter.Int64BitsToDouble((1023L + (long)whole) << 52));
    }

    public static float Log2(float x) => (float)Math.Log2(x);

    public static float Sin(float x) => (float)Math.Sin(x);

    public static float Cos(float x) => (float)Math.Cos(x);

    public static float Tanh(float x) => (float)Math.Tanh(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ReciprocalRoot(float x) => (float)(1 / Math.Sqrt(x));

    public static double ReciprocalRoot64(double x) => 1 / Math.Sqrt(x);

    public static float Root(float x) => MathF.Sqrt(x);

    public static float Reciprocal(float x) => 1 / x;

    /// <summary>A gross approximation that looks at the upper words only, and whose lower word is zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Reciprocal64(double x) => Upper(1 / FlushLow(x));

    public static double ReciprocalRoot64Gross(double x) => Upper(1 / Math.Sqrt(FlushLow(x)));

    /// <summary>Quotients by more than 2^126 are zero, and NaN if the dividend is infinite, as the manual says.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Divide(float a, float b)
    {
        float magnitude = MathF.Abs(b);
        if (magnitude > 8.507059e37f && !float.IsInfinity(magnitude))
            return float.IsInfinity(a) ? float.NaN : a * b < 0 ? -0f : float.IsNaN(a) ? a : 0;
        return a / b;
    }

    private static double Upper(double x) =>
        double.IsNaN(x) ? x : FlushDenormal(BitConverter.Int64BitsToDouble(BitConverter.DoubleToInt64Bits(x) & ~0xffffffffL));

    private static double FlushLow(double x) =>
        double.IsNaN(x) ? x : FlushDenormal(BitConverter.Int64BitsToDouble(BitConverter.DoubleToInt64Bits(x) & ~0xffffffffL));

    private static double FlushDenormal(double x) => double.IsSubnormal(x) ? Math.CopySign(0, x) : x;
}
