/* logits.cu: what is measured about rows of logits and of their gradient, in steps that are looked at.
 * @formula   margin = z[target] - max of the row's other z; sum = sum of a row
 * @entry     k_logit_margins   grid rows   block 256   shared 32 bytes
 * @entry     k_row_sums        grid rows   block 256   shared 64 bytes
 * @buffer    logits f32 (rows, V) in; targets i32 (rows) in; margins f32 (rows) out; values f32 (rows, columns) in; sums f64 (rows) out
 * @numerics  a margin is one subtraction; sums in f64, element j to thread j mod 256, joined by warps; equal bits on every GPU and on the CPU
 * @nonfinite NaN counts as nothing for the largest other logit; at the target it gives NaN. A row's sum is NaN where an element is
 * @limits    V < 2^30; rows < 2^31; pointers aligned to 4 bytes, sums to 8
 * @managed   Andrea.Cuda.CrossEntropy.LogitKernels    @reference Andrea.Cpu.Reference.ReferenceBackend
 * @test      LogitKernelTests
 * @source    arXiv:2605.06152 (what to look at)
 */
#include "reductions.cuh"

extern "C" __global__ void __launch_bounds__(256)
k_logit_margins(const float* __restrict__ logits, const int* __restrict__ targets, int vocabulary, float* __restrict__ margins) {
    __shared__ float slots[256 / WARP];
    const float* row = logits + (long long)blockIdx.x * vocabulary;
    const int target = targets[blockIdx.x];
    float other = __uint_as_float(0xff800000u); /* -Inf */
    for (int j = threadIdx.x; j < vocabulary; j += 256)
        if (j != target)
            other = fmaxf(other, row[j]);
    const float largest = block_max<256>(other, slots);
    if (threadIdx.x == 0)
        margins[blockIdx.x] = row[target] - largest;
}

extern "C" __global__ void __launch_bounds__(256)
k_row_sums(const float* __restrict__ values, int columns, double* __restrict__ sums) {
    __shared__ double slots[256 / WARP];
    const float* row = values + (long long)blockIdx.x * columns;
    double own = 0.0;
    for (int j = threadIdx.x; j < columns; j += 256)
        own += (double)row[j];
    const double total = block_sum<256>(own, slots);
    if (threadIdx.x == 0)
        sums[blockIdx.x] = total;
}
