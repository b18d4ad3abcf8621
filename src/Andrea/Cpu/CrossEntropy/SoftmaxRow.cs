using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Andrea.Cpu.Simd;

namespace Andrea.Cpu.CrossEntropy;

/// <summary>The parts of a row's softmax, block by block of logits.</summary>
/// <remarks>
/// A vocabulary's row fits no first cache, and exponentials cost most. So each block takes exponentials from its own maximum, while it
/// lies in the first cache, and stores them; when the row's maximum is known, one factor per block makes them what they should be. The
/// row passes through the caches twice, with one exponential per element. (An online softmax, Milakov and Gimelshein 2018,
/// arXiv:1805.02867, by blocks instead of by elements.)
/// </remarks>
internal static unsafe class SoftmaxRow
{
    /// <summary>Most blocks of a row; rows too long for it get longer blocks.</summary>
    public const int MaxBlocks = 64;

    private const int MinBlockLength = 2048;

    /// <summary>Logits of a block: depends on the row's length alone, as it is part of the result's bits.</summary>
    public static int BlockLength(int rowLength) =>
        Math.Max(MinBlockLength, (rowLength / MaxBlocks / SimdMath.Lanes + 1) * SimdMath.Lanes);

    /// <summary>Largest element; -Inf if all are. Where there are NaN the result is any number or NaN: the exponentials will tell.</summary>
    public static float Max(float* x, int count)
    {
        int i = 0;
        float max = float.NegativeInfinity;
        if (count >= SimdMath.Lanes)
        {
            Vector512<float> max0 = Vector512.Load(x), max1 = Vector512.Load(x + count - SimdMath.Lanes);
            for (; i <= count - 2 * SimdMath.Lanes; i += 2 * SimdMath.Lanes)
            {
                max0 = Vector512.MaxNative(max0, Vector512.Load(x + i));
                max1 = Vector512.MaxNative(max1, Vector512.Load(x + i + SimdMath.Lanes));
            }
            if (i <= count - SimdMath.Lanes)
                max0 = Vector512.MaxNative(max0, Vector512.Load(x + i));
            return SimdMath.Max(Vector512.MaxNative(max0, max1));
        }
        for (; i < count; i++)
            max = MathF.Max(max, x[i]);
        return max;
    }

    /// <summary>Sum over a block of e^(x - shift); with <paramref name="store"/> also writes them over x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Exponentials(float* x, int count, float shift, bool store)
    {
        Vector512<float> s = Vector512.Create(shift), sum = default;
        int i = 0;
        for (; i <= count - SimdMath.Lanes; i += SimdMath.Lanes)
        {
            Vector512<float> e = SimdMath.Exp(Vector512.Load(x + i) - s);
            sum += e;
            if (store)
                Vector512.Store(e, x + i);
        }
        if (i < count)
        {
            int rest = count - i;
            Vector512<float> e = SimdMath.Exp(SimdMath.LoadFirst(x + i, rest) - s) & SimdMath.FirstLanes(rest);
            sum += e;
            if (store)
                SimdMath.StoreFirst(e, x + i, rest);
        }
        return SimdMath.Sum(sum);
    }

    /// <summary>x *= factor.</summary>
    public static void Scale(float* x, int count, float factor)
    {
        Vector512<float> f = Vector512.Create(factor);
        int i = 0;
        for (; i <= count - SimdMath.Lanes; i += SimdMath.Lanes)
            Vector512.Store(Vector512.Load(x + i) * f, x + i);
        for (; i < count; i++)
            x[i] *= factor;
    }
}
