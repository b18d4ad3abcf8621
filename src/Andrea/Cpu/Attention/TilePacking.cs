using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Andrea.Cpu.MatMul;
using static Andrea.Cpu.Simd.SimdMath;

namespace Andrea.Cpu.Attention;

/// <summary>Brings rows of one head from the tensors into scratch memory and back. There they lie close together, padded to whole vectors:
/// in the tensors the heads are interleaved, so a head's rows are far apart and evict each other from the nearest cache.</summary>
internal static unsafe class TilePacking
{
    private const int RowsAhead = 8;

    /// <summary>target[r, :] = source[r, :] * factor, with zeros behind up to the padded head size.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Load(float* source, long sourceStride, int rows, int headSize, float factor, float* target, int targetStride)
    {
        Vector512<float> factors = Vector512.Create(factor);
        for (int row = 0; row < rows; row++, source += sourceStride, target += targetStride)
        {
            // The processor does not foresee rows so far apart. Asking for memory beyond the tensor does no harm.
            if (Sse.IsSupported)
                for (int ahead = 0; ahead < headSize; ahead += Lanes)
                    Sse.Prefetch0(source + RowsAhead * sourceStride + ahead);
            int i = 0;
            for (; i + 2 * Lanes <= headSize; i += 2 * Lanes)
            {
                (Vector512.Load(source + i) * factors).Store(target + i);
                (Vector512.Load(source + i + Lanes) * factors).Store(target + i + Lanes);
            }
            for (; i + Lanes <= headSize; i += Lanes)
                (Vector512.Load(source + i) * factors).Store(target + i);
            if (i < headSize)
                (LoadFirst(source + i, headSize - i) * factors).Store(target + i);
        }
    }

    /// <summary>target[r, :] = source[r, :] * factor, without the padding.</summary>
    public static void Store(float* source, int sourceStride, int rows, int headSize, float factor, float* target, long targetStride)
    {
        for (int row = 0; row < rows; row++, source += sourceStride, target += targetStride)
            StoreRow(source, Vector512.Create(factor), headSize, target);
    }

    /// <summary>target[:] = source[:] * factor. Never gives -0, into which a sum that underflowed may have turned, or not,
    /// by an added 0 * v.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreRow(float* source, Vector512<float> factor, int headSize, float* target)
    {
        int i = 0;
        for (; i + 2 * Lanes <= headSize; i += 2 * Lanes)
        {
            Vector512.FusedMultiplyAdd(Vector512.Load(source + i), factor, Vector512<float>.Zero).Store(target + i);
            Vector512.FusedMultiplyAdd(Vector512.Load(source + i + Lanes), factor, Vector512<float>.Zero).Store(target + i + Lanes);
        }
        for (; i + Lanes <= headSize; i += Lanes)
            Vector512.FusedMultiplyAdd(Vector512.Load(source + i), factor, Vector512<float>.Zero).Store(target + i);
        if (i < headSize)
            StoreFirst(Vector512.FusedMultiplyAdd(Vector512.Load(source + i), factor, Vector512<float>.Zero), target + i, headSize - i);
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
        const int stride = AttentionShape.Tile;
        for (int row = 0; row < rows; row += Lanes)
        {
            for (int column = 0; column < columns; column += 4)
            {
                float* from = source + row * columns + column, to = target + column * stride + row;
                if (Avx512F.IsSupported)
                {
                    Transposition.SixteenLanes(from, columns, stride, to);
                    continue;
                }
                for (int part = 0; part < Lanes; part += 4)
                    Transposition.FourLanes(from + part * columns, columns, stride, to + part);
            }
        }
    }
}
