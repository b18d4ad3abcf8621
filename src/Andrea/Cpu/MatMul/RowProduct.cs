using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Andrea.Cpu.MatMul;

/// <summary>A product whose left factor is one row: a token's way through a layer when text is generated. An index is a group of outputs.</summary>
/// <remarks>
/// Each weight is used once, so nothing is packed: lanes are turned in registers, and what counts is to keep memory busy.
/// The sums are those of <see cref="MatrixProduct{TKernel}"/>, bit for bit: generating token by token gives what a pass over the whole text gives.
/// </remarks>
internal unsafe struct RowProduct : IRangeWork
{
    private const int GroupLanes = 16;

    // Portions of at most 16 groups: 256 rows of weights, a megabyte or so.
    private const long LongestGrain = 16;

    private Product _product;

    /// <summary>Whether this can compute <paramref name="product"/>: one row, and right-hand lanes contiguous over k.</summary>
    public static bool Handles(in Product product) => product.Left.Lanes == 1 && product.Right.DepthStride == 1;

    /// <summary>Computes the product.</summary>
    public static void Run(in Product product, ThreadTeam team)
    {
        Debug.Assert(Handles(product), "one row and contiguous k");
        long groups = (product.Right.Lanes + GroupLanes - 1) / GroupLanes;
        var work = new RowProduct { _product = product };
        team.Run(ref work, groups, Math.Clamp(groups / (8L * team.ThreadCount), 1, LongestGrain));
    }

    public readonly void Run(long start, long end, int worker)
    {
        for (long group = start; group < end; group++)
            MultiplyGroup(_product, group * GroupLanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyGroup(in Product product, long first)
    {
        long lanes = Math.Min(GroupLanes, product.Right.Lanes - first);
        float* initial = product.Initial == null ? null : product.Initial + first;
        float* bias = product.Bias == null ? null : product.Bias + first;
        float* output = product.Output + first;
        float* weight = product.Right.Data + first * product.Right.LaneStride;
        long stride = product.Right.LaneStride;
        float* sums = stackalloc float[GroupLanes];
        for (long k = 0; k < product.Depth; k += Blocking.BlockDepth)
        {
            long depth = Math.Min(Blocking.BlockDepth, product.Depth - k);
            SumBlock(product.Left.Data + k, weight + k, stride, lanes, depth, weight + GroupLanes * (stride + k), sums);
            new TileTarget { Initial = initial, Bias = bias, Output = output }.WriteEdge(sums, GroupLanes, 1, lanes);
            initial = output;
            bias = null;
        }
        if (!product.Epilogue.IsNone)
            product.Epilogue.Apply(first, 0, 1, lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SumBlock(float* input, float* weight, long stride, long lanes, long depth, float* next, float* sums)
    {
        long done = lanes < GroupLanes ? 0 : depth & ~3;
        if (done == 0)
            new Span<float>(sums, GroupLanes).Clear();
        else if (Avx.IsSupported)
            SumSixteenByEight(input, weight, stride, done, next, sums);
        else
            SumSixteenByFour(input, weight, stride, done, sums);
        for (long lane = 0; lane < lanes; lane++)
            for (long k = done; k < depth; k++)
                sums[lane] = MathF.FusedMultiplyAdd(weight[lane * stride + k], input[k], sums[lane]);
    }

    /// <summary>While it sums, it asks for the next group's weights: 16 streams of one short row each are more than the hardware follows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SumSixteenByEight(float* input, float* weight, long stride, long depth, float* next, float* sums)
    {
        Vector256<float> low = default, high = default;
        for (long k = 0; k < depth; k += 4)
        {
            if ((k & 15) == 0)
                PrefetchKilobyte(next + GroupLanes * k);
            low = AddEight(low, input + k, weight + k, stride);
            high = AddEight(high, input + k, weight + 8 * stride + k, stride);
        }
        low.Store(sums);
        high.Store(sums + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SumSixteenByFour(float* input, float* weight, long stride, long depth, float* sums)
    {
        Vector128<float> a = default, b = default, c = default, d = default;
        for (long k = 0; k < depth; k += 4)
        {
            a = AddFour(a, input + k, weight + k, stride);
            b = AddFour(b, input + k, weight + 4 * stride + k, stride);
            c = AddFour(c, input + k, weight + 8 * stride + k, stride);
            d = AddFour(d, input + k, weight + 12 * stride + k, stride);
        }
        a.Store(sums);
        b.Store(sums + 4);
        c.Store(sums + 8);
        d.Store(sums + 12);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PrefetchKilobyte(float* start)
    {
        for (float* line = start; line < start + 256; line += 64)
        {
            Sse.Prefetch1(line);
            Sse.Prefetch1(line + 16);
            Sse.Prefetch1(line + 32);
            Sse.Prefetch1(line + 48);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> AddEight(Vector256<float> sum, float* input, float* weight, long stride)
    {
        Transposition.EightLanes(weight, stride, out Vector256<float> k0, out Vector256<float> k1, out Vector256<float> k2, out Vector256<float> k3);
        sum = Vector256.FusedMultiplyAdd(k0, Vector256.Create(input[0]), sum);
        sum = Vector256.FusedMultiplyAdd(k1, Vector256.Create(input[1]), sum);
        sum = Vector256.FusedMultiplyAdd(k2, Vector256.Create(input[2]), sum);
        return Vector256.FusedMultiplyAdd(k3, Vector256.Create(input[3]), sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> AddFour(Vector128<float> sum, float* input, float* weight, long stride)
    {
        Transposition.FourLanes(weight, stride, out Vector128<float> k0, out Vector128<float> k1, out Vector128<float> k2, out Vector128<float> k3);
        sum = Vector128.FusedMultiplyAdd(k0, Vector128.Create(input[0]), sum);
        sum = Vector128.FusedMultiplyAdd(k1, Vector128.Create(input[1]), sum);
        sum = Vector128.FusedMultiplyAdd(k2, Vector128.Create(input[2]), sum);
        return Vector128.FusedMultiplyAdd(k3, Vector128.Create(input[3]), sum);
    }
}
