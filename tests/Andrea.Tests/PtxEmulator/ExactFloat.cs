using System.Numerics;

namespace Andrea.Tests.PtxEmulator;

/// <summary>
/// An exact number, mantissa * 2^exponent, and its rounding to a float format done by hand on whole numbers: the oracle for the
/// emulator's arithmetic, which it shares no code with.
/// </summary>
internal readonly record struct ExactFloat(BigInteger Mantissa, int Exponent)
{
    public static ExactFloat From(float value) => From((double)value);

    public static ExactFloat From(double value)
    {
        long bits = BitConverter.DoubleToInt64Bits(value);
        int exponent = (int)(bits >> 52) & 0x7ff;
        BigInteger mantissa = bits & 0xfffffffffffffL;
        if (exponent == 0x7ff)
            throw new ArgumentOutOfRangeException(nameof(value), value, "Finite numbers only.");
        mantissa += exponent == 0 ? 0 : BigInteger.One << 52;
        return new(bits < 0 ? -mantissa : mantissa, Math.Max(exponent, 1) - 1075);
    }

    public static ExactFloat operator +(ExactFloat a, ExactFloat b)
    {
        int exponent = Math.Min(a.Exponent, b.Exponent);
        return new((a.Mantissa << (a.Exponent - exponent)) + (b.Mantissa << (b.Exponent - exponent)), exponent);
    }

    public static ExactFloat operator -(ExactFloat a) => new(-a.Mantissa, a.Exponent);

    public static ExactFloat operator *(ExactFloat a, ExactFloat b) => new(a.Mantissa * b.Mantissa, a.Exponent + b.Exponent);

    /// <summary>A quotient to 400 bits, with its last bit set if there is more: enough to round rightly.</summary>
    public static ExactFloat operator /(ExactFloat a, ExactFloat b)
    {
        BigInteger quotient = BigInteger.DivRem(BigInteger.Abs(a.Mantissa) << 400, BigInteger.Abs(b.Mantissa), out BigInteger rest);
        quotient = (quotient << 1) + (rest.IsZero ? 0 : 1);
        return new(a.Mantissa.Sign * b.Mantissa.Sign * quotient, a.Exponent - b.Exponent - 401);
    }

    /// <summary>A root to 200 bits, with its last bit set if there is more.</summary>
    public ExactFloat Root()
    {
        BigInteger square = Mantissa << (400 + (Exponent & 1));
        BigInteger low = 0;
        BigInteger high = BigInteger.One << (int)(square.GetBitLength() / 2 + 1);
        while (high - low > 1)
        {
            BigInteger middle = (low + high) >> 1;
            (low, high) = middle * middle <= square ? (middle, high) : (low, middle);
        }
        return new((low << 1) + (low * low == square ? 0 : 1), (Exponent - (Exponent & 1) - 400) / 2 - 1);
    }

    /// <summary>The bits of the float32 that this rounds to; -0 for a negative number too small, and zero as <paramref name="zero"/> says.</summary>
    public uint ToSingleBits(string mode = "rn", float zero = 0) =>
        (uint)ToBits(mode, 24, -149, 8, BitConverter.SingleToUInt32Bits(zero));

    public ulong ToDoubleBits(string mode = "rn", double zero = 0) => ToBits(mode, 53, -1074, 11, BitConverter.DoubleToUInt64Bits(zero));

    private ulong ToBits(string mode, int precision, int smallest, int exponentBits, ulong zero)
    {
        if (Mantissa.IsZero)
            return zero;
        BigInteger magnitude = BigInteger.Abs(Mantissa);
        bool negative = Mantissa.Sign < 0;
        int last = Math.Max(Exponent + (int)magnitude.GetBitLength() - precision, smallest);
        BigInteger kept = last > Exponent ? magnitude >> (last - Exponent) : magnitude << (Exponent - last);
        BigInteger rest = last > Exponent ? magnitude - (kept << (last - Exponent)) : 0;
        bool up = mode switch
        {
            "rn" => Tie(rest, last - Exponent, kept),
            "rz" => false,
            "rm" => negative && !rest.IsZero,
            _ => !negative && !rest.IsZero,
        };
        kept += up ? 1 : 0;
        // The encoding counts on through the exponent: a carry out of the mantissa raises it by itself.
        ulong field = kept >> (precision - 1) == 0 ? 0 : (ulong)(last - smallest);
        ulong bits = (ulong)kept + (field << (precision - 1));
        ulong infinity = ((1UL << exponentBits) - 1) << (precision - 1);
        if (bits >= infinity)
            bits = mode == "rn" || mode == (negative ? "rm" : "rp") ? infinity : infinity - 1;
        return bits | (negative ? 1UL << (precision + exponentBits - 1) : 0);
    }

    private static bool Tie(BigInteger rest, int droppedBits, BigInteger kept)
    {
        if (rest.IsZero)
            return false;
        int compared = rest.CompareTo(BigInteger.One << (droppedBits - 1));
        return compared > 0 || (compared == 0 && !kept.IsEven);
    }
}
