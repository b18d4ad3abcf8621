/* adamw.cu: one fused AdamW step over all tensors; folds in the clip coefficient and obeys the skip flag. With or without measuring.
 * @formula   m = b1 m + (1-b1) g; v = b2 v + (1-b2) g^2; p = (1 - lr wd) p - lr / (1-b1^t) * m / (sqrt(v) / sqrt(1-b2^t) + eps)
 * @entry     k_adamw            grid max(1, 8 * chunks)   block 256   shared 40 bytes
 * @entry     k_adamw_measured   grid max(1, chunks)       block 256   shared 376 bytes
 * @entry     k_update_final     grid ceil(tensors / 8)    block 256   shared 0 bytes
 * @buffer    chunks Chunk (C), tensors AdamWTensor (tensors), learning_rate f64 (1), clip ClipState (1) or null, norms TensorNorm
 *            (tensors) or null in; state AdamWState (1) in, out; ticket u32 (1) 0 between launches; gradients f32 (N) in; parameters, first and second moments f32 (N) in, out;
 *            partials UpdateSums (C) out of k_adamw_measured; updates UpdateSums (tensors) out of k_update_final
 * @numerics  scalars in f64, rounded to f32 once; elements in f32, each operation rounded as IGradientOps.AdamW says; equal bits on every
 *            GPU and on the CPU, but for the payload of NaNs; measured sums in f64, in the order that IGradientOps fixes
 * @nonfinite clip->skip leaves everything bit-identical, the step counter too, and measures an update of 0; else NaN and Inf propagate
 * @limits    N < 2^63; C < 2^28; pointers aligned to 4 bytes (16 gives the vector path, with the same bits)
 * @managed   Andrea.Cuda.Gradients.GradientKernels    @reference Andrea.Cpu.Reference.ReferenceBackend
 * @test      GradientParityTests
 * @source    arXiv:1711.05101; state on the device after apex's "capturable" (read, not copied)
 */
#include "gradients.cuh"

/* The scalars of one step for one tensor. */
struct Scalars {
    double coefficient;
    float beta1, beta2, rest1, rest2, epsilon, decay, minus_rate, root;
};

__device__ Scalars scalars_of(
    double beta1, double beta2, double epsilon, const AdamWState& before, const AdamWTensor& tensor, double learning_rate, double coefficient) {
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
    s.decay = __double2float_rn(__dsub_rn(1.0, __dmul_rn(rate, tensor.weight_decay)));
    s.minus_rate = __double2float_rn(-__ddiv_rn(rate, correction1));
    s.root = __double2float_rn(__ddiv_rn(1.0, __dsqrt_rn(correction2)));
    return s;
}

__device__ __forceinline__ float clipped(const Scalars& s, float g) { return s.coefficient != 1.0 ? scaled(g, s.coefficient) : g; }

/* g is clipped already. */
__device__ __forceinline__ void update_clipped(const Scalars& s, float g, float& p, float& m, float& v) {
    m = __fmaf_rn(s.beta1, m, __fmul_rn(s.rest1, g));
    v = __fmaf_rn(s.beta2, v, __fmul_rn(__fmul_rn(s.rest2, g), g));
    const float denominator = __fmaf_rn(__fsqrt_rn(v), s.root, s.epsilon);
    p = __fmaf_rn(s.minus_rate, __fdiv_rn(m, denominator), __fmul_rn(s.decay, p));
}

__device__ __forceinline__ void update(const Scalars& s, float g, float& p, float& m, float& v) {
    update_clipped(s, clipped(s, g), p, m, v);
}

/* Updates elements 0 to count - 1, shared among the block's threads. */
__device__ __forceinline__ void update_strip(
    const Scalars& s, const float* __restrict__ gradient, float* __restrict__ parameter, float* __restrict__ first_moment,
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
            update(s, g.x, p.x, m.x, v.x);
            update(s, g.y, p.y, m.y, v.y);
            update(s, g.z, p.z, m.z, v.z);
            update(s, g.w, p.w, m.w, v.w);
            *reinterpret_cast<float4*>(parameter + i) = p;
            *reinterpret_cast<float4*>(first_moment + i) = m;
            *reinterpret_cast<float4*>(second_moment + i) = v;
        }
    }
    for (int i = done + threadIdx.x; i < count; i += blockDim.x) {
        float p = parameter[i], m = first_moment[i], v = second_moment[i];
        update(s, gradient[i], p, m, v);
        parameter[i] = p;
        first_moment[i] = m;
        second_moment[i] = v;
    }
}

/* The block that finishes last moves the state on: by then all others have read it. */
__device__ void advance(AdamWState* state, const AdamWState& before, double beta1, double beta2, unsigned int* ticket) {
    __threadfence(); /* this block's read of the state comes before its ticket */
    if (atomicAdd(ticket, 1u) != gridDim.x - 1)
        return;
    *ticket = 0u;
    state->step = before.step + 1;
    state->beta1_power = __dmul_rn(before.beta1_power, beta1);
    state->beta2_power = __dmul_rn(before.beta2_power, beta2);
}

/* One block per strip. */
extern "C" __global__ void __launch_bounds__(256)
k_adamw(
    const Chunk* __restrict__ chunks, int chunk_count, const AdamWTensor* __restrict__ tensors, double beta1, double beta2, double epsilon,
    const double* __restrict__ learning_rate, AdamWState* state, const ClipState* __restrict__ clip, const TensorNorm* __restrict__ norms,
    unsigned int* ticket) {
    __shared__ Scalars scalars;
    if (clip != nullptr && clip->skip != 0)
        return;
    const int index = (int)(blockIdx.x / STRIPS), start = (int)(blockIdx.x % STRIPS) * STRIP_LENGTH;
    const int count = index < chunk_count ? min(chunks[index].length - start, STRIP_LENGTH) : 0;
    AdamWState before;
    if (threadIdx.x == 0) {
        before = *state;
        if (count > 0)
            scalars = scalars_of(
                beta1, beta2, epsilon, before, tensors[chunks[index].tensor], *learning_rate, norms == nullptr ? 1.0 : norms[chunks[index].tensor].coefficient);
    }
    __syncthreads(); /* the scalars are there before anyone uses them */
    if (count > 0) {
        const Chunk chunk = chunks[index];
        update_strip(
            scalars, in_global(chunk.gradient) + start, in_global(chunk.parameter) + start, in_global(chunk.first_moment) + start,
            in_global(chunk.second_moment) + start, count);
    }
    if (threadIdx.x == 0)
        advance(state, before, beta1, beta2, ticket);
}

/* The scalars of measuring: what v is multiplied by to correct its bias, and what v_hat is not let fall below. */
struct Measure {
    double correction, floor;
};

/* One of the sums in one lane: accumulators 4 * lane to 4 * lane + 3 of a strip. */
struct Quad {
    double a[4];
};

constexpr int SUMS = sizeof(UpdateSums) / sizeof(double);

struct StripSums {
    Quad weights, updates, ratios, second_moments, gradients;

    /* Each operation is rounded by itself; where a square is exact, a fused product rounds as the separate one would. */
    __device__ __forceinline__ void add(const Measure& measure, int k, float g, float before, float after, float v) {
        const double update = __dsub_rn((double)after, (double)before);
        const double v_hat = __dmul_rn((double)v, measure.correction), square = __dmul_rn((double)g, (double)g);
        weights.a[k] = __fma_rn((double)before, (double)before, weights.a[k]);
        updates.a[k] = __dadd_rn(updates.a[k], __dmul_rn(update, update));
        ratios.a[k] = __dadd_rn(ratios.a[k], __ddiv_rn(square, v_hat < measure.floor ? measure.floor : v_hat)); /* NaN stays NaN */
        second_moments.a[k] = __dadd_rn(second_moments.a[k], v_hat);
        gradients.a[k] = __dadd_rn(gradients.a[k], square);
    }
};

__device__ __forceinline__ double join_strip(const Quad& sum) { return join_strip(sum.a[0], sum.a[1], sum.a[2], sum.a[3]); }

/* Updates and measures elements 4 q to 4 q + 3 of a strip of count elements, those of them that there are. */
template <bool WHOLE>
__device__ __forceinline__ void update_quad(
    const Scalars& s, const Measure& measure, const float* __restrict__ gradient, float* __restrict__ parameter,
    float* __restrict__ first_moment, float* __restrict__ second_moment, int q, int count, StripSums& sums) {
    const float4 g = load_quad<WHOLE>(gradient, q, count), before = load_quad<WHOLE>(parameter, q, count);
    float4 p = before, m = load_quad<WHOLE>(first_moment, q, count), v = load_quad<WHOLE>(second_moment, q, count);
    const int rest = count - 4 * q;
    const float gx = clipped(s, g.x), gy = clipped(s, g.y), gz = clipped(s, g.z), gw = clipped(s, g.w);
    update_clipped(s, gx, p.x, m.x, v.x);
    update_clipped(s, gy, p.y, m.y, v.y);
    update_clipped(s, gz, p.z, m.z, v.z);
    update_clipped(s, gw, p.w, m.w, v.w);
    store_quad<WHOLE>(parameter, q, count, p);
    store_quad<WHOLE>(first_moment, q, count, m);
    store_quad<WHOLE>(second_moment, q, count, v);
    sums.add(measure, 0, gx, before.x, p.x, v.x);
    if (WHOLE || rest > 1)
        sums.add(measure, 1, gy, before.y, p.y, v.y);
    if (WHOLE || rest > 2)
        sums.add(measure, 2, gz, before.z, p.z, v.z);
    if (WHOLE || rest > 3)
        sums.add(measure, 3, gw, before.w, p.w, v.w);
}

/* One warp updates and measures one strip. Element i goes to accumulator i mod 128, i ascending. */
__device__ __forceinline__ void update_strip_measured(
    const Scalars& s, const Measure& measure, const float* __restrict__ gradient, float* __restrict__ parameter,
    float* __restrict__ first_moment, float* __restrict__ second_moment, int count, int lane, StripSums& sums) {
    int q = lane;
    if (aligned16(gradient) && aligned16(parameter) && aligned16(first_moment) && aligned16(second_moment)) {
#pragma unroll 1 /* five sums and a division in double fill the registers */
        for (; 4 * q + 4 <= count; q += WARP)
            update_quad<true>(s, measure, gradient, parameter, first_moment, second_moment, q, count, sums);
    }
#pragma unroll 1
    for (; 4 * q < count; q += WARP)
        update_quad<false>(s, measure, gradient, parameter, first_moment, second_moment, q, count, sums);
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

/* k_adamw's update with k_adamw's bits, measured on the way. One block per chunk, one warp per strip. */
extern "C" __global__ void __launch_bounds__(STRIPS * WARP)
k_adamw_measured(
    const Chunk* __restrict__ chunks, int chunk_count, const AdamWTensor* __restrict__ tensors, double beta1, double beta2, double epsilon,
    const double* __restrict__ learning_rate, AdamWState* state, const ClipState* __restrict__ clip, const TensorNorm* __restrict__ norms,
    unsigned int* ticket,
    UpdateSums* __restrict__ partials) {
    __shared__ Scalars scalars;
    __shared__ Measure measure;
    __shared__ double strip_sums[SUMS][STRIPS];
    const bool skip = clip != nullptr && clip->skip != 0;
    const int index = (int)blockIdx.x;
    AdamWState before;
    if (threadIdx.x == 0 && !skip) {
        before = *state;
        if (index < chunk_count) {
            scalars = scalars_of(
                beta1, beta2, epsilon, before, tensors[chunks[index].tensor], *learning_rate, norms == nullptr ? 1.0 : norms[chunks[index].tensor].coefficient);
            measure = {__ddiv_rn(1.0, __dsub_rn(1.0, __dmul_rn(before.beta2_power, beta2))), __dmul_rn(epsilon, epsilon)};
        }
    }
    __syncthreads(); /* the scalars are there before anyone uses them */
    if (index < chunk_count) {
        const int strip = threadIdx.x / WARP, lane = threadIdx.x % WARP, start = strip * STRIP_LENGTH;
        const Chunk chunk = chunks[index];
        const int count = min(chunk.length - start, STRIP_LENGTH);
        StripSums sums = {};
        if (skip)
            measure_skipped(in_global(chunk.parameter) + start, count, lane, sums);
        else
            update_strip_measured(
                scalars, measure, in_global(chunk.gradient) + start, in_global(chunk.parameter) + start, in_global(chunk.first_moment) + start,
                in_global(chunk.second_moment) + start, count, lane, sums);
        const double joined[SUMS] = {
            join_strip(sums.weights), join_strip(sums.updates), join_strip(sums.ratios), join_strip(sums.second_moments),
            join_strip(sums.gradients)};
        if (lane == 0) {
#pragma unroll
            for (int k = 0; k < SUMS; k++)
                strip_sums[k][strip] = joined[k];
        }
        __syncthreads(); /* every strip's sums are there before they are joined */
        if (threadIdx.x < SUMS)
            reinterpret_cast<double*>(partials + index)[threadIdx.x] = canonical(join_chunk(strip_sums[threadIdx.x]));
    }
    if (threadIdx.x == 0 && !skip)
        advance(state, before, beta1, beta2, ticket);
}

/* A warp per tensor joins its chunks. */
extern "C" __global__ void __launch_bounds__(256)
k_update_final(const int* __restrict__ first_chunks, int tensor_count, const UpdateSums* __restrict__ partials, UpdateSums* __restrict__ updates) {
    const int tensor = (int)(blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP), lane = threadIdx.x % WARP;
    if (tensor >= tensor_count)
        return;
    UpdateSums sums = {0.0, 0.0, 0.0, 0.0, 0.0};
    for (int chunk = first_chunks[tensor] + lane; chunk < first_chunks[tensor + 1]; chunk += WARP) {
        const UpdateSums partial = partials[chunk];
        sums.weights = __dadd_rn(sums.weights, partial.weights);
        sums.updates = __dadd_rn(sums.updates, partial.updates);
        sums.ratios = __dadd_rn(sums.ratios, partial.ratios);
        sums.second_moments = __dadd_rn(sums.second_moments, partial.second_moments);
        sums.gradients = __dadd_rn(sums.gradients, partial.gradients);
    }
    sums = {
        canonical(join_lanes(sums.weights)), canonical(join_lanes(sums.updates)), canonical(join_lanes(sums.ratios)),
        canonical(join_lanes(sums.second_moments)), canonical(join_lanes(sums.gradients))};
    if (lane == 0)
        updates[tensor] = sums;
}
