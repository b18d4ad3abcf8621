/* reductions.cuh: sums and maxima over a warp or a block. The order is fixed: the bits are the same in every thread and on every GPU. */
#pragma once

constexpr int WARP = 32;
constexpr unsigned int ALL_LANES = 0xffffffffu;

/* Lanes 16 apart, then 8, 4, 2, 1. A sum does not depend on the order of its two terms, so all lanes get the same bits. */
template <typename T>
__device__ __forceinline__ T warp_sum(T value) {
#pragma unroll
    for (int half = WARP / 2; half > 0; half /= 2)
        value += __shfl_xor_sync(ALL_LANES, value, half);
    return value;
}

/* NaN counts as nothing. */
__device__ __forceinline__ float warp_max(float value) {
#pragma unroll
    for (int half = WARP / 2; half > 0; half /= 2)
        value = fmaxf(value, __shfl_xor_sync(ALL_LANES, value, half));
    return value;
}

/* The sum over a block of THREADS threads, in all of them. `slots` is shared memory, THREADS / WARP values, that no thread uses otherwise
 * before the block's next barrier. */
template <int THREADS, typename T>
__device__ __forceinline__ T block_sum(T value, T* slots) {
    const int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    value = warp_sum(value);
    if (lane == 0)
        slots[warp] = value;
    __syncthreads(); /* every warp's sum is there before they are joined */
    return warp_sum(lane < THREADS / WARP ? slots[lane] : T(0));
}

/* The same for the maximum; NaN counts as nothing. */
template <int THREADS>
__device__ __forceinline__ float block_max(float value, float* slots) {
    const int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    value = warp_max(value);
    if (lane == 0)
        slots[warp] = value;
    __syncthreads(); /* every warp's maximum is there before they are joined */
    return warp_max(slots[lane % (THREADS / WARP)]);
}
