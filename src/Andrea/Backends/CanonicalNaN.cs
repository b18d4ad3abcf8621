namespace Andrea.Backends;

/// <summary>The one NaN that norms are reported as. Processors and GPUs make NaNs with different bits; results must not show it.</summary>
internal static class CanonicalNaN
{
    public const uint SingleBits = 0x7FC0_0000;

    public static readonly double Double = BitConverter.UInt64BitsToDouble(0x7FF8_0000_0000_0000);

    /// <summary>The value itself, or the canonical NaN for any NaN.</summary>
    public static double Of(double value) => double.IsNaN(value) ? Double : value;
}
