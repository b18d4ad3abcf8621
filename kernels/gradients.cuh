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
