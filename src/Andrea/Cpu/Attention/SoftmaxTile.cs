using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Andrea.Cpu.Simd;

namespace Andrea.Cpu.Attention;

/// <summary>The softmax's part of a tile pair. Scores lie as [key, query],
/// so each lane is one query and nothing is ever summed across lanes.</summary>
internal static unsafe class SoftmaxTile
{
    private const int Tile = AttentionShape.Tile;

    /// <summary>Turns 16 queries' scores into exp(score - maximum), and brings the queries' running maximum and denominator up to date.</summary>
    /// <param name="scores">Column of 16 queries in a tile; keys that are not seen become 0.</param>
    /// <param name="allSee">Number of keys that all 16 queries see: they come first.</param>
    /// <param name="keys">Number of keys that at least one of them sees; query lane i sees key <paramref name="allSee"/> + j if j &lt;= i.</param>
    /// <param name="maximum">(16) in and out: largest score so far, -Inf at first.</param>
    /// <param name="denominator">(16) in and out: sum of exp(score - maximum) so far, 0 at first.</param>
    /// <returns>What sums over earlier keys must be multiplied by, since the maximum has grown.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static Vector512<float> Update(float* scores, int allSee, int keys, float* maximum, float* denominator)
    {
        Mask(scores, allSee, keys, float.NegativeInfinity);
        Vector512<float> before = Vector512.Load(maximum);
        Vector512<float> after = Vector512.MaxNative(before, Largest(scores, keys));
        // Queries that have seen nothing but -Inf: exp(-Inf - 0) is 0, where exp(-Inf + Inf) would be NaN for good.
        Vector512<float> shift = Vector512.ConditionalSelect(
            Vector512.Equals(after, Vector512.Create(float.NegativeInfinity)), Vector512<float>.Zero, after);
        Vector512<float> sum = Weigh(scores, keys, shift);
        Vector512<float> correction = SoftmaxMath.Exp(before - shift);
        Vector512.FusedMultiplyAdd(Vector512.Load(denominator), correction, sum).Store(denominator);
        after.Store(maximum);
        return correction;
    }

    /// <summary>Turns 16 queries' scores into the weights of the forward pass, exp(score - logSumExp),
    /// and their gradients into those of the scores.</summary>
    /// <param name="weights">Scores in, weights out; those of keys that are not seen become 0, here and in <paramref name="dWeights"/>.</param>
    /// <param name="dWeights">Gradients of the weights in; out: weight * (dWeight - delta).</param>
    /// <param name="allSee">As in <see cref="Update"/>.</param>
    /// <param name="keys">As in <see cref="Update"/>.</param>
    /// <param name="logSumExp">As the forward pass wrote it.</param>
    /// <param name="delta">Sum over all keys of weight * dWeight.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Backward(
        float* weights, float* dWeights, int allSee, int keys, Vector512<float> logSumExp, Vector512<float> delta)
    {
        for (int i = 0; i < keys * Tile; i += Tile)
        {
            Vector512<float> weight = SoftmaxMath.Exp(Vector512.Load(weights + i) - logSumExp);
            weight.Store(weights + i);
            (weight * (Vector512.Load(dWeights + i) - delta)).Store(dWeights + i);
        }
        // Selected, not just multiplied by a weight of 0: what belongs to a key that is not seen may be NaN.
        Mask(weights, allSee, keys, 0);
        Mask(dWeights, allSee, keys, 0);
    }

    /// <summary>scores = exp(scores - shift); returns their sum over the keys.</summary>
    /// <remarks>A method of its own: where registers are narrower each operation is a call to be inlined,
    /// and one method has a budget of those.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static Vector512<float> Weigh(float* scores, int keys, Vector512<float> shift)
    {
        Vector512<float> sum = default;
        for (int i = 0; i < keys * Tile; i += Tile)
        {
            Vector512<float> weight = SoftmaxMath.Exp(Vector512.Load(scores + i) - shift);
            weight.Store(scores + i);
            sum += weight;
        }
        return sum;
    }

    private static void Mask(float* scores, int allSee, int keys, float unseen)
    {
        for (int key = allSee; key < keys; key++)
        {
            // Lane i is the query that sees the keys up to allSee + i.
            Vector512<float> sees = Vector512.GreaterThanOrEqual(Vector512<int>.Indices, Vector512.Create(key - allSee)).AsSingle();
            Vector512.ConditionalSelect(sees, Vector512.Load(scores + key * Tile), Vector512.Create(unseen)).Store(scores + key * Tile);
        }
    }

    /// <summary>The largest score of each lane. Whether a NaN counts does not matter: its weight is NaN, and so the whole row.</summary>
    private static Vector512<float> Largest(float* scores, int keys)
    {
        Vector512<float> even = Vector512.Create(float.NegativeInfinity), odd = even;
        int key = 0;
        for (; key + 1 < keys; key += 2)
        {
            even = Vector512.MaxNative(even, Vector512.Load(scores + key * Tile));
            odd = Vector512.MaxNative(odd, Vector512.Load(scores + (key + 1) * Tile));
        }
        if (key < keys)
            even = Vector512.MaxNative(even, Vector512.Load(scores + key * Tile));
        return Vector512.MaxNative(even, odd);
    }
}
