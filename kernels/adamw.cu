/* adamw.cu: one fused AdamW step over all tensors; folds in the clip coefficient and obeys the skip flag. With or without measuring
 * @formula   m = b1 m + (1-b1) g; v = b2 v + (1-b2) g^2; p = (1 - lr wd) p - lr / (1-b1^t) * m / (sqrt(v) / sqrt(1-b2^t) + eps)
 * @entry     k_adamw            grid max(1, 8 * chunks)   block 256   shared 40 bytes
 * @entry     k_adamw_measured   grid max(1, chunks)       block 256   shared 376 bytes
 * @entry     k_update_final     grid ceil(tensors / 8)    block 256   shared 0 bytes
 * @buffer    chunks Chunk (C), tensors AdamWTensor (tensors), learning_rate f64 (1), clip ClipState (1) or null, norms TensorNorm
 *            (tensors) or null in; state AdamWState (1) in, out; ticket u32 (1) 0 between launches; gradients f32 (N) in; parameters,
 *            first and second moments f32 (N) in, out; partials UpdateSums (C) out of k_adamw_measured; updates UpdateSums (tensors) out of k_update_final
 * @numerics  scalars in f64, rounded to f32 once; elements in f32, each operation rounded as IGradientOps.AdamW says; equal bits on every
 *            GPU and on the CPU, but for the payload of NaNs; measured sums in f64, in the order that IGradientOps fixes
 * @nonfinite clip->skip leaves everything bit-identical, the step counter too, and measures an update of 0; else NaN and Inf propagate
 * @limits    N < 2^63; C < 2^28; pointers aligned to 4 bytes (16 gives the vector path, with the same bits)
 * @managed   Andrea.Cuda.Gradients.GradientKernels    @reference Andrea.Cpu.Reference.ReferenceBackend
 * @test      GradientParityTests
 * @source    arXiv:1711.05101; state on the device after apex's "capturable" (read, not copied)
 */
#include "updates.cuh"

/* One block per strip. */
extern "C" __global__ void __launch_bounds__(256)
k_adamw(
    const Chunk* __restrict__ chunks, int chunk_count, const AdamWTensor* __restrict__ tensors, double beta1, double beta2, double epsilon,
    const double* __restrict__ learning_rate, AdamWState* state, const ClipState* __restrict__ clip, const TensorNorm* __restrict__ norms,
    unsigned int* ticket) {
    __shared__ Scalars scalars;
    if (skips(clip))
        return;
    const int index = (int)(blockIdx.x / STRIPS), start = (int)(blockIdx.x % STRIPS) * STRIP_LENGTH;
    const int count = index < chunk_count ? min(chunks[index].length - start, STRIP_LENGTH) : 0;
    AdamWState before;
    if (threadIdx.x == 0) {
        before = *state;
        if (count > 0)
            scalars = scalars_of(
                beta1, beta2, epsilon, before, tensors[chunks[index].tensor], *learning_rate, coefficient_of(norms, chunks[index].tensor));
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

/* k_adamw's update with k_adamw's bits, measured on the way. One block per chunk, one warp per strip. */
extern "C" __global__ void __launch_bounds__(STRIPS * WARP)
k_adamw_measured(
    const Chunk* __restrict__ chunks, int chunk_count, const AdamWTensor* __restrict__ tensors, double beta1, double beta2, double epsilon,
    const double* __restrict__ learning_rate, AdamWState* state, const ClipState* __restrict__ clip, const TensorNorm* __restrict__ norms,
    unsigned int* ticket, UpdateSums* __restrict__ partials) {
    __shared__ Scalars scalars;
    __shared__ Measure measure;
    __shared__ double strip_sums[SUMS][STRIPS];
    const bool skip = skips(clip);
    const int index = (int)blockIdx.x;
    AdamWState before;
    if (threadIdx.x == 0 && !skip) {
        before = *state;
        if (index < chunk_count) {
            scalars = scalars_of(
                beta1, beta2, epsilon, before, tensors[chunks[index].tensor], *learning_rate, coefficient_of(norms, chunks[index].tensor));
            measure = measure_of(before, beta2, epsilon);
        }
    }
    __syncthreads(); /* the scalars are there before anyone uses them */
    if (index < chunk_count) {
        const Chunk chunk = chunks[index];
        update_chunk_measured(scalars, measure, chunk, skip, strip_sums, partials + index);
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
