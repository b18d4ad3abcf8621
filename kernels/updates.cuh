/* updates.cuh: the loops over parameters, gradients and moments that every update shares, with or without measuring. A rule says what is done
 * to one element: float update(g, p, m, v), which returns the gradient that entered the moments, and double second_moment(v), which is measured. */
#pragma once
#include "gradients.cuh"

/* AdamW's second moment after a step. */
__device__ __forceinline__ float second_moment_after(float beta2, float rest2, float g, float v) {
    return __fmaf_rn(beta2, v, __fmul_rn(__fmul_rn(rest2, g), g));
}

__device__ __forceinline__ bool skips(const ClipState* __restrict__ clip) { return clip != nullptr && clip->skip != 0; }

__device__ __forceinline__ double coefficient_of(const TensorNorm* __restrict__ norms, int tensor) {
    return norms == nullptr ? 1.0 : norms[tensor].coefficient;
}

/* AdamW's scalars of one step for one tensor. */
struct Scalars {
    double coefficient;
    float beta1, beta2, rest1, rest2, epsilon, decay, minus_rate, root;

    /* g is clipped already. */
    __device__ __forceinline__ void update_clipped(float g, float& p, float& m, float& v) const {
        m = __fmaf_rn(beta1, m, __fmul_rn(rest1, g));
        v = second_moment_after(beta2, rest2, g, v);
        const float denominator = __fmaf_rn(__fsqrt_rn(v), root, epsilon);
        p = __fmaf_rn(minus_rate, __fdiv_rn(m, denominator), __fmul_rn(decay, p));
    }

    __device__ __forceinline__ float clipped(float g) const { return coefficient != 1.0 ? scaled(g, coefficient) : g; }

    __device__ __forceinline__ float update(float g, float& p, float& m, float& v) const {
        const float c = clipped(g);
        update_clipped(c, p, m, v);
        return c;
    }

    __device__ __forceinline__ double second_moment(float v) const { return (double)v; }
};

__device__ __forceinline__ Scalars scalars_of(
    double beta1, double beta2, double epsilon, const AdamWState& before, const AdamWTensor& tensor, double learning_rate, double coefficient,
    double rate_scale = 1.0, double decay_scale = 1.0) {
    const double rate = __dmul_rn(learning_rate, tensor.learning_rate_scale);
    const double correction1 = __dsub_rn(1.0, __dmul_rn(before.beta1_power, beta1));
    const double correction2 = __dsub_rn(1.0, __dmul_rn(before.beta2_power, beta2));
    Scalars s;
    s.coefficient = coefficient;
    s.beta1 = __double2float_rn(beta1);
    s.beta2 = __double2float_rn(beta2);
    s.rest1 = __double2float_rn(__dsub_rn(1.0, beta1));
    s.rest2 = __double2float_rn(__dsub_rn(1.0, beta2));
    s.epsilon = __double2float_rn(epsilon);
    s.decay = __double2float_rn(__dsub_rn(1.0, __dmul_rn(__dmul_rn(rate, decay_scale), tensor.weight_decay)));
    s.minus_rate = __double2float_rn(-__ddiv_rn(__dmul_rn(rate, rate_scale), correction1));
    s.root = __double2float_rn(__ddiv_rn(1.0, __dsqrt_rn(correction2)));
    return s;
}

/* Updates elements 0 to count - 1, shared among the block's threads. */
template <class RULE>
__device__ __forceinline__ void update_strip(
    const RULE& rule, const float* __restrict__ gradient, float* __restrict__ parameter, float* __restrict__ first_moment,
    float* __restrict__ second_moment, int count) {
    int done = 0;
    if (aligned16(gradient) && aligned16(parameter) && aligned16(first_moment) && aligned16(second_moment)) {
        done = count / 4 * 4;
#pragma unroll 2
        for (int i = 4 * threadIdx.x; i < done; i += 4 * blockDim.x) {
            const float4 g = *reinterpret_cast<const float4*>(gradient + i);
            float4 p = *reinterpret_cast<float4*>(parameter + i);
            float4 m = *reinterpret_cast<float4*>(first_moment + i);
            float4 v = *reinterpret_cast<float4*>(second_moment + i);
            rule.update(g.x, p.x, m.x, v.x);
            rule.update(g.y, p.y, m.y, v.y);
            rule.update(g.z, p.z, m.z, v.z);
            rule.update(g.w, p.w, m.w, v.w);
            *reinterpret_cast<float4*>(parameter + i) = p;
            *reinterpret_cast<float4*>(first_moment + i) = m;
            *reinterpret_cast<float4*>(second_moment + i) = v;
        }
    }
    for (int i = done + threadIdx.x; i < count; i += blockDim.x) {
        float p = parameter[i], m = first_moment[i], v = second_moment[i];
        rule.update(gradient[i], p, m, v);
        parameter[i] = p;
        first_moment[i] = m;
        second_moment[i] = v;
    }
}

/* The block that finishes last moves the state on: by then all others have read it. */
__device__ __forceinline__ void advance(AdamWState* state, const AdamWState& before, double beta1, double beta2, unsigned int* ticket) {
    __threadfence(); /* this block's read of the state comes before its ticket */
    if (atomicAdd(ticket, 1u) != gridDim.x - 1)
        return;
    *ticket = 0u;
    state->step = before.step + 1;
    state->beta1_power = __dmul_rn(before.beta1_power, beta1);
    state->beta2_power = __dmul_rn(before.beta2_power, beta2);
}

/* The scalars of measuring: what v is multiplied by to correct its bias, and what v_hat is not let fall below. */
struct Measure {
    double correction, floor;
};

__device__ __forceinline__ Measure measure_of(const AdamWState& before, double beta2, double epsilon) {
    return {__ddiv_rn(1.0, __dsub_rn(1.0, __dmul_rn(before.beta2_power, beta2))), __dmul_rn(epsilon, epsilon)};
}

/* One of the sums in one lane: accumulators 4 * lane to 4 * lane + 3 of a strip. */
struct Quad {
    double a[4];
};

constexpr int SUMS = sizeof(UpdateSums) / sizeof(double);

struct StripSums {
    Quad weights, updates, ratios, second_moments, gradients;

    /* Each operation is rounded by itself; where a square is exact, a fused product rounds as the separate one would. */
    __device__ __forceinline__ void add(const Measure& measure, int k, float g, float before, float after, double v) {
        const double update = __dsub_rn((double)after, (double)before);
        const double v_hat = __dmul_rn(v, measure.correction), square = __dmul_rn((double)g, (double)g);
        weights.a[k] = __fma_rn((double)before, (double)before, weights.a[k]);
        updates.a[k] = __dadd_rn(updates.a[k], __dmul_rn(update, update));
        ratios.a[k] = __dadd_rn(ratios.a[k], __ddiv_rn(square, v_hat < measure.floor ? measure.floor : v_hat)); /* NaN stays NaN */
        second_moments.a[k] = __dadd_rn(second_moments.a[k], v_hat);
        gradients.a[k] = __dadd_rn(gradients.a[k], square);
    }
};

__device__ __forceinline__ double join_strip(const Quad& sum) { return join_strip(sum.a[0], sum.a[1], sum.a[2], sum.a[3]); }

/* Updates and measures elements 4 q to 4 q + 3 of a strip of count elements, those of them that there are. */
template <bool WHOLE, class RULE>
__device__ __forceinline__ void update_quad(
    const RULE& rule, const Measure& measure, const float* __restrict__ gradient, float* __restrict__ parameter,
    float* __restrict__ first_moment, float* __restrict__ second_moment, int q, int count, StripSums& sums) {
    const float4 g = load_quad<WHOLE>(gradient, q, count), before = load_quad<WHOLE>(parameter, q, count);
    float4 p = before, m = load_quad<WHOLE>(first_moment, q, count), v = load_quad<WHOLE>(second_moment, q, count);
    const int rest = count - 4 * q;
    const float gx = rule.update(g.x, p.x, m.x, v.x), gy = rule.update(g.y, p.y, m.y, v.y);
    const float gz = rule.update(g.z, p.z, m.z, v.z), gw = rule.update(g.w, p.w, m.w, v.w);
    store_quad<WHOLE>(parameter, q, count, p);
    store_quad<WHOLE>(first_moment, q, count, m);
    store_quad<WHOLE>(second_moment, q, count, v);
    sums.add(measure, 0, gx, before.x, p.x, rule.second_moment(v.x));
    if (WHOLE || rest > 1)
        sums.add(measure, 1, gy, before.y, p.y, rule.second_moment(v.y));
    if (WHOLE || rest > 2)
        sums.add(measure, 2, gz, before.z, p.z, rule.second_moment(v.z));
    if (WHOLE || rest > 3)
        sums.add(measure, 3, gw, before.w, p.w, rule.second_moment(v.w));
}

/* One warp updates and measures one strip. Element i goes to accumulator i mod 128, i ascending. */
template <class RULE>
__device__ __forceinline__ void update_strip_measured(
    const RULE& rule, const Measure& measure, const float* __restrict__ gradient, float* __restrict__ parameter,
    float* __restrict__ first_moment, float* __restrict__ second_moment, int count, int lane, StripSums& sums) {
    int q = lane;
    if (aligned16(gradient) && aligned16(parameter) && aligned16(first_moment) && aligned16(second_moment)) {
#pragma unroll 1 /* five sums and a division in double fill the registers */
        for (; 4 * q + 4 <= count; q += WARP)
            update_quad<true>(rule, measure, gradient, parameter, first_moment, second_moment, q, count, sums);
    }
#pragma unroll 1
    for (; 4 * q < count; q += WARP)
        update_quad<false>(rule, measure, gradient, parameter, first_moment, second_moment, q, count, sums);
}

/* A skipped step updates nothing, so the parameters' norm is all there is to measure. */
__device__ __forceinline__ void measure_skipped(const float* __restrict__ parameter, int count, int lane, StripSums& sums) {
    for (int q = lane; 4 * q < count; q += WARP) {
        const float4 p = load_quad<false>(parameter, q, count); /* zeros for what is missing add nothing */
        sums.weights.a[0] = __fma_rn((double)p.x, (double)p.x, sums.weights.a[0]);
        sums.weights.a[1] = __fma_rn((double)p.y, (double)p.y, sums.weights.a[1]);
        sums.weights.a[2] = __fma_rn((double)p.z, (double)p.z, sums.weights.a[2]);
        sums.weights.a[3] = __fma_rn((double)p.w, (double)p.w, sums.weights.a[3]);
    }
    sums.ratios.a[0] = sums.second_moments.a[0] = sums.gradients.a[0] = canonical_nan();
}

/* Updates a chunk, a warp per strip, and measures it; of a skipped step, the parameters alone. `strip_sums` is shared memory. */
template <class RULE>
__device__ __forceinline__ void update_chunk_measured(
    const RULE& rule, const Measure& measure, const Chunk& chunk, bool skip, double (*strip_sums)[STRIPS], UpdateSums* __restrict__ partial) {
    const int strip = threadIdx.x / WARP, lane = threadIdx.x % WARP, start = strip * STRIP_LENGTH;
    const int count = min(chunk.length - start, STRIP_LENGTH);
    StripSums sums = {};
    if (skip)
        measure_skipped(in_global(chunk.parameter) + start, count, lane, sums);
    else
        update_strip_measured(
            rule, measure, in_global(chunk.gradient) + start, in_global(chunk.parameter) + start, in_global(chunk.first_moment) + start,
            in_global(chunk.second_moment) + start, count, lane, sums);
    const double joined[SUMS] = {
        join_strip(sums.weights), join_strip(sums.updates), join_strip(sums.ratios), join_strip(sums.second_moments), join_strip(sums.gradients)};
    if (lane == 0) {
#pragma unroll
        for (int k = 0; k < SUMS; k++)
            strip_sums[k][strip] = joined[k];
    }
    __syncthreads(); /* every strip's sums are there before they are joined */
    if (threadIdx.x < SUMS)
        reinterpret_cast<double*>(partial)[threadIdx.x] = canonical(join_chunk(strip_sums[threadIdx.x]));
}
