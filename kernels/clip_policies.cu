/* clip_policies.cu: what clip policies do between k_grad_norm_final, which then only measures, and AdamW.
 * @formula   per tensor: c = max / norm, above max; ZClip: z = (norm - mu) / (sigma + eps), above z0: c = (mu + z0 sigma z0 / z) / norm;
 *            AdaGC: c = factor gamma / norm, above factor gamma; value: g = clamp(g, -limit, limit);
 *            AGC: g *= factor max(|p|, eps) / |g|, of a unit, above it
 * @entry     k_clip_per_tensor    grid 1                 block 1024   shared 0 bytes
 * @entry     k_clip_zclip         grid 1                 block 1024   shared 8 bytes
 * @entry     k_clip_adagc         grid 1                 block 1024   shared 0 bytes
 * @entry     k_grad_clamp         grid chunks            block 256    shared 96 bytes
 * @entry     k_grad_agc           grid ceil(units / 8)   block 256    shared 0 bytes
 * @entry     k_clip_parts_final   grid 1                 block 1024   shared 0 bytes
 * @buffer    norms TensorNorm (tensors), state ClipState (1), memory ZClipState (1), warmup f64 (warm-up steps), steps i64 (1),
 *            running_norms f64 (tensors) in, out; chunks Chunk (C), partials ChunkPartial (C), units AgcTensor (tensors + 1), parameters f32
 *            (N) in; gradients f32 (N) in, out; parts ClippedPart (chunks or units) out, in of k_clip_parts_final
 * @numerics  f64, each operation rounded by itself; sums in the order that IClipPolicyOps fixes; equal bits on every GPU and on the CPU
 * @nonfinite state->skip leaves everything bit-identical; non-finite norms never reach what a policy remembers; else they propagate
 * @limits    units < 2^31; N < 2^63; pointers aligned to 4 bytes (16 gives the vector path, with the same bits)
 * @managed   Andrea.Cuda.Gradients.ClipPolicyKernels    @reference Andrea.Backends.ClipPolicyRules
 * @test      ClipPolicyParityTests
 * @source    arXiv:2504.02507, 2502.11034, 2102.06171
 */
#include "clipping.cuh"

/* 1 - 2^-53: what is left of a norm, at most, when something was clipped. */
__device__ __forceinline__ double below_one() { return __longlong_as_double(0x3fefffffffffffffll); }

/* Times the squared mean: the variance of a millionth of a millionth of the mean, which is what rounding alone makes of equal norms. */
#define ROUNDING_VARIANCE 1e-24

__device__ __forceinline__ void apply(double coefficient, TensorNorm* norm) {
    norm->coefficient = coefficient;
    norm->norm_after = canonical(__dmul_rn(coefficient, norm->norm));
}

/* Rounding must not hide that something was clipped: the ratio of what this returns to what was before never rounds to 1. */
__device__ __forceinline__ double after_change(double after, double before) {
    const double most = __dmul_rn(before, below_one());
    return after > most ? most : after;
}

/* Threads have applied one coefficient to all tensors; one thread calls this. */
__device__ void settle_uniform(double coefficient, ClipState* state) {
    state->coefficient = coefficient;
    state->norm_after = canonical(__dmul_rn(coefficient, state->norm));
    if (coefficient != 1.0)
        state->clipped_calls++;
}

/* From what has become of the tensors to what has become of all. One warp, after all have been written. */
__device__ void settle(const TensorNorm* norms, int tensor_count, ClipState* state, int lane) {
    double sum = 0.0;
    bool changed = false;
    for (int tensor = lane; tensor < tensor_count; tensor += WARP) {
        const double after = norms[tensor].norm_after;
        changed |= norms[tensor].coefficient != 1.0 || __double_as_longlong(after) != __double_as_longlong(norms[tensor].norm);
        sum = __dadd_rn(sum, __dmul_rn(after, after));
    }
    sum = join_lanes(sum);
    if (!__any_sync(ALL_LANES, changed) || lane != 0)
        return;
    const double before = state->norm, after = after_change(canonical(__dsqrt_rn(sum)), before);
    state->norm_after = after;
    state->coefficient = before == 0.0 ? 0.0 : canonical(__ddiv_rn(after, before));
    state->clipped_calls++;
}

extern "C" __global__ void __launch_bounds__(1024)
k_clip_per_tensor(double max_norm, int torch_formula, int tensor_count, TensorNorm* norms, ClipState* state) {
    if (state->skip != 0)
        return;
    for (int tensor = threadIdx.x; tensor < tensor_count; tensor += blockDim.x)
        apply(clip_coefficient(norms[tensor].norm, max_norm, torch_formula), norms + tensor);
    __syncthreads(); /* every tensor's coefficient is there before they are looked at together */
    if (threadIdx.x < WARP)
        settle(norms, tensor_count, state, threadIdx.x);
}

/* Mean and variance of the warm-up's norms, one after the other. */
__device__ void begin_zclip(const double* warmup, int count, ZClipState* memory) {
    double sum = 0.0, squares = 0.0;
    for (int i = 0; i < count; i++)
        sum = __dadd_rn(sum, warmup[i]);
    const double mean = __ddiv_rn(sum, (double)count);
    for (int i = 0; i < count; i++) {
        const double distance = __dsub_rn(warmup[i], mean);
        squares = __dadd_rn(squares, __dmul_rn(distance, distance));
    }
    memory->mean = mean;
    memory->variance = __ddiv_rn(squares, (double)count);
}

/* Takes a finite norm in, and says what it must not exceed. Andrea.Backends.ClipPolicyRules, line by line. */
__device__ double observe_zclip(
    double max_norm, double threshold, double decay, double epsilon, int warmup_steps, double norm, ZClipState* memory, double* warmup) {
    /* Gradients of zeros, of tensors that are away or dead, say nothing about those to come. */
    if (norm == 0.0)
        return max_norm;
    /* With such a mean and variance, every larger norm would be brought back to the mean for ever. */
    const double rounding = __dmul_rn(__dmul_rn(ROUNDING_VARIANCE, memory->mean), memory->mean);
    if (memory->count >= warmup_steps && !(memory->mean > 0.0 && memory->variance > rounding))
        memory->count = 0;
    if (memory->count < warmup_steps) {
        warmup[memory->count++] = norm;
        if (memory->count == warmup_steps)
            begin_zclip(warmup, warmup_steps, memory);
        return max_norm;
    }
    memory->count++;
    const double deviation = __dsqrt_rn(memory->variance);
    const double z = __ddiv_rn(__dsub_rn(norm, memory->mean), __dadd_rn(deviation, epsilon));
    double limit = max_norm, observed = norm;
    if (z > threshold) {
        observed = __dadd_rn(memory->mean, __ddiv_rn(__dmul_rn(threshold, deviation), __ddiv_rn(z, threshold)));
        limit = observed < max_norm ? observed : max_norm;
    }
    const double rest = __dsub_rn(1.0, decay);
    memory->mean = __dadd_rn(__dmul_rn(decay, memory->mean), __dmul_rn(rest, observed));
    const double distance = __dsub_rn(observed, memory->mean);
    memory->variance = __dadd_rn(__dmul_rn(decay, memory->variance), __dmul_rn(rest, __dmul_rn(distance, distance)));
    return limit;
}

extern "C" __global__ void __launch_bounds__(1024)
k_clip_zclip(
    double max_norm, int torch_formula, double threshold, double decay, double epsilon, int warmup_steps, int tensor_count, TensorNorm* norms,
    ClipState* state, ZClipState* memory, double* warmup) {
    __shared__ double coefficient;
    if (state->skip != 0)
        return;
    if (threadIdx.x == 0) {
        const double limit = state->non_finite_count > 0
            ? max_norm
            : observe_zclip(max_norm, threshold, decay, epsilon, warmup_steps, state->norm, memory, warmup);
        coefficient = clip_coefficient(state->norm, limit, torch_formula);
        settle_uniform(coefficient, state);
    }
    __syncthreads(); /* the coefficient is there before it is given to the tensors */
    for (int tensor = threadIdx.x; tensor < tensor_count; tensor += blockDim.x)
        apply(coefficient, norms + tensor);
}

extern "C" __global__ void __launch_bounds__(1024)
k_clip_adagc(
    double max_norm, int torch_formula, double factor, double decay, int warmup_steps, int tensor_count, TensorNorm* norms, ClipState* state,
    long long* steps, double* running_norms) {
    if (state->skip != 0)
        return;
    const bool finite = state->non_finite_count == 0, warmup = *steps < warmup_steps;
    const double joint = clip_coefficient(state->norm, max_norm, torch_formula), rest = __dsub_rn(1.0, decay);
    for (int tensor = threadIdx.x; tensor < tensor_count; tensor += blockDim.x) {
        const double running = running_norms[tensor];
        apply(
            warmup || running == 0.0 ? joint : clip_coefficient(norms[tensor].norm, __dmul_rn(factor, running), torch_formula),
            norms + tensor);
        const double after = norms[tensor].norm_after;
        /* A tensor without a gradient, be it away or dead, says nothing about its next one. */
        if (!finite || after == 0.0)
            continue;
        running_norms[tensor] = running == 0.0 ? after
            : warmup ? (after < running ? after : running)
            : __dadd_rn(__dmul_rn(decay, running), __dmul_rn(rest, after));
    }
    __syncthreads(); /* every tensor's coefficient is there, and all have read what is changed below */
    if (threadIdx.x == 0 && finite)
        ++*steps;
    if (warmup && threadIdx.x == 0)
        settle_uniform(joint, state);
    else if (!warmup && threadIdx.x < WARP)
        settle(norms, tensor_count, state, threadIdx.x);
}

__device__ __forceinline__ float clamped(float g, float limit, bool& changed) {
    if (!(fabsf(g) > limit))
        return g; /* NaN, too */
    changed = true;
    return copysignf(limit, g);
}

/* One warp clamps one strip, and sums it. Element i goes to accumulator i mod 128, i ascending. */
template <bool WHOLE>
__device__ __forceinline__ StripSum clamp_strip(float* values, int count, float limit, int lane, bool& changed) {
    StripSum sum = {0.0, 0.0, 0.0, 0.0, 0u};
    int q = lane;
    for (; 4 * q < count; q += WARP) {
        const bool whole = WHOLE && 4 * q + 4 <= count;
        float4 g = whole ? load_quad<true>(values, q, count) : load_quad<false>(values, q, count);
        bool over = false;
        g = make_float4(clamped(g.x, limit, over), clamped(g.y, limit, over), clamped(g.z, limit, over), clamped(g.w, limit, over));
        if (over && whole)
            store_quad<true>(values, q, count, g);
        else if (over)
            store_quad<false>(values, q, count, g);
        changed |= over;
        sum.add(g);
    }
    sum.join();
    return sum;
}

/* One block per chunk, one warp per strip. A chunk whose largest magnitude is within the limit is not read. */
extern "C" __global__ void __launch_bounds__(STRIPS * WARP)
k_grad_clamp(
    const Chunk* __restrict__ chunks, const ChunkPartial* __restrict__ partials, float limit, const ClipState* __restrict__ state,
    ClippedPart* __restrict__ parts) {
    __shared__ double strip_sums[STRIPS];
    __shared__ int strip_changed[STRIPS];
    const ChunkPartial& partial = partials[blockIdx.x];
    if (state->skip != 0)
        return;
    if (partial.max_magnitude_bits <= __float_as_uint(limit)) {
        if (threadIdx.x == 0)
            parts[blockIdx.x] = {partial.sum_of_squares, 0};
        return;
    }
    const int strip = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    float* values = in_global(chunks[blockIdx.x].gradient) + strip * STRIP_LENGTH;
    const int count = min(max(chunks[blockIdx.x].length - strip * STRIP_LENGTH, 0), STRIP_LENGTH);
    bool changed = false;
    const StripSum sum = aligned16(values) ? clamp_strip<true>(values, count, limit, lane, changed) : clamp_strip<false>(values, count, limit, lane, changed);
    changed = __any_sync(ALL_LANES, changed);
    if (lane == 0) {
        strip_sums[strip] = sum.a0;
        strip_changed[strip] = changed ? 1 : 0;
    }
    __syncthreads(); /* every warp's sum is there before they are joined */
    if (threadIdx.x != 0)
        return;
    int any = 0;
    for (int k = 0; k < STRIPS; k++)
        any |= strip_changed[k];
    parts[blockIdx.x] = {any != 0 ? canonical(join_chunk(strip_sums)) : partial.sum_of_squares, any};
}

/* The norm of a unit, in all lanes: strips of 8,192, one after the other. */
__device__ __forceinline__ double unit_norm(const float* __restrict__ values, long long length, int lane) {
    double sum = 0.0;
    for (long long start = 0; start < length; start += STRIP_LENGTH) {
        const float* strip = values + start;
        const int count = (int)min(length - start, (long long)STRIP_LENGTH);
        /* Four loads ahead, not eight: registers are few. */
        sum = __dadd_rn(sum, aligned16(strip) ? sum_strip<true, 4>(strip, count, lane).a0 : sum_strip<false, 4>(strip, count, lane).a0);
    }
    return canonical(__dsqrt_rn(__shfl_sync(ALL_LANES, sum, 0)));
}

__device__ __forceinline__ void scale_unit(float* values, long long length, double coefficient, int lane) {
    long long done = 0;
    if (aligned16(values)) {
        done = length / 4 * 4;
        for (long long i = 4 * lane; i < done; i += 4 * WARP) {
            float4* place = reinterpret_cast<float4*>(values + i);
            const float4 g = *place;
            *place = make_float4(scaled(g.x, coefficient), scaled(g.y, coefficient), scaled(g.z, coefficient), scaled(g.w, coefficient));
        }
    }
    for (long long i = done + lane; i < length; i += WARP)
        values[i] = scaled(values[i], coefficient);
}

/* The tensor that a unit is of: the first whose successor begins after it. */
__device__ __forceinline__ int tensor_of(const AgcTensor* __restrict__ units, int tensor_count, int unit) {
    int low = 0, high = tensor_count - 1;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (units[middle + 1].first_unit > unit)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* A warp per unit. */
extern "C" __global__ void __launch_bounds__(256)
k_grad_agc(
    const Chunk* __restrict__ chunks, const int* __restrict__ first_chunks, const AgcTensor* __restrict__ units, int tensor_count, double factor,
    double epsilon, const ClipState* __restrict__ state, ClippedPart* __restrict__ parts) {
    const long long index = (long long)blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP;
    if (state->skip != 0 || index >= units[tensor_count].first_unit)
        return;
    const int unit = (int)index, lane = threadIdx.x % WARP, tensor = tensor_of(units, tensor_count, unit);
    const Chunk chunk = chunks[first_chunks[tensor]];
    double squares = 0.0, coefficient = 1.0;
    if (chunk.length != 0) {
        const long long length = units[tensor].unit_length, offset = (unit - units[tensor].first_unit) * length;
        float* gradient = in_global(chunk.gradient) + offset;
        double norm = 0.0, parameter = 0.0;
#pragma unroll 1 /* once in the code, for registers are few */
        for (int turn = 0; turn < 2; turn++) {
            parameter = norm;
            norm = unit_norm((turn == 0 ? in_global(chunk.parameter) : in_global(chunk.gradient)) + offset, length, lane);
        }
        coefficient = clip_coefficient(norm, __dmul_rn(factor, parameter > epsilon ? parameter : epsilon), 0);
        const double after = __dmul_rn(coefficient, norm);
        squares = canonical(__dmul_rn(after, after));
        __syncwarp(); /* all lanes have read the unit before one changes it */
        if (coefficient != 1.0)
            scale_unit(gradient, length, coefficient, lane);
    }
    if (lane == 0)
        parts[unit] = {squares, coefficient == 1.0 ? 0 : 1};
}

/* A warp per tensor joins its parts; then one warp joins the tensors. */
extern "C" __global__ void __launch_bounds__(1024)
k_clip_parts_final(const int* __restrict__ first_parts, const ClippedPart* __restrict__ parts, int tensor_count, TensorNorm* norms, ClipState* state) {
    if (state->skip != 0)
        return;
    const int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP, warps = blockDim.x / WARP;
    for (int tensor = warp; tensor < tensor_count; tensor += warps) {
        double sum = 0.0;
        bool changed = false;
        for (int part = first_parts[tensor] + lane; part < first_parts[tensor + 1]; part += WARP) {
            sum = __dadd_rn(sum, parts[part].sum_of_squares);
            changed |= parts[part].changed != 0;
        }
        sum = join_lanes(sum);
        if (__any_sync(ALL_LANES, changed) && lane == 0)
            norms[tensor].norm_after = after_change(canonical(__dsqrt_rn(sum)), norms[tensor].norm);
    }
    __syncthreads(); /* every tensor's norm is there before they are looked at together */
    if (threadIdx.x < WARP)
        settle(norms, tensor_count, state, threadIdx.x);
}
