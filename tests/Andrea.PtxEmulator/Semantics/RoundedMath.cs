using System.Runtime.CompilerServices;

namespace Andrea.PtxEmulator.Semantics;

/// <summary>How a result that does not fit is rounded.</summary>
internal enum RoundingMode
{
    NearestEven,
    Zero,
    Down,
    Up,
}

/// <summary>Float32 arithmetic with directed rounding, exact: products of floats fit a double, sums leave a rest that is known.</summary>
internal static class RoundedMath
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Add(float a, float b, RoundingMode mode) => Sum(a, b, mode);

    public static float Subtract(float a, float b, RoundingMode mode) => Sum(a, -(double)b, mode);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Multiply(float a, float b, RoundingMode mode) => Round((double)a * b, 0, mode);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float FusedMultiplyAdd(float a, float b, float c, RoundingMode mode) => Sum((double)a * b, c, mode);

    /// <summary>The nearest double is between the true quotient and its next one, so the rest's sign settles the direction.</summary>
    public static float Divide(float a, float b, RoundingMode mode)
    {
        double quotient = (double)a / b;
        double rest = double.IsFinite(quotient) && b != 0 ? Math.FusedMultiplyAdd(-quotient, b, a) / b : 0;
        return Round(quotient, rest, mode);
    }

    public static float SquareRoot(float a, RoundingMode mode)
    {
        double root = Math.Sqrt(a);
        return Round(root, double.IsFinite(root) && root > 0 ? Math.FusedMultiplyAdd(-root, root, a) : 0, mode);
    }

    /// <summary>A double as a float.</summary>
    public static float FromDouble(double value, RoundingMode mode) => Round(value, 0, mode);

    /// <summary>An integer as a float; the widest integer and every float are exact as 128-bit integers where it matters.</summary>
    public static float FromInteger(Int128 value, RoundingMode mode)
    {
        // 64 bits leave at most 11 below a double's last one: two exact halves.
        Int128 high = value >> 32 << 32;
        return Sum((double)(long)(high >> 32) * 4294967296.0, (double)(long)(value - high), mode);
    }

    public static double DoubleFromInteger(Int128 value, RoundingMode mode)
    {
        Int128 high = value >> 32 << 32;
        double a = (double)(long)(high >> 32) * 4294967296.0;
        double b = (double)(long)(value - high);
        double sum = a + b;
        int direction = Direction(mode, sum);
        double rest = Rest(a, b, sum);
        return direction > 0 && rest > 0 ? Math.BitIncrement(sum) : direction < 0 && rest < 0 ? Math.BitDecrement(sum) : sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Sum(double a, double b, RoundingMode mode)
    {
        double sum = a + b;
        // A sum of exactly zero is -0 when rounding down, unless both are +0.
        if (sum == 0 && mode == RoundingMode.Down && !(a == 0 && b == 0 && double.IsPositive(a) && double.IsPositive(b)))
            return -0f;
        return Round(sum, double.IsFinite(sum) ? Rest(a, b, sum) : 0, mode);
    }

    /// <summary>What the rounded sum of two doubles leaves out, exactly.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Rest(double a, double b, double sum)
    {
        double part = sum - a;
        return (a - (sum - part)) + (b - part);
    }

    /// <summary>Rounds value + rest, where |rest| is at most half a unit in the last place of value.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Round(double value, double rest, RoundingMode mode)
    {
        float nearest = (float)value;
        if (double.IsNaN(value) || double.IsInfinity(value))
            return nearest;
        if (mode == RoundingMode.NearestEven)
            return Nearest(value, rest);
        int direction = Direction(mode, value);
        double error = nearest - value;
        if (direction > 0 && (error < 0 || (error == 0 && rest > 0)))
            return MathF.BitIncrement(nearest);
        if (direction < 0 && (error > 0 || (error == 0 && rest < 0)))
            return MathF.BitDecrement(nearest);
        return nearest;
    }

    /// <summary>Rounding twice to nearest goes wrong at ties only: there the rest breaks the tie first.</summary>
    private static float Nearest(double value, double rest)
    {
        if (rest == 0)
            return (float)value;
        // Round to odd: an inexact double whose last bit is even moves towards the rest, and no longer looks like a tie.
        bool even = (BitConverter.DoubleToInt64Bits(value) & 1) == 0;
        return (float)(even ? (rest > 0 ? Math.BitIncrement(value) : Math.BitDecrement(value)) : value);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Direction(RoundingMode mode, double value) => mode switch
    {
        RoundingMode.Up => 1,
        RoundingMode.Down => -1,
        RoundingMode.Zero => value > 0 ? -1 : 1,
        _ => 0,
    };
}
