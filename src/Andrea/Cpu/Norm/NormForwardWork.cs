using System.Runtime.Intrinsics;
using Andrea.Cpu.Simd;

namespace Andrea.Cpu.Norm;

/// <summary>Normalises rows; an index is a row. RMSNorm is LayerNorm with the mean taken as 0.</summary>
/// <remarks>Three passes over a row, which fits the first cache: mean, variance from the mean (not E[x^2] - E[x]^2, which cancels), output.</remarks>
internal unsafe struct NormForwardWork : IRangeWork
{
    public float* Input, Weight, Output, InverseScale;

    /// <summary>Null when there is none.</summary>
    public float* Bias;

    /// <summary>Null for RMSNorm.</summary>
    public float* Mean;

    public float Epsilon;
    public int Channels;

    public readonly void Run(long start, long end, int worker)
    {
        for (long row = start; row < end; row++)
        {
            float* x = Input + row * Channels;
            float mean = 0;
            if (Mean != null)
                Mean[row] = mean = RowSums.Sum(x, Channels) / Channels;
            float variance = RowSums.SumOfSquares(x, Channels, mean) / Channels;
            float scale = 1 / MathF.Sqrt(variance + Epsilon);
            InverseScale[row] = scale;
            WriteRow(x, mean, scale, Output + row * Channels);
        }
    }

    private readonly void WriteRow(float* x, float mean, float scale, float* y)
    {
        Vector512<float> m = Vector512.Create(mean), s = Vector512.Create(scale);
        int i = 0;
        for (; i <= Channels - SimdMath.Lanes; i += SimdMath.Lanes)
        {
            Vector512<float> normalised = (Vector512.Load(x + i) - m) * s;
            Vector512<float> weight = Vector512.Load(Weight + i);
            Vector512<float> bias = Bias != null ? Vector512.Load(Bias + i) : default;
            Vector512.Store(Vector512.FusedMultiplyAdd(normalised, weight, bias), y + i);
        }
        // The same rounding element by element, so the bits do not depend on the row's length.
        for (; i < Channels; i++)
            y[i] = MathF.FusedMultiplyAdd((x[i] - mean) * scale, Weight[i], Bias != null ? Bias[i] : 0);
    }
}
