/* quads.cuh: rows of floats by fours, wherever they begin and end. Which thread takes which elements never depends on the address, so
 * neither does the order of a sum. */
#pragma once

__device__ __forceinline__ bool aligned16(const void* pointer) { return ((unsigned long long)pointer & 15u) == 0; }

/* Whether every row of an array of rows consists of whole quads at multiples of 16 bytes: the vector path. */
__device__ __forceinline__ bool whole_quads(const void* rows, int row_length) { return aligned16(rows) && row_length % 4 == 0; }

__host__ __device__ constexpr int quads_of(int length) { return length / 4 + (length % 4 != 0); }

__device__ __forceinline__ float4 zero_quad() { return make_float4(0.0f, 0.0f, 0.0f, 0.0f); }

/* Elements 4 q to 4 q + 3 of a row; 0 for those beyond its end. */
template <bool WHOLE>
__device__ __forceinline__ float4 load_quad(const float* row, int q, int length) {
    const int rest = length - 4 * q;
    if (WHOLE)
        return rest > 0 ? *reinterpret_cast<const float4*>(row + 4 * q) : zero_quad();
    return make_float4(
        rest > 0 ? row[4 * q] : 0.0f, rest > 1 ? row[4 * q + 1] : 0.0f, rest > 2 ? row[4 * q + 2] : 0.0f, rest > 3 ? row[4 * q + 3] : 0.0f);
}

/* Writes those elements of a quad that the row has. */
template <bool WHOLE>
__device__ __forceinline__ void store_quad(float* row, int q, int length, float4 value) {
    const int rest = length - 4 * q;
    if (WHOLE) {
        if (rest > 0)
            *reinterpret_cast<float4*>(row + 4 * q) = value;
        return;
    }
    if (rest > 0)
        row[4 * q] = value.x;
    if (rest > 1)
        row[4 * q + 1] = value.y;
    if (rest > 2)
        row[4 * q + 2] = value.z;
    if (rest > 3)
        row[4 * q + 3] = value.w;
}

__device__ __forceinline__ float4 operator+(float4 a, float4 b) { return make_float4(a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w); }
