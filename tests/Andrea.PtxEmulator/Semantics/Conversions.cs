using System.Runtime.CompilerServices;

namespace Andrea.PtxEmulator.Semantics;

/// <summary>Conversions between floats and integers, saturating, with what PTX says about NaN.</summary>
internal static class Conversions
{
    /// <summary>Rounds to a whole number, still a float.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double ToWhole(double value, RoundingMode mode) => mode switch
    {
        RoundingMode.NearestEven => Math.Round(value, MidpointRounding.ToEven),
        RoundingMode.Zero => Math.Truncate(value),
        RoundingMode.Down => Math.Floor(value),
        _ => Math.Ceiling(value),
    };

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float ToWhole32(float value, RoundingMode mode) => (float)ToWhole(value, mode);

    /// <summary>A float as an integer of some width, which is then the low bits of the result.</summary>
    /// <param name="wideNan">Whether a NaN gives the top bit alone, as it does where either side has 64 bits; else it gives zero.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long ToInteger(double value, RoundingMode mode, int bits, bool signed, bool wideNan)
    {
        if (double.IsNaN(value))
            return wideNan ? (long)(1UL << (bits - 1)) : 0;
        double whole = ToWhole(value, mode);
        if (signed)
        {
            double limit = Math.ScaleB(1, bits - 1);
            long top = bits == 64 ? long.MaxValue : (1L << (bits - 1)) - 1;
            return whole >= limit ? top : whole < -limit ? -top - 1 : (long)whole;
        }
        ulong most = bits == 64 ? ulong.MaxValue : (1UL << bits) - 1;
        return whole <= 0 ? 0 : whole >= Math.ScaleB(1, bits) ? (long)most : (long)(ulong)whole;
    }

    public static float SingleFromSigned(long value, RoundingMode mode) => RoundedMath.FromInteger(value, mode);

    public static float SingleFromUnsigned(long value, RoundingMode mode) => RoundedMath.FromInteger((ulong)value, mode);

    public static double DoubleFromSigned(long value, RoundingMode mode) => RoundedMath.DoubleFromInteger(value, mode);

    public static double DoubleFromUnsigned(long value, RoundingMode mode) => RoundedMath.DoubleFromInteger((ulong)value, mode);

    /// <summary>Clamps a signed number into an integer type.</summary>
    public static long SaturateSigned(long value, long min, long max) => Math.Clamp(value, min, max);

    /// <summary>Clamps an unsigned number into an integer type.</summary>
    public static long SaturateUnsigned(long value, long max) => (long)Math.Min((ulong)value, (ulong)max);

    public static float FromHalf(int bits) => (float)BitConverter.UInt16BitsToHalf((ushort)bits);

    public static int ToHalf(float value) => float.IsNaN(value) ? 0x7fff : BitConverter.HalfToUInt16Bits((Half)value);

    public static int ToHalf64(double value) => double.IsNaN(value) ? 0x7fff : BitConverter.HalfToUInt16Bits((Half)value);

    public static float FromBrain(int bits) => BitConverter.Int32BitsToSingle(bits << 16);

    /// <summary>Round to nearest even on the upper half of the bits.</summary>
    public static int ToBrain(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? 0x7fff : (int)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
    }
}
