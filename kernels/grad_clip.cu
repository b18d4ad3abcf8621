/* grad_clip.cu: global L2-norm gradient clipping, three kernels in order on one stream.
 * @formula   norm = sqrt(sum g[i]^2); c = norm > max ? max / norm : 1; g[i] = (float)(g[i] * c)
 * @entry     k_grad_norm_partial   grid chunks       block 256    shared 104 bytes
 * @entry     k_grad_norm_final     grid 1            block 1024   shared 16 bytes
 * @entry     k_grad_scale          grid 8 * chunks   block 256    shared 0 bytes
 * @buffer    chunks Chunk (C) in; gradients f32 (N) in, out of k_grad_scale; partials ChunkPartial (C); norms TensorNorm (tensors)
 *            out, in of k_grad_scale; state ClipState (1) in, out
 * @numerics  squares and sums in f64, in the order that IGradientOps fixes; equal bits on every GPU and on the CPU
 * @nonfinite counted per chunk; the decision is k_grad_norm_final's
 * @limits    N < 2^63; C < 2^28; pointers aligned to 4 bytes (16 gives the vector path, with the same bits)
 * @managed   Andrea.Cuda.Gradients.GradientKernels    @reference Andrea.Cpu.Reference.ReferenceBackend
 * @test      GradientParityTests
 * @source    arXiv:1211.5063; partial sums per block after llm.c, apex (read, not copied)
 */
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

/* One warp sums one strip. Element i goes to accumulator i mod 128, i ascending. */
template <bool Aligned>
__device__ __forceinline__ StripSum sum_strip(const float* __restrict__ values, int count, int lane) {
    constexpr int ROW = 4 * WARP;
    constexpr int AHEAD = 8; /* loads under way at a time, for each lane */
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

/* Counts NaN and Inf, and finds the first. Rare, so a second pass over the chunk; whole numbers, so atomics keep the result exact. */
__device__ void describe_non_finite(const float* __restrict__ values, int length, int* count, int* first) {
    if (threadIdx.x == 0) {
        *count = 0;
        *first = length;
    }
    __syncthreads(); /* the counters are set before any thread adds to them */
    for (int i = threadIdx.x; i < length; i += blockDim.x) {
        if ((__float_as_uint(values[i]) & MAGNITUDE_MASK) >= INFINITY_BITS) {
            atomicAdd(count, 1);
            atomicMin(first, i);
        }
    }
    __syncthreads(); /* all threads have added before one reads */
}

/* One block per chunk, one warp per strip. */
extern "C" __global__ void __launch_bounds__(STRIPS * WARP)
k_grad_norm_partial(const Chunk* __restrict__ chunks, ChunkPartial* __restrict__ partials) {
    __shared__ double strip_sums[STRIPS];
    __shared__ unsigned int strip_bits[STRIPS];
    __shared__ int counters[2];
    const float* __restrict__ values = in_global(chunks[blockIdx.x].gradient);
    const int length = chunks[blockIdx.x].length;
    const int strip = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    const int count = min(max(length - strip * STRIP_LENGTH, 0), STRIP_LENGTH);
    const float* strip_values = values + strip * STRIP_LENGTH;
    const StripSum sum = aligned16(values) ? sum_strip<true>(strip_values, count, lane) : sum_strip<false>(strip_values, count, lane);
    if (lane == 0) {
        strip_sums[strip] = sum.a0;
        strip_bits[strip] = sum.max_bits;
    }
    __syncthreads(); /* every warp's sum is there before they are joined */
    unsigned int max_bits = 0;
    for (int k = 0; k < STRIPS; k++)
        max_bits = max(max_bits, strip_bits[k]);
    const bool finite = max_bits < INFINITY_BITS; /* the same for all threads of the block */
    if (!finite)
        describe_non_finite(values, length, &counters[0], &counters[1]);
    if (threadIdx.x != 0)
        return;
    ChunkPartial partial = {join_chunk(strip_sums), max_bits, 0, -1, 0};
    if (!finite) {
        const bool any_nan = max_bits > INFINITY_BITS;
        partial.sum_of_squares = any_nan ? canonical_nan() : __longlong_as_double(0x7ff0000000000000ll);
        partial.max_magnitude_bits = any_nan ? CANONICAL_NAN_BITS : INFINITY_BITS;
        partial.non_finite_count = counters[0];
        partial.first_non_finite = counters[1];
    }
    partials[blockIdx.x] = partial;
}

/* What several chunks together say, besides their sums: those of a tensor, or all. Whole numbers: any order gives the same. */
struct Findings {
    unsigned long long non_finite_count;
    unsigned int first_bad_chunk;
    unsigned int max_bits;
};

constexpr unsigned int NO_CHUNK = 0xffffffffu;

/* Sum of the tensor's chunks, dealt to the lanes of a warp; lane 0 gets it, and what they say besides. */
__device__ __forceinline__ double sum_tensor(const ChunkPartial* __restrict__ partials, int first, int end, int lane, Findings& findings) {
    double sum = 0.0;
    findings = {0ull, NO_CHUNK, 0u};
    for (int chunk = first + lane; chunk < end; chunk += WARP) {
        const ChunkPartial partial = partials[chunk];
        sum = __dadd_rn(sum, partial.sum_of_squares);
        findings.max_bits = max(findings.max_bits, partial.max_magnitude_bits);
        if (partial.non_finite_count != 0) {
            findings.non_finite_count += (unsigned long long)partial.non_finite_count;
            findings.first_bad_chunk = min(findings.first_bad_chunk, (unsigned int)chunk);
        }
    }
    findings.max_bits = largest(findings.max_bits);
    if (__any_sync(ALL_LANES, findings.non_finite_count != 0)) {
        for (int half = WARP / 2; half > 0; half /= 2) {
            findings.non_finite_count += __shfl_down_sync(ALL_LANES, findings.non_finite_count, half);
            findings.first_bad_chunk = min(findings.first_bad_chunk, __shfl_down_sync(ALL_LANES, findings.first_bad_chunk, half));
        }
    }
    return join_lanes(sum);
}

__device__ __forceinline__ void add_findings(Findings* all, const Findings& found) {
    atomicMax(&all->max_bits, found.max_bits);
    if (found.non_finite_count == 0)
        return;
    atomicAdd(&all->non_finite_count, found.non_finite_count);
    atomicMin(&all->first_bad_chunk, found.first_bad_chunk);
}

/* Where within its tensor a chunk that has NaN or Inf has the first. */
__device__ __forceinline__ long long first_bad_index(
    const Chunk* __restrict__ chunks, const ChunkPartial* __restrict__ partials, const Findings& found) {
    return found.non_finite_count == 0 ? -1 : chunks[found.first_bad_chunk].start + partials[found.first_bad_chunk].first_non_finite;
}

/* Andrea.Backends.ClipDecision, line by line. */
__device__ double clip_coefficient(double norm, double max_norm, int torch_formula) {
    if (max_norm == __longlong_as_double(0x7ff0000000000000ll))
        return 1.0;
    if (torch_formula) {
        const float denominator = __fadd_rn(__double2float_rn(norm), ANDREA_TORCH_EPSILON);
        const float coefficient = __fmul_rn(__fdiv_rn(1.0f, denominator), __double2float_rn(max_norm));
        return coefficient > 1.0f ? 1.0 : (double)coefficient; /* NaN stays NaN */
    }
    return norm <= __dmul_rn(max_norm, ANDREA_CLIP_SLACK) ? 1.0 : __ddiv_rn(max_norm, norm);
}

__device__ void decide(ClipState* state, double max_norm, int torch_formula, int skip_non_finite) {
    const bool skip = state->non_finite_count > 0 && skip_non_finite;
    state->coefficient = skip ? 1.0 : canonical(clip_coefficient(state->norm, max_norm, torch_formula));
    state->skip = skip ? 1 : 0;
    state->consecutive_skips = skip ? state->consecutive_skips + 1 : 0;
    state->calls++;
    if (state->coefficient != 1.0)
        state->clipped_calls++;
    if (skip)
        state->skipped_calls++;
}

/* One block. A warp per tensor joins its chunks; then one warp joins the tensors. What is known of each tensor costs no read of g. */
extern "C" __global__ void __launch_bounds__(1024)
k_grad_norm_final(
    const Chunk* __restrict__ chunks, const int* __restrict__ first_chunks, int tensor_count, const ChunkPartial* __restrict__ partials,
    double max_norm, int torch_formula, int skip_non_finite, TensorNorm* tensor_norms, ClipState* state) {
    __shared__ Findings findings;
    const int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP, warps = blockDim.x / WARP;
    if (threadIdx.x == 0)
        findings = {0ull, NO_CHUNK, 0u};
    __syncthreads(); /* findings are set before any warp adds to them */
    for (int tensor = warp; tensor < tensor_count; tensor += warps) {
        Findings found;
        const double sum = sum_tensor(partials, first_chunks[tensor], first_chunks[tensor + 1], lane, found);
        if (lane == 0) {
            add_findings(&findings, found);
            /* The sum's root is taken when the global sum has been. */
            tensor_norms[tensor] = {
                sum, 1.0, sum, (long long)found.non_finite_count, first_bad_index(chunks, partials, found), __uint_as_float(found.max_bits), 0};
        }
    }
    __syncthreads(); /* every tensor's sum is in memory, and findings are complete, before they are read */
    if (warp == 0) {
        double sum = 0.0;
        for (int tensor = lane; tensor < tensor_count; tensor += WARP)
            sum = __dadd_rn(sum, tensor_norms[tensor].norm);
        sum = join_lanes(sum);
        if (lane == 0) {
            const bool bad = findings.non_finite_count != 0;
            state->norm = canonical(__dsqrt_rn(sum));
            state->non_finite_count = (long long)findings.non_finite_count;
            state->first_bad_tensor = bad ? chunks[findings.first_bad_chunk].tensor : -1;
            state->first_bad_index = first_bad_index(chunks, partials, findings);
            state->max_magnitude = __uint_as_float(findings.max_bits);
            decide(state, max_norm, torch_formula, skip_non_finite);
        }
    }
    __syncthreads(); /* the first warp has read the sums before they become norms, and written the coefficient before it is read */
    const double coefficient = state->coefficient;
    for (int tensor = threadIdx.x; tensor < tensor_count; tensor += blockDim.x) {
        const double norm = canonical(__dsqrt_rn(tensor_norms[tensor].norm));
        tensor_norms[tensor].norm = norm;
        tensor_norms[tensor].coefficient = coefficient;
        tensor_norms[tensor].norm_after = canonical(__dmul_rn(coefficient, norm));
    }
}

/* One block per strip. Not launched on the fused path, where AdamW multiplies. */
extern "C" __global__ void __launch_bounds__(256)
k_grad_scale(const Chunk* __restrict__ chunks, const ClipState* __restrict__ state, const TensorNorm* __restrict__ norms) {
    if (state->skip != 0 || state->coefficient == 1.0)
        return;
    const Chunk& chunk = chunks[blockIdx.x / STRIPS];
    const double coefficient = norms[chunk.tensor].coefficient;
    if (coefficient == 1.0)
        return;
    const int start = (int)(blockIdx.x % STRIPS) * STRIP_LENGTH;
    const int count = min(chunk.length - start, STRIP_LENGTH);
    float* __restrict__ values = in_global(chunk.gradient) + start;
    int done = 0;
    if (aligned16(values)) {
        done = max(count, 0) / 4 * 4;
        for (int i = 4 * threadIdx.x; i < done; i += 4 * blockDim.x) {
            float4* place = reinterpret_cast<float4*>(values + i);
            const float4 g = *place;
            *place = make_float4(scaled(g.x, coefficient), scaled(g.y, coefficient), scaled(g.z, coefficient), scaled(g.w, coefficient));
        }
    }
    for (int i = done + threadIdx.x; i < count; i += blockDim.x)
        values[i] = scaled(values[i], coefficient);
}
