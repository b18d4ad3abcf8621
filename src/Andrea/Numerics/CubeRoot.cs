namespace Andrea.Numerics;

/// <summary>The cube root of a float by IEEE operations alone, so that it has the same bits on every processor and GPU.</summary>
/// <remarks>
/// For positive normal numbers. The exponent and mantissa together, as an integer, are near the logarithm: minus a third of it, by shifts,
/// is the logarithm of a first 1 / cbrt(x), off by at most 4 %. Newton's iteration y += y (1 - x y^3) / 3 squares that three times; x y^2 is
/// the root but for a few roundings, which a last step takes away. The result is the float nearest to the root, or the next one: off by at most
/// 0.51 units in the last place, tried with every float in [1/8, 1), which is one period. The platform's own Cbrt differs from machine to
/// machine in its last bit.
/// </remarks>
internal static class CubeRoot
{
    /// <summary>The bits from which a third of x's are taken away.</summary>
    public const int Magic = 0x54A2FA8C;

    /// <summary>1 / 3, rounded to float.</summary>
    public const float Third = 1f / 3;

    /// <summary>Newton's steps.</summary>
    public const int Iterations = 3;

    /// <summary>The cube root of a positive normal number.</summary>
    public static float Of(float x)
    {
        int bits = BitConverter.SingleToInt32Bits(x);
        // bits / 3 to 16 bits: 1/4 + 1/16, times 1 + 1/16, times 1 + 1/256.
        int third = (bits >> 2) + (bits >> 4);
        third += third >> 4;
        third += third >> 8;
        float y = BitConverter.Int32BitsToSingle(Magic - third);
        for (int i = 0; i < Iterations; i++)
        {
            float error = MathF.FusedMultiplyAdd(-(x * y * y), y, 1);
            y = MathF.FusedMultiplyAdd(y * error, Third, y);
        }
        // One step for the root itself, with what x - root^3 really is: the square's rounding error is taken along.
        float root = x * y * y, square = root * root;
        float rest = MathF.FusedMultiplyAdd(-square, root, x);
        rest = MathF.FusedMultiplyAdd(-MathF.FusedMultiplyAdd(root, root, -square), root, rest);
        return MathF.FusedMultiplyAdd(rest * (y * y), Third, root);
    }
}
