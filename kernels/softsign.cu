/* softsign.cu: one fused S3 step over all tensors; folds in the clip coefficient and obeys the skip flag. With or without measuring.
 * @formula   r^p = b r^p + (1-b) |g|^p; d^p = b r^p + (1-b) |g|^p; m = b m + (1-b) g; n = b m + (1-b) g; p = (1 - lr wd) p - lr n / d
 * @entry     k_softsign            grid max(1, 8 * chunks)   block 256   shared 28 bytes
 * @entry     k_softsign_measured   grid max(1, chunks)       block 256   shared 352 bytes
 * @buffer    chunks Chunk (C), tensors AdamWTensor (tensors), learning_rate f64 (1), clip ClipState (1) or null, norms TensorNorm
 *            (tensors) or null in; state AdamWState (1) in, out; ticket u32 (1) 0 between launches; gradients f32 (N) in; parameters, first and
 *            second moments (r) f32 (N) in, out; partials UpdateSums (C) out of k_softsign_measured
 * @numerics  elements in f32, as fractions of max(r, |g|), each operation rounded as IUpdateOps.SoftSign says; equal bits on every GPU and on
 *            the CPU, but for the payload of NaNs; measured sums in f64, in the order that IGradientOps fixes
 * @nonfinite clip->skip leaves everything bit-identical, the step counter too, and measures an update of 0; else NaN and Inf propagate
 * @limits    N < 2^63; C < 2^28; pointers aligned to 4 bytes (16 gives the vector path, with the same bits); p from 1 to 4
 * @managed   Andrea.Cuda.Gradients.UpdateKernels    @reference Andrea.Cpu.Reference.ReferenceBackend
 * @test      UpdateParityTests
 * @source    arXiv:2507.06464
 */
#include "updates.cuh"

constexpr float SMALLEST_NORMAL = 1.17549435e-38f;

/* Andrea.Numerics.CubeRoot, line by line. */
__device__ __forceinline__ float cube_root(float x) {
    const int bits = __float_as_int(x);
    int third = (bits >> 2) + (bits >> 4);
    third += third >> 4;
    third += third >> 8;
    constexpr float THIRD = 1.0f / 3.0f;
    float y = __int_as_float(0x54a2fa8c - third);
#pragma unroll
    for (int i = 0; i < 3; i++) {
        const float error = __fmaf_rn(-__fmul_rn(__fmul_rn(x, y), y), y, 1.0f);
        y = __fmaf_rn(__fmul_rn(y, error), THIRD, y);
    }
    const float root = __fmul_rn(__fmul_rn(x, y), y), square = __fmul_rn(root, root);
    float rest = __fmaf_rn(-square, root, x);
    rest = __fmaf_rn(-__fmaf_rn(root, root, -square), root, rest);
    return __fmaf_rn(__fmul_rn(rest, __fmul_rn(y, y)), THIRD, root);
}

/* The scalars of one step for one tensor. */
struct SoftSign {
    double coefficient;
    float beta, rest, decay, minus_rate;
    int power;

    __device__ __forceinline__ float raised(float q) const {
        const float square = __fmul_rn(q, q);
        return power == 1 ? q : power == 2 ? square : power == 3 ? __fmul_rn(square, q) : __fmul_rn(square, square);
    }

    __device__ __forceinline__ float root_of(float x) const {
        return power == 1 ? x : power == 2 ? __fsqrt_rn(x) : power == 3 ? cube_root(x) : __fsqrt_rn(__fsqrt_rn(x));
    }

    __device__ __forceinline__ float update(float g, float& p, float& m, float& r) const {
        if (coefficient != 1.0)
            g = scaled(g, coefficient);
        const float magnitude = fabsf(g);
        const bool rises = magnitude > r;
        const float big = rises ? magnitude : r, small = rises ? r : magnitude;
        const float q = raised(__fdiv_rn(small, big < SMALLEST_NORMAL ? SMALLEST_NORMAL : big));
        const float u = rises ? __fmaf_rn(beta, q, rest) : __fmaf_rn(rest, q, beta);
        const float w = __fmaf_rn(beta, u, __fmul_rn(rest, rises ? 1.0f : q));
        r = __fmul_rn(big, root_of(u));
        const float d = __fmul_rn(big, root_of(w)), step = __fmul_rn(rest, g);
        m = __fmaf_rn(beta, m, step);
        const float n = __fmaf_rn(beta, m, step);
        p = __fmaf_rn(minus_rate, d < SMALLEST_NORMAL ? 0.0f : __fdiv_rn(n, d), __fmul_rn(decay, p));
        return g;
    }

    __device__ __forceinline__ double second_moment(float r) const { return __dmul_rn((double)r, (double)r); }
};

__device__ SoftSign softsign_of(double beta, int power, const AdamWTensor& tensor, double learning_rate, double coefficient) {
    const double rate = __dmul_rn(learning_rate, tensor.learning_rate_scale);
    SoftSign s;
    s.coefficient = coefficient;
    s.beta = __double2float_rn(beta);
    s.rest = __double2float_rn(__dsub_rn(1.0, beta));
    s.decay = __double2float_rn(__dsub_rn(1.0, __dmul_rn(rate, tensor.weight_decay)));
    s.minus_rate = __double2float_rn(-rate);
    s.power = power;
    return s;
}

/* One block per strip. */
extern "C" __global__ void __launch_bounds__(256)
k_softsign(
    const Chunk* __restrict__ chunks, int chunk_count, const AdamWTensor* __restrict__ tensors, double beta, int power,
    const double* __restrict__ learning_rate, AdamWState* state, const ClipState* __restrict__ clip, const TensorNorm* __restrict__ norms,
    unsigned int* ticket) {
    __shared__ SoftSign scalars;
    if (skips(clip))
        return;
    const int index = (int)(blockIdx.x / STRIPS), start = (int)(blockIdx.x % STRIPS) * STRIP_LENGTH;
    const int count = index < chunk_count ? min(chunks[index].length - start, STRIP_LENGTH) : 0;
    if (threadIdx.x == 0 && count > 0)
        scalars = softsign_of(beta, power, tensors[chunks[index].tensor], *learning_rate, coefficient_of(norms, chunks[index].tensor));
    __syncthreads(); /* the scalars are there before anyone uses them */
    if (count > 0) {
        const Chunk chunk = chunks[index];
        update_strip(
            scalars, in_global(chunk.gradient) + start, in_global(chunk.parameter) + start, in_global(chunk.first_moment) + start,
            in_global(chunk.second_moment) + start, count);
    }
    if (threadIdx.x == 0)
        advance(state, *state, 1.0, 1.0, ticket);
}

/* The same update, measured on the way. One block per chunk, one warp per strip. */
extern "C" __global__ void __launch_bounds__(STRIPS * WARP)
k_softsign_measured(
    const Chunk* __restrict__ chunks, int chunk_count, const AdamWTensor* __restrict__ tensors, double beta, int power,
    const double* __restrict__ learning_rate, AdamWState* state, const ClipState* __restrict__ clip, const TensorNorm* __restrict__ norms,
    unsigned int* ticket, UpdateSums* __restrict__ partials) {
    __shared__ SoftSign scalars;
    __shared__ double strip_sums[SUMS][STRIPS];
    const bool skip = skips(clip);
    const int index = (int)blockIdx.x;
    if (threadIdx.x == 0 && index < chunk_count)
        scalars = softsign_of(beta, power, tensors[chunks[index].tensor], *learning_rate, coefficient_of(norms, chunks[index].tensor));
    __syncthreads(); /* the scalars are there before anyone uses them */
    if (index < chunk_count) {
        const Measure measure = {1.0, 2.2250738585072014e-308};
        const Chunk chunk = chunks[index];
        update_chunk_measured(scalars, measure, chunk, skip, strip_sums, partials + index);
    }
    if (threadIdx.x == 0 && !skip)
        advance(state, *state, 1.0, 1.0, ticket);
}
