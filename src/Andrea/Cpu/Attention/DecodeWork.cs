using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Andrea.Cpu.Simd;
using static Andrea.Cpu.Simd.SimdMath;

namespace Andrea.Cpu.Attention;

/// <summary>Attention of one new token over its cache. One index is one head.</summary>
/// <remarks>Reads each cached key and value once, in blocks of 128 positions with an online softmax: memory sets the pace, not arithmetic.</remarks>
internal unsafe struct DecodeWork(
    float* qkv, int position, int heads, int headSize, long maximumTokens, float* keyCache, float* valueCache, float* output) : IRangeWork
{
    private const int Block = 128;

    public readonly void Run(long start, long end, int worker)
    {
        int padded = (headSize + Lanes - 1) / Lanes * Lanes;
        float* query = stackalloc float[padded], sums = stackalloc float[padded], weights = stackalloc float[Block];
        long tokenStride = (long)heads * headSize;
        for (long head = start; head < end; head++)
        {
            float* token = qkv + head * headSize;
            float* keys = keyCache + head * maximumTokens * headSize, values = valueCache + head * maximumTokens * headSize;
            long newest = (long)position * headSize;
            new Span<float>(token + tokenStride, headSize).CopyTo(new Span<float>(keys + newest, headSize));
            new Span<float>(token + 2 * tokenStride, headSize).CopyTo(new Span<float>(values + newest, headSize));
            TilePacking.Load(token, 0, 1, headSize, (float)(1 / Math.Sqrt(headSize)), query, padded);
            Attend(query, keys, values, weights, sums, output + head * headSize);
        }
    }

    private readonly void Attend(float* query, float* keys, float* values, float* weights, float* sums, float* target)
    {
        float maximum = float.NegativeInfinity, denominator = 0;
        new Span<float>(sums, (headSize + Lanes - 1) / Lanes * Lanes).Clear();
        for (int first = 0; first <= position; first += Block)
        {
            int count = Math.Min(Block, position + 1 - first);
            Scores(query, keys + (long)first * headSize, count, weights);
            denominator = Softmax(weights, count, ref maximum, denominator, out float correction);
            AddWeighted(values + (long)first * headSize, weights, count, correction, sums);
        }
        TilePacking.StoreRow(sums, Vector512.Create(1 / denominator), headSize, target);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private readonly void Scores(float* query, float* keys, int count, float* scores)
    {
        for (int key = 0; key < count; key++, keys += headSize)
        {
            Vector512<float> sum = default;
            int d = 0;
            for (; d + Lanes <= headSize; d += Lanes)
                sum = Vector512.FusedMultiplyAdd(Vector512.Load(query + d), Vector512.Load(keys + d), sum);
            float score = Sum(sum);
            for (; d < headSize; d++)
                score = MathF.FusedMultiplyAdd(query[d], keys[d], score);
            scores[key] = score;
        }
    }

    /// <summary>Turns a block's scores into exp(score - maximum), with the maximum of all blocks so far; returns the denominator so far.</summary>
    private static float Softmax(float* scores, int count, ref float maximum, float denominator, out float correction)
    {
        new Span<float>(scores + count, Block - count).Fill(float.NegativeInfinity);
        Vector512<float> largest = Vector512.Create(maximum);
        for (int i = 0; i < Block; i += Lanes)
            largest = Vector512.Max(largest, Vector512.Load(scores + i));
        float before = maximum;
        maximum = Max(largest);
        // As in SoftmaxTile: nothing but -Inf so far must not turn into NaN.
        Vector512<float> shift = Vector512.Create(float.IsNegativeInfinity(maximum) ? 0 : maximum);
        Vector512<float> sum = default;
        for (int i = 0; i < Block; i += Lanes)
        {
            Vector512<float> weight = SoftmaxMath.Exp(Vector512.Load(scores + i) - shift);
            weight.Store(scores + i);
            sum += weight;
        }
        correction = SoftmaxMath.Exp(Vector512.Create(before) - shift)[0];
        return MathF.FusedMultiplyAdd(denominator, correction, Sum(sum));
    }

    /// <summary>sums = sums * correction + sum over j of weights[j] * values[j, :].</summary>
    private readonly void AddWeighted(float* values, float* weights, int count, float correction, float* sums)
    {
        int d = 0;
        for (; d + Lanes <= headSize; d += Lanes)
        {
            Vector512<float> sum = WeightedSum(values + d, headSize, weights, count);
            Vector512.FusedMultiplyAdd(Vector512.Load(sums + d), Vector512.Create(correction), sum).Store(sums + d);
        }
        for (; d < headSize; d++)
        {
            float sum = 0;
            for (int key = 0; key < count; key++)
                sum = MathF.FusedMultiplyAdd(weights[key], values[(long)key * headSize + d], sum);
            sums[d] = MathF.FusedMultiplyAdd(sums[d], correction, sum);
        }
    }

    /// <summary>sum over j of weights[j] * values[j, :] for 16 columns. The j of each remainder by 4 have a sum of their own,
    /// joined as (0 + 1) + (2 + 3).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static Vector512<float> WeightedSum(float* values, int stride, float* weights, int count)
    {
        Vector512<float> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
        int key = 0;
        for (; key + 4 <= count; key += 4, values += 4 * stride)
        {
            sum0 = Vector512.FusedMultiplyAdd(Vector512.Create(weights[key]), Vector512.Load(values), sum0);
            sum1 = Vector512.FusedMultiplyAdd(Vector512.Create(weights[key + 1]), Vector512.Load(values + stride), sum1);
            sum2 = Vector512.FusedMultiplyAdd(Vector512.Create(weights[key + 2]), Vector512.Load(values + 2 * stride), sum2);
            sum3 = Vector512.FusedMultiplyAdd(Vector512.Create(weights[key + 3]), Vector512.Load(values + 3 * stride), sum3);
        }
        for (; key < count; key++, values += stride)
            sum0 = Vector512.FusedMultiplyAdd(Vector512.Create(weights[key]), Vector512.Load(values), sum0);
        return sum0 + sum1 + (sum2 + sum3);
    }
}
