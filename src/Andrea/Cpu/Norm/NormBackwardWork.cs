using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Andrea.Cpu.Simd;

namespace Andrea.Cpu.Norm;

/// <summary>Backward of the norms; an index is a block of rows. Writes dInput, and the block's share of dWeight and dBias.</summary>
/// <remarks>With n the normalised input and h = weight * dOutput: two passes over a row, the first for the sums of h and h * n and for the
/// shares, the second for dInput. RMSNorm is LayerNorm with both means taken as 0.</remarks>
internal unsafe struct NormBackwardWork : IRangeWork
{
    /// <summary>Rows of a block. Part of the result's bits.</summary>
    public const int BlockRows = 32;

    public float* DOutput, Input, Weight, InverseScale, DInput;

    /// <summary>Null for RMSNorm.</summary>
    public float* Mean;

    /// <summary>(blocks, 2, PaddedChannels) out: shares of dWeight, then of dBias.</summary>
    public float* Shares;

    public int Rows, Channels;

    /// <summary>Channels rounded up to full vectors, so that shares need no tail.</summary>
    public readonly int PaddedChannels => (Channels + SimdMath.Lanes - 1) / SimdMath.Lanes * SimdMath.Lanes;

    public readonly void Run(long start, long end, int worker)
    {
        for (long block = start; block < end; block++)
        {
            float* weightShare = Shares + block * 2 * PaddedChannels;
            new Span<float>(weightShare, 2 * PaddedChannels).Clear();
            long lastRow = Math.Min((block + 1) * BlockRows, Rows);
            for (long row = block * BlockRows; row < lastRow; row++)
                RunRow(row, weightShare, weightShare + PaddedChannels);
        }
    }

    private readonly void RunRow(long row, float* weightShare, float* biasShare)
    {
        float* x = Input + row * Channels;
        float* dy = DOutput + row * Channels;
        float* dx = DInput + row * Channels;
        bool centered = Mean != null;
        Vector512<float> mean = Vector512.Create(centered ? Mean[row] : 0);
        Vector512<float> scale = Vector512.Create(InverseScale[row]);
        int full = Channels - Channels % SimdMath.Lanes;
        int rest = Channels - full;

        Vector512<float> sumOfH = default, sumOfProduct = default;
        for (int i = 0; i < full; i += SimdMath.Lanes)
        {
            Vector512<float> gradient = Vector512.Load(dy + i);
            Vector512<float> normalised = (Vector512.Load(x + i) - mean) * scale;
            Vector512<float> h = Vector512.Load(Weight + i) * gradient;
            sumOfH += h;
            sumOfProduct = Vector512.FusedMultiplyAdd(h, normalised, sumOfProduct);
            AddShares(gradient, normalised, weightShare + i, biasShare + i);
        }
        if (rest > 0)
        {
            Vector512<float> gradient = SimdMath.LoadFirst(dy + full, rest);
            // The lanes beyond the row hold (0 - mean) * scale, which may be Inf, and Inf * 0 would be NaN.
            Vector512<float> normalised = ((SimdMath.LoadFirst(x + full, rest) - mean) * scale) & SimdMath.FirstLanes(rest);
            Vector512<float> h = SimdMath.LoadFirst(Weight + full, rest) * gradient;
            sumOfH += h;
            sumOfProduct = Vector512.FusedMultiplyAdd(h, normalised, sumOfProduct);
            AddShares(gradient, normalised, weightShare + full, biasShare + full);
        }

        float meanOfH = centered ? SimdMath.Sum(sumOfH) / Channels : 0;
        float meanOfProduct = SimdMath.Sum(sumOfProduct) / Channels;
        AddInputGradient(x, dy, dx, mean, scale, Vector512.Create(meanOfH), Vector512.Create(meanOfProduct));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddShares(Vector512<float> gradient, Vector512<float> normalised, float* weightShare, float* biasShare)
    {
        Vector512.Store(Vector512.FusedMultiplyAdd(gradient, normalised, Vector512.Load(weightShare)), weightShare);
        Vector512.Store(gradient + Vector512.Load(biasShare), biasShare);
    }

    private readonly void AddInputGradient(
        float* x, float* dy, float* dx, Vector512<float> mean, Vector512<float> scale, Vector512<float> meanOfH, Vector512<float> meanOfProduct)
    {
        int i = 0;
        for (; i <= Channels - SimdMath.Lanes; i += SimdMath.Lanes)
        {
            Vector512<float> normalised = (Vector512.Load(x + i) - mean) * scale;
            Vector512<float> inner = Vector512.Load(Weight + i) * Vector512.Load(dy + i) - meanOfH;
            inner = Vector512.FusedMultiplyAdd(-normalised, meanOfProduct, inner);
            Vector512.Store(Vector512.FusedMultiplyAdd(scale, inner, Vector512.Load(dx + i)), dx + i);
        }
        for (; i < Channels; i++)
        {
            float normalised = (x[i] - mean[0]) * scale[0];
            float inner = MathF.FusedMultiplyAdd(-normalised, meanOfProduct[0], Weight[i] * dy[i] - meanOfH[0]);
            dx[i] = MathF.FusedMultiplyAdd(scale[0], inner, dx[i]);
        }
    }
}
