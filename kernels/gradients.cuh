/* gradients.cuh: what the kernels of clipping and AdamW share. */
#pragma once
#include "layouts.cuh"
#include "quads.cuh"
#include "reductions.cuh"

constexpr unsigned int MAGNITUDE_MASK = 0x7fffffffu;
constexpr unsigned int INFINITY_BITS = 0x7f800000u;
constexpr unsigned int CANONICAL_NAN_BITS = 0x7fc00000u;

/* A chunk is eight strips: a warp of the norm kernel, or a block of the element-wise kernels, takes one. */
constexpr int STRIP_LENGTH = ANDREA_STRIP_LENGTH;
constexpr int STRIPS = ANDREA_CHUNK_LENGTH / STRIP_LENGTH;
static_assert(STRIPS == 8 && STRIPS * STRIP_LENGTH == ANDREA_CHUNK_LENGTH, "the order of sums is made for eight strips");

/* The one NaN that all devices report. */
__device__ __forceinline__ double canonical_nan() { return __longlong_as_double(0x7ff8000000000000ll); }

__device__ __forceinline__ double canonical(double value) { return value == value ? value : canonical_nan(); }

/* The same address, known to lie in global memory: a pointer read from the chunk table could be any, and generic loads are slower. */
template <typename T>
__device__ __forceinline__ T* in_global(T* pointer) {
    __builtin_assume(__isGlobal(pointer));
    return pointer;
}

/* g * coefficient, rounded to float once. */
__device__ __forceinline__ float scaled(float g, double coefficient) { return __double2float_rn(__dmul_rn((double)g, coefficient)); }

/* The 128 accumulators of a strip, four a lane, joined by halves: a[j] += a[j + 64], then + 32, 16, 8, 4 across lanes, + 2 and + 1 within
 * lane 0, which gets the sum. */
__device__ __forceinline__ double join_strip(double a0, double a1, double a2, double a3) {
#pragma unroll
    for (int half = WARP / 2; half > 0; half /= 2) {
        a0 = __dadd_rn(a0, __shfl_down_sync(ALL_LANES, a0, half));
        a1 = __dadd_rn(a1, __shfl_down_sync(ALL_LANES, a1, half));
        a2 = __dadd_rn(a2, __shfl_down_sync(ALL_LANES, a2, half));
        a3 = __dadd_rn(a3, __shfl_down_sync(ALL_LANES, a3, half));
    }
    return __dadd_rn(__dadd_rn(a0, a2), __dadd_rn(a1, a3));
}

/* The eight strips of a chunk: s[k] += s[k + 4], then + 2, + 1. */
__device__ __forceinline__ double join_chunk(const double* s) {
    const double even = __dadd_rn(__dadd_rn(s[0], s[4]), __dadd_rn(s[2], s[6]));
    const double odd = __dadd_rn(__dadd_rn(s[1], s[5]), __dadd_rn(s[3], s[7]));
    return __dadd_rn(even, odd);
}

/* Accumulators of one warp, joined by halves: + 16, 8, 4, 2, 1. Lane 0 holds the sum. */
__device__ __forceinline__ double join_lanes(double sum) {
#pragma unroll
    for (int half = WARP / 2; half > 0; half /= 2)
        sum = __dadd_rn(sum, __shfl_down_sync(ALL_LANES, sum, half));
    return sum;
}
