/* cross_entropy.cu: the loss of rows of logits, with or without its gradient in their place; and the sum of the losses.
 * @formula   loss = log(sum of e^(z - max)) + (max - z[target]); dz = (e^(z - max) / sum - (j == target)) * gradient_scale;
 *            with backward = 2: dz[target] = -(sum of the row's other dz)
 * @entry     k_cross_entropy        grid rows   block 256    shared 128 bytes
 * @entry     k_cross_entropy_wide   grid rows   block 1024   shared 512 bytes
 * @entry     k_add_sum              grid 1      block 1024   shared 256 bytes
 * @buffer    logits f32 (rows, V) in, with gradients also out; targets i32 (rows) in; losses f32 (rows) out; values f32 (N) in;
 *            sum f64 (1) in, out
 * @numerics  f32; the loss's last sum and that of a row's dz in f64; k_add_sum in f64; orders depend on V or N alone; losses have the same bits with and without
 *            gradients
 * @nonfinite a row with NaN or +Inf, or with nothing but -Inf, gives NaN everywhere; -Inf at the target gives the loss +Inf
 * @limits    V < 2^30; rows < 2^31; pointers aligned to 4 bytes; up to 12,288 logits a row k_cross_entropy, above the wide form
 * @managed   Andrea.Cuda.CrossEntropy.CrossEntropyKernels    @reference Andrea.Cpu.Reference.ReferenceBackend
 * @test      CrossEntropyKernelTests
 * @source    arXiv:1805.02867 (online softmax)
 */
#include "reductions.cuh"

/* Loads that a thread has under way at a time. Vocabularies are odd as a rule (50257, 2^k + 1), so rows begin at any address: loads are of
 * 4 bytes, those of neighbouring threads next to each other, which uses the memory as well as wider ones would. */
constexpr int AHEAD = 8;

__device__ __forceinline__ float minus_infinity() { return __uint_as_float(0xff800000u); }

/* The largest of some logits, and the sum of e^(logit - largest). NaN counts for the sum only, which it makes NaN. */
struct Softmax {
    float max, sum;

    template <bool ALL, int THREADS>
    __device__ __forceinline__ void add(const float* logits, int j, int vocabulary) {
        float z[AHEAD], top = max;
#pragma unroll
        for (int k = 0; k < AHEAD; k++)
            z[k] = ALL || j + k * THREADS < vocabulary ? logits[j + k * THREADS] : minus_infinity();
#pragma unroll
        for (int k = 0; k < AHEAD; k++)
            top = fmaxf(top, z[k]);
        if (top > max)
            sum *= expf(max - top);
        max = top;
        /* Nothing but -Inf: from 0 they all give 0, from -Inf they would give NaN. */
        const float shift = top == minus_infinity() ? 0.0f : top;
#pragma unroll
        for (int k = 0; k < AHEAD; k++)
            if (ALL || j + k * THREADS < vocabulary)
                sum += expf(z[k] - shift);
    }
};

/* The row's maximum and sum, in all threads of its block. */
template <int THREADS>
__device__ __forceinline__ Softmax softmax_of(const float* logits, int vocabulary, float* slots) {
    Softmax own = {minus_infinity(), 0.0f};
    int j = threadIdx.x;
    for (; j + (AHEAD - 1) * THREADS < vocabulary; j += AHEAD * THREADS)
        own.add<true, THREADS>(logits, j, vocabulary);
    if (j < vocabulary)
        own.add<false, THREADS>(logits, j, vocabulary);
    const float max = block_max<THREADS>(own.max, slots);
    /* NaN where max is -Inf, as then no logit is a number above it. */
    const float sum = block_sum<THREADS>(own.sum * expf(own.max - max), slots + THREADS / WARP);
    return {max, sum};
}

/* Backwards, as the row's end is what the caches still hold. With ZERO_SUM the target's gradient is what the others leave to 0. */
template <int THREADS, bool ZERO_SUM>
__device__ __forceinline__ void write_gradient(
    float* logits, int vocabulary, Softmax row, int target, float scale, double* sums) {
    const float factor = scale / row.sum;
    double others = 0.0;
    int j = (int)threadIdx.x < vocabulary ? (vocabulary - 1 - (int)threadIdx.x) / THREADS * THREADS + (int)threadIdx.x : -1;
    for (; j >= 0; j -= AHEAD * THREADS) {
        float z[AHEAD];
#pragma unroll
        for (int k = 0; k < AHEAD; k++)
            z[k] = j - k * THREADS >= 0 ? logits[j - k * THREADS] : 0.0f;
#pragma unroll
        for (int k = 0; k < AHEAD; k++) {
            const int place = j - k * THREADS;
            const float share = expf(z[k] - row.max) * factor;
            if (ZERO_SUM && place >= 0 && place != target) {
                logits[place] = share;
                others += (double)share;
            } else if (!ZERO_SUM && place >= 0)
                logits[place] = place == target ? share - scale : share;
        }
    }
    if (ZERO_SUM) {
        const double total = block_sum<THREADS>(others, sums);
        if (threadIdx.x == 0)
            logits[target] = __double2float_rn(-total);
    }
}

template <int THREADS>
__device__ __forceinline__ void cross_entropy(
    float* logits, const int* __restrict__ targets, int vocabulary, int backward, float gradient_scale, float* __restrict__ losses,
    float* slots, double* sums) {
    logits += (long long)blockIdx.x * vocabulary;
    const int target = targets[blockIdx.x];
    const float target_logit = logits[target];
    /* Its barriers also order the read above before the gradient takes its place. */
    const Softmax row = softmax_of<THREADS>(logits, vocabulary, slots);
    if (threadIdx.x == 0)
        losses[blockIdx.x] = __double2float_rn((double)logf(row.sum) + ((double)row.max - (double)target_logit));
    if (backward == 1)
        write_gradient<THREADS, false>(logits, vocabulary, row, target, gradient_scale, sums);
    else if (backward)
        write_gradient<THREADS, true>(logits, vocabulary, row, target, gradient_scale, sums);
}

extern "C" __global__ void __launch_bounds__(256)
k_cross_entropy(
    float* logits, const int* __restrict__ targets, int vocabulary, int backward, float gradient_scale, float* __restrict__ losses) {
    __shared__ float slots[2 * 256 / WARP];
    __shared__ double sums[256 / WARP];
    cross_entropy<256>(logits, targets, vocabulary, backward, gradient_scale, losses, slots, sums);
}

/* More threads to a row, so that fewer rows are under way, and these still lie in the second cache when the gradient needs them again. */
extern "C" __global__ void __launch_bounds__(1024)
k_cross_entropy_wide(
    float* logits, const int* __restrict__ targets, int vocabulary, int backward, float gradient_scale, float* __restrict__ losses) {
    __shared__ float slots[2 * 1024 / WARP];
    __shared__ double sums[1024 / WARP];
    cross_entropy<1024>(logits, targets, vocabulary, backward, gradient_scale, losses, slots, sums);
}

/* One block. Thread i adds values i, i + 1024, ... */
extern "C" __global__ void __launch_bounds__(1024)
k_add_sum(const float* __restrict__ values, int length, double scale, double* __restrict__ sum) {
    __shared__ double slots[1024 / WARP];
    double own = 0.0;
#pragma unroll 8
    for (long long i = threadIdx.x; i < length; i += 1024)
        own += (double)values[i];
    const double total = block_sum<1024>(own, slots);
    if (threadIdx.x == 0)
        *sum += scale * total;
}
