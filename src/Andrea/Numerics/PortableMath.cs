namespace Andrea.Numerics;

/// <summary>Elementary functions with only + - * / in double, so that they have the same bits on every machine.</summary>
/// <remarks>System.Math calls the platform's library, whose last bits differ between systems.</remarks>
internal static class PortableMath
{
    private const double Ln2 = 0.6931471805599453;
    private const double SmallestNormal = 2.2250738585072014e-308;

    /// <summary>1 / 23, 1 / 21, ... 1: of the series for atanh.</summary>
    private static ReadOnlySpan<double> OddReciprocals =>
        [1.0 / 23, 1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13, 1.0 / 11, 1.0 / 9, 1.0 / 7, 1.0 / 5, 1.0 / 3, 1];

    /// <summary>Natural logarithm, to 2 units in the last place; -Inf for 0, +Inf for +Inf, NaN for NaN and below 0.</summary>
    public static double Log(double x)
    {
        if (x >= SmallestNormal)
            return double.IsPositiveInfinity(x) ? x : LogOfNormal(x);
        if (x > 0)
            return LogOfNormal(x * (1L << 54)) - 54 * Ln2;
        return x == 0 ? double.NegativeInfinity : double.NaN;
    }

    /// <summary>cos(pi x) for x in [0, 1]; exactly 1 at 0 and -1 at 1.</summary>
    public static double CosPi(double x)
    {
        if (x > 0.5)
            return -CosPi(1 - x);
        // cos(a) = 1 - 2 sin(a / 2)^2; the sine's series for at most pi / 4.
        double half = Math.PI / 2 * x;
        double square = half * half;
        double sum = 0;
        for (int k = 19; k >= 1; k -= 2)
            sum = 1 - square / ((k + 1) * (k + 2)) * sum;
        double sine = half * sum;
        return 1 - 2 * sine * sine;
    }

    private static double LogOfNormal(double x)
    {
        long bits = BitConverter.DoubleToInt64Bits(x);
        int exponent = (int)(bits >> 52) - 1023;
        double mantissa = BitConverter.Int64BitsToDouble((bits & 0xFFFFFFFFFFFFF) | (1023L << 52));
        if (mantissa > 1.4142135623730951)
        {
            mantissa *= 0.5;
            exponent++;
        }
        // log(m) = 2 atanh(z), z = (m - 1) / (m + 1), |z| < 0.172: the series' terms fall by 34 each.
        double z = (mantissa - 1) / (mantissa + 1);
        double z2 = z * z;
        double sum = 0;
        foreach (double reciprocal in OddReciprocals)
            sum = sum * z2 + reciprocal;
        return exponent * Ln2 + 2 * z * sum;
    }
}
