using System.Globalization;
using System.Numerics;

namespace Andrea.Tests.PtxEmulator;

/// <summary>Values of each type that instructions may go wrong at, and whole numbers from and to their bits.</summary>
internal static class OperandValues
{
    /// <summary>All combinations of the values of some types; of more than two types, fewer values each.</summary>
    public static ulong[][] Rows(string operands)
    {
        string[] types = [.. operands.Split(' ').Where(type => !char.IsAsciiDigit(type[0]) && type[0] != '-')];
        IEnumerable<ulong[]> rows = [[]];
        foreach (string type in types)
        {
            ulong[] values = Of(type);
            int step = types.Length > 2 ? 2 : 1;
            ulong[] chosen = [.. values.Where((_, i) => i % step == 0 || i == values.Length - 1)];
            rows = rows.SelectMany(row => chosen, (row, value) => (ulong[])[.. row, value]);
        }
        return [.. rows];
    }

    public static BigInteger Signed(ulong bits, int width) => (BigInteger)(long)(bits << (64 - width)) >> (64 - width);

    public static BigInteger Unsigned(ulong bits, int width) => (BigInteger)bits & ((BigInteger.One << width) - 1);

    /// <summary>The low bits of a whole number.</summary>
    public static ulong Wrap(BigInteger value, int width) => (ulong)(value & ((BigInteger.One << width) - 1));

    public static float Single(ulong bits) => BitConverter.UInt32BitsToSingle((uint)bits);

    public static double Double(ulong bits) => BitConverter.UInt64BitsToDouble(bits);

    private static ulong[] Of(string type) => type switch
    {
        "pred" => [0, 1],
        "f32" => [.. Singles.Select(value => (ulong)BitConverter.SingleToUInt32Bits(value)), 0x7f801234, 0xffc00001],
        "f64" => [.. Doubles.Select(BitConverter.DoubleToUInt64Bits)],
        "f16" => [0, 0x8000, 1, 0x3c00, 0xbc01, 0x7bff, 0x7c00, 0xfc00, 0x7e00, 0x03ff],
        _ => Integers(int.Parse(type.AsSpan(1), CultureInfo.InvariantCulture)),
    };

    private static ulong[] Integers(int width)
    {
        ulong mask = ulong.MaxValue >> (64 - width);
        ulong top = 1UL << (width - 1);
        ulong[] values =
        [
            0, mask, 1, 2, top, top - 1, 3, 7, 8, 15, 16, 31, 32, 33, 63, 64, 100, 127, 128, 255, 256, top + 1, mask - 1,
            0x0123456789abcdef, 0xfedcba9876543210, 0x5555555555555555, 0x00000000deadbeef, 0x8000000080000000, 0x0000ffff0000ffff, 10, 12345,
        ];
        return [.. values.Select(value => value & mask).Distinct()];
    }

    private static readonly float[] Singles =
    [
        0f, -0f, 1f, -1f, 0.5f, -0.5f, 1.5f, 2.5f, 3.3f, -7.75f, 0.1f, 1f / 3, 16777215f, 16777216f, 16777218f, 8388609f, 1e-3f, 123456.79f,
        float.Epsilon, -float.Epsilon, 1.17549435e-38f, -1.1754942e-38f, 5e-39f, 1e-30f, 1e20f, 3e38f, float.MaxValue, -float.MaxValue,
        float.PositiveInfinity, float.NegativeInfinity, float.NaN, 1.0000001f, 0.99999994f, 2147483648f, 4294967296f, -2147483648f, 9.223372e18f,
    ];

    private static readonly double[] Doubles =
    [
        0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, 3.3, -7.75, 0.1, 1.0 / 3, 9007199254740993.0, 9007199254740992.0, 1e-3, 123456.789,
        double.Epsilon, -double.Epsilon, 2.2250738585072014e-308, 1e-310, 1e-40, 1e-46, 1e200, 3.5e38, -3.5e38, 3.4028235677973366e38, 1e300,
        double.MaxValue, -double.MaxValue, double.PositiveInfinity, double.NegativeInfinity, double.NaN, 1.0000000000000002, 0.99999999999999989,
        1.0 + 5.9604644775390625e-8, 2147483647.5, 2147483648, -2147483648.5, 4294967295.5, 4294967296, 9.2233720368547758e18, 1.8446744073709552e19,
    ];
}
