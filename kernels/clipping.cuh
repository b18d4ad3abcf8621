/* clipping.cuh: what the kernels of clipping share: sums of strips, and the coefficient. */
#pragma once
#include "gradients.cuh"

/* The largest of a warp's values, in lane 0. */
__device__ __forceinline__ unsigned int largest(unsigned int bits) {
#pragma unroll
    for (int half = WARP / 2; half > 0; half /= 2)
        bits = max(bits, __shfl_down_sync(ALL_LANES, bits, half));
    return bits;
}

template <bool Aligned>
__device__ __forceinline__ float4 load4(const float* __restrict__ values) {
    return Aligned ? *reinterpret_cast<const float4*>(values) : make_float4(values[0], values[1], values[2], values[3]);
}

/* The first count of four elements, which may be none; zeros for the others, which add nothing to a sum of squares. */
__device__ __forceinline__ float4 load_first(const float* __restrict__ values, int count) {
    return make_float4(
        count > 0 ? values[0] : 0.0f, count > 1 ? values[1] : 0.0f, count > 2 ? values[2] : 0.0f, count > 3 ? values[3] : 0.0f);
}

struct StripSum {
    double a0, a1, a2, a3; /* accumulators 4 * lane to 4 * lane + 3 */
    unsigned int max_bits;

    /* A float's square is exact in double, so the fused product rounds as the separate one would. */
    __device__ __forceinline__ void add(float4 g) {
        a0 = __fma_rn((double)g.x, (double)g.x, a0);
        a1 = __fma_rn((double)g.y, (double)g.y, a1);
        a2 = __fma_rn((double)g.z, (double)g.z, a2);
        a3 = __fma_rn((double)g.w, (double)g.w, a3);
        max_bits = max(max_bits, max(__float_as_uint(g.x) & MAGNITUDE_MASK, __float_as_uint(g.y) & MAGNITUDE_MASK));
        max_bits = max(max_bits, max(__float_as_uint(g.z) & MAGNITUDE_MASK, __float_as_uint(g.w) & MAGNITUDE_MASK));
    }

    /* Lane 0 holds the sum, in a0, and the largest bits. */
    __device__ __forceinline__ void join() {
        a0 = join_strip(a0, a1, a2, a3);
        max_bits = largest(max_bits);
    }
};

/* One warp sums one strip. Element i goes to accumulator i mod 128, i ascending. AHEAD loads are under way at a time, for each lane. */
template <bool Aligned, int AHEAD = 8>
__device__ __forceinline__ StripSum sum_strip(const float* __restrict__ values, int count, int lane) {
    constexpr int ROW = 4 * WARP;
    StripSum sum = {0.0, 0.0, 0.0, 0.0, 0u};
    int row = 0;
    for (; row + AHEAD * ROW <= count; row += AHEAD * ROW) {
        float4 g[AHEAD];
#pragma unroll
        for (int k = 0; k < AHEAD; k++)
            g[k] = load4<Aligned>(values + row + k * ROW + 4 * lane);
#pragma unroll
        for (int k = 0; k < AHEAD; k++)
            sum.add(g[k]);
    }
    for (; row + ROW <= count; row += ROW)
        sum.add(load4<Aligned>(values + row + 4 * lane));
    if (row < count)
        sum.add(load_first(values + row + 4 * lane, count - row - 4 * lane));
    sum.join();
    return sum;
}

/* Andrea.Backends.ClipDecision, line by line. */
__device__ __forceinline__ double raw_clip_coefficient(double norm, double max_norm, int torch_formula) {
    if (max_norm == __longlong_as_double(0x7ff0000000000000ll))
        return 1.0;
    if (torch_formula) {
        const float denominator = __fadd_rn(__double2float_rn(norm), ANDREA_TORCH_EPSILON);
        const float coefficient = __fmul_rn(__fdiv_rn(1.0f, denominator), __double2float_rn(max_norm));
        return coefficient > 1.0f ? 1.0 : (double)coefficient; /* NaN stays NaN */
    }
    return norm <= __dmul_rn(max_norm, ANDREA_CLIP_SLACK) ? 1.0 : __ddiv_rn(max_norm, norm);
}

__device__ __forceinline__ double clip_coefficient(double norm, double max_norm, int torch_formula) {
    return canonical(raw_clip_coefficient(norm, max_norm, torch_formula));
}
