using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using static Andrea.Cpu.Simd.SimdMath;

namespace Andrea.Cpu.Attention;

/// <summary>Brings rows of one head from the tensors into scratch memory and back. There they lie close together, padded to whole vectors:
/// in the tensors the heads are interleaved, so a head's rows are far apart and evict each other from the nearest cache.</summary>
internal static unsafe class TilePacking
{
    /// <summary>target[r, :] = source[r, :] * factor, with zeros behind up to the padded head size.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Load(float* source, long sourceStride, int rows, int headSize, float factor, float* target, int targetStride)
    {
        Vector512<float> factors = Vector512.Create(factor);
        for (int row = 0; row < rows; row++, source += sourceStride, target += targetStride)
        {
            int i = 0;
            for (; i + 2 * Lanes <= headSize; i += 2 * Lanes)
            {
                (Vector512.Load(source + i) * factors).Store(target + i);
                (Vector512.Load(source + i + Lanes) * factors).Store(target + i + Lanes);
            }
            for (; i < headSize; i += Lanes)
                (LoadUpTo16(source + i, headSize - i) * factors).Store(target + i);
        }
    }

    /// <summary>target[r, :] = source[r, :] * factor, without the padding.</summary>
    public static void Store(float* source, int sourceStride, int rows, int headSize, float factor, float* target, long targetStride)
    {
        for (int row = 0; row < rows; row++, source += sourceStride, target += targetStride)
            StoreRow(source, Vector512.Create(factor), headSize, target);
    }

    /// <summary>target[:] = source[:] * factor. Never gives -0, into which a sum that underflowed may have turned, or not, by an added 0 * v.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreRow(float* source, Vector512<float> factor, int headSize, float* target)
    {
        int i = 0;
        for (; i + 2 * Lanes <= headSize; i += 2 * Lanes)
        {
            Vector512.FusedMultiplyAdd(Vector512.Load(source + i), factor, Vector512<float>.Zero).Store(target + i);
            Vector512.FusedMultiplyAdd(Vector512.Load(source + i + Lanes), factor, Vector512<float>.Zero).Store(target + i + Lanes);
        }
        for (; i < headSize; i += Lanes)
            StoreUpTo16(Vector512.FusedMultiplyAdd(Vector512.Load(source + i), factor, Vector512<float>.Zero), target + i, headSize - i);
    }

    /// <summary>Whether a NaN or an infinity is among <paramref name="length"/> floats, a multiple of 16.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool HasNonFinite(float* values, int length)
    {
        // Zero times anything finite is zero; otherwise NaN, which no sum loses again.
        Vector512<float> zero = Vector512<float>.Zero, sum0 = zero, sum1 = zero, sum2 = zero, sum3 = zero;
        int i = 0;
        for (; i + 4 * Lanes <= length; i += 4 * Lanes)
        {
            sum0 = Vector512.FusedMultiplyAdd(Vector512.Load(values + i), zero, sum0);
            sum1 = Vector512.FusedMultiplyAdd(Vector512.Load(values + i + Lanes), zero, sum1);
            sum2 = Vector512.FusedMultiplyAdd(Vector512.Load(values + i + 2 * Lanes), zero, sum2);
            sum3 = Vector512.FusedMultiplyAdd(Vector512.Load(values + i + 3 * Lanes), zero, sum3);
        }
        for (; i < length; i += Lanes)
            sum0 = Vector512.FusedMultiplyAdd(Vector512.Load(values + i), zero, sum0);
        return !Vector512.EqualsAll(sum0 + sum1 + (sum2 + sum3), zero);
    }

    /// <summary>target[d, r] = source[r, d]; both sizes are multiples of 16. Rows of the target are a tile long.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Transpose(float* source, int rows, int columns, float* target)
    {
        for (int row = 0; row < rows; row += Lanes)
        {
            for (int column = 0; column < columns; column += Lanes)
            {
                float* from = source + row * columns + column;
                float* to = target + column * AttentionShape.Tile + row;
                if (Avx512F.IsSupported)
                    Transpose16x16(from, columns, to);
                else
                    Transpose16x16Anywhere(from, columns, to);
            }
        }
    }

    /// <summary>The next 16 floats, or as many as there are, with zeros behind.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadUpTo16(float* source, int count) =>
        count >= Lanes ? Vector512.Load(source) : LoadFirst(source, count);

    private static void StoreUpTo16(Vector512<float> value, float* target, int count)
    {
        if (count >= Lanes)
            value.Store(target);
        else
            StoreFirst(value, target, count);
    }

    private static void Transpose16x16(float* source, int sourceStride, float* target)
    {
        // First within quarters: vector 4g + c holds column 4q + c of the rows 4g to 4g + 3 in its quarter q.
        Vector512<float>* quarters = stackalloc Vector512<float>[Lanes];
        for (int i = 0; i < Lanes; i += 4, source += 4 * sourceStride)
        {
            Vector512<float> row0 = Vector512.Load(source), row1 = Vector512.Load(source + sourceStride);
            Vector512<float> row2 = Vector512.Load(source + 2 * sourceStride), row3 = Vector512.Load(source + 3 * sourceStride);
            Vector512<double> low01 = Avx512F.UnpackLow(row0, row1).AsDouble(), high01 = Avx512F.UnpackHigh(row0, row1).AsDouble();
            Vector512<double> low23 = Avx512F.UnpackLow(row2, row3).AsDouble(), high23 = Avx512F.UnpackHigh(row2, row3).AsDouble();
            quarters[i] = Avx512F.UnpackLow(low01, low23).AsSingle();
            quarters[i + 1] = Avx512F.UnpackHigh(low01, low23).AsSingle();
            quarters[i + 2] = Avx512F.UnpackLow(high01, high23).AsSingle();
            quarters[i + 3] = Avx512F.UnpackHigh(high01, high23).AsSingle();
        }
        // Then the quarters: row 4q + c of the target is quarter q of the vectors c, 4 + c, 8 + c, 12 + c.
        const byte even = 0b10_00_10_00, odd = 0b11_01_11_01;
        for (int c = 0; c < 4; c++, target += AttentionShape.Tile)
        {
            Vector512<float> even01 = Avx512F.Shuffle4x128(quarters[c], quarters[4 + c], even);
            Vector512<float> odd01 = Avx512F.Shuffle4x128(quarters[c], quarters[4 + c], odd);
            Vector512<float> even23 = Avx512F.Shuffle4x128(quarters[8 + c], quarters[12 + c], even);
            Vector512<float> odd23 = Avx512F.Shuffle4x128(quarters[8 + c], quarters[12 + c], odd);
            Avx512F.Shuffle4x128(even01, even23, even).Store(target);
            Avx512F.Shuffle4x128(odd01, odd23, even).Store(target + 4 * AttentionShape.Tile);
            Avx512F.Shuffle4x128(even01, even23, odd).Store(target + 8 * AttentionShape.Tile);
            Avx512F.Shuffle4x128(odd01, odd23, odd).Store(target + 12 * AttentionShape.Tile);
        }
    }

    private static void Transpose16x16Anywhere(float* source, int sourceStride, float* target)
    {
        for (int row = 0; row < Lanes; row += 4, source += 4 * sourceStride, target += 4)
        {
            float* row1 = source + sourceStride, row2 = row1 + sourceStride, row3 = row2 + sourceStride;
            for (int column = 0; column < Lanes; column++)
                Vector128.Create(source[column], row1[column], row2[column], row3[column]).Store(target + column * AttentionShape.Tile);
        }
    }
}
