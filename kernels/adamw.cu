/* adamw.cu: one fused AdamW step over all tensors; folds in the clip coefficient and obeys the skip flag.
 * @formula   m = b1 m + (1-b1) g; v = b2 v + (1-b2) g^2; p = (1 - lr wd) p - lr / (1-b1^t) * m / (sqrt(v) / sqrt(1-b2^t) + eps)
 * @entry     k_adamw   grid max(1, 8 * chunks)   block 256   shared 40 bytes
 * @buffer    chunks Chunk (C), tensors AdamWTensor (tensors), learning_rate f64 (1), clip ClipState (1) or null in; state AdamWState (1)
 *            in, out; ticket u32 (1) 0 between launches; gradients f32 (N) in; parameters, first and second moments f32 (N) in, out
 * @numerics  scalars in f64, rounded to f32 once; elements in f32, each operation rounded as IGradientOps.AdamW says; equal bits on every
 *            GPU and on the CPU, but for the payload of NaNs
 * @nonfinite state->skip leaves everything bit-identical, the step counter too; else NaN and Inf propagate
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

__device__ __forceinline__ void update(const Scalars& s, float g, float& p, float& m, float& v) {
    if (s.coefficient != 1.0)
        g = scaled(g, s.coefficient);
    m = __fmaf_rn(s.beta1, m, __fmul_rn(s.rest1, g));
    v = __fmaf_rn(s.beta2, v, __fmul_rn(__fmul_rn(s.rest2, g), g));
    const float denominator = __fmaf_rn(__fsqrt_rn(v), s.root, s.epsilon);
    p = __fmaf_rn(s.minus_rate, __fdiv_rn(m, denominator), __fmul_rn(s.decay, p));
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
    const double* __restrict__ learning_rate, AdamWState* state, const ClipState* __restrict__ clip, unsigned int* ticket) {
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
                beta1, beta2, epsilon, before, tensors[chunks[index].tensor], *learning_rate, clip == nullptr ? 1.0 : clip->coefficient);
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
