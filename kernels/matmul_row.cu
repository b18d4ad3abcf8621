/* matmul_row.cu: a linear layer for a single row, as when text is generated token by token; reads the weights once, at the speed of memory.
 * @formula   output(O) = weight(O, I) input(I) + bias(O) + residual(O)
 * @entry     k_matmul_row   grid O / 8   block 256   shared 0 bytes
 * @buffer    input f32 (I), weight f32 (O, I), bias f32 (O) or null in; residual f32 (O) or null in, may be the output; output f32 (O) out
 * @numerics  f32; lane L of a warp sums the elements i with i / 4 mod 32 = L in four accumulators by i mod 4, i ascending, fused; then
 *            (0 + 2) + (1 + 3), then the lanes by halves, then + bias, then + residual: the same bits on every GPU and for every alignment,
 *            though not those of matmul.cu
 * @nonfinite NaN and Inf reach the results that they enter into and no others
 * @limits    O, I < 2^31; pointers aligned to 4 bytes (16, and I a multiple of 4, give the vector path, with the same bits)
 * @managed   Andrea.Cuda.Linear.TiledLinear    @reference Andrea.Cpu.Reference.ReferenceBackend
 * @test      TiledLinearRowTests
 * @source    none
 */
#include "quads.cuh"
#include "reductions.cuh"

/* Elements i to i + 3; those from end on are 0, and so are they in the other factor. */
template <bool Vector>
__device__ __forceinline__ float4 load4(const float* __restrict__ values, long long i, long long end) {
    if (Vector)
        return *reinterpret_cast<const float4*>(values + i);
    return make_float4(
        values[i], i + 1 < end ? values[i + 1] : 0.0f, i + 2 < end ? values[i + 2] : 0.0f, i + 3 < end ? values[i + 3] : 0.0f);
}

/* A lane's part of the product of two vectors. */
template <bool Vector>
__device__ __forceinline__ float multiply_row(const float* __restrict__ weight, const float* __restrict__ input, long long length, int lane) {
    float4 sum = zero_quad();
#pragma unroll 4
    for (long long i = 4 * lane; i < length; i += 4 * WARP) {
        const float4 w = load4<Vector>(weight, i, length), x = load4<Vector>(input, i, length);
        sum = make_float4(fmaf(w.x, x.x, sum.x), fmaf(w.y, x.y, sum.y), fmaf(w.z, x.z, sum.z), fmaf(w.w, x.w, sum.w));
    }
    return (sum.x + sum.z) + (sum.y + sum.w);
}

/* One warp per output. */
extern "C" __global__ void __launch_bounds__(256)
k_matmul_row(
    const float* __restrict__ input, const float* __restrict__ weight, const float* __restrict__ bias, const float* residual, float* output,
    int input_size, int output_size) {
    const int lane = threadIdx.x % WARP;
    const long long index = (long long)blockIdx.x * (256 / WARP) + threadIdx.x / WARP;
    if (index >= output_size)
        return;
    const float* row = weight + index * input_size;
    const bool vector = whole_quads(weight, input_size) && aligned16(input);
    float sum = warp_sum(vector ? multiply_row<true>(row, input, input_size, lane) : multiply_row<false>(row, input, input_size, lane));
    if (lane != 0)
        return;
    if (bias != nullptr)
        sum += bias[index];
    if (residual != nullptr)
        sum += residual[index];
    output[index] = sum;
}
