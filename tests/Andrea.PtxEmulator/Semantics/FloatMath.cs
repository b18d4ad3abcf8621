using System.Runtime.CompilerServices;

namespace Andrea.PtxEmulator.Semantics;

/// <summary>Float instructions: not-a-number, signed zeros, denormals and saturation as PTX has them.</summary>
internal static class FloatMath
{
    private const int CanonicalNan = 0x7fffffff;

    /// <summary>The bits of a result of arithmetic: every NaN is the one that a GPU gives.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int MendedBits(float value) => float.IsNaN(value) ? CanonicalNan : BitConverter.SingleToInt32Bits(value);

    /// <summary>Denormals become zero of the same sign.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Flush(float value) => float.IsSubnormal(value) ? MathF.CopySign(0, value) : value;

    /// <summary>Into [0, 1]; NaN becomes +0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Saturate(float value) => value > 0 ? MathF.Min(value, 1) : 0;

    public static double Saturate64(double value) => value > 0 ? Math.Min(value, 1) : 0;

    /// <summary>The smaller one; a NaN loses against a number, and -0 is smaller than +0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Min(float a, float b) => float.MinNumber(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Max(float a, float b) => float.MaxNumber(a, b);

    /// <summary>The smaller one; a NaN wins.</summary>
    public static float MinNan(float a, float b) => MathF.Min(a, b);

    public static float MaxNan(float a, float b) => MathF.Max(a, b);

    public static double Min64(double a, double b) => double.MinNumber(a, b);

    public static double Max64(double a, double b) => double.MaxNumber(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool NotEqualOrdered(double a, double b) => a < b || a > b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsOrdered(double a, double b) => a <= b || a > b;

    /// <summary>The magnitude of b with the sign of a.</summary>
    public static float CopySign(float a, float b) => MathF.CopySign(b, a);

    public static double CopySign64(double a, double b) => Math.CopySign(b, a);

    public static bool TestFinite(double value) => double.IsFinite(value);

    public static bool TestInfinite(double value) => double.IsInfinity(value);

    public static bool TestNumber(double value) => !double.IsNaN(value);

    public static bool TestNotANumber(double value) => double.IsNaN(value);
}
