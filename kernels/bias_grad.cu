/* bias_grad.cu: the gradient of a bias, the sums of a matrix's columns, two kernels in order on one stream.
 * @formula   dBias[o] += sum over rows of dOutput[row, o]
 * @entry     k_bias_grad_partial   grid shares * strips      block 256   shared 4096 bytes
 * @entry     k_bias_grad_final     grid ceil(columns / 32)   block 256   shared 2048 bytes
 * @buffer    dOutput f32 (rows, columns) in; partials f32 (shares, columns) out of the first, in of the second; dBias f32 (columns)
 *            in, out
 * @numerics  within a share sums in f32: every eighth row by one warp, rows ascending, then the warps ascending; shares are joined in
 *            f64, every eighth by one warp, and rounded once. The order depends on the rows alone: equal bits on every GPU, whatever the
 *            alignment
 * @nonfinite NaN and Inf reach their own column only
 * @limits    rows < 2^31, shares * strips < 2^31; pointers aligned to 4 bytes (16, with columns a multiple of 4, gives the vector path)
 * @managed   Andrea.Cuda.Linear.BiasGradient    @reference Andrea.Cpu.Reference.ReferenceBackend
 * @test      BiasGradientTests
 * @source    deterministic two-stage sums after llm.c (read, not copied)
 */
#include "quads.cuh"
#include "reductions.cuh"

constexpr int WARPS = 8;
constexpr int STRIP = 128; /* columns of a block of the first kernel; four for each lane */
constexpr int AHEAD = 8;   /* rows under way at a time, for each warp */

/* Four columns of a row for each lane: neighbours, or 32 apart where a row begins anywhere. Columns outside give 0. */
template <bool Vector>
__device__ __forceinline__ float4 load_columns(const float* __restrict__ row, int lane, int columns) {
    if (Vector)
        return 4 * lane < columns ? *reinterpret_cast<const float4*>(row + 4 * lane) : zero_quad();
    return make_float4(
        lane < columns ? row[lane] : 0.0f, lane + WARP < columns ? row[lane + WARP] : 0.0f,
        lane + 2 * WARP < columns ? row[lane + 2 * WARP] : 0.0f, lane + 3 * WARP < columns ? row[lane + 3 * WARP] : 0.0f);
}

__device__ __forceinline__ void add(float4* sum, float4 value) {
    sum->x = __fadd_rn(sum->x, value.x);
    sum->y = __fadd_rn(sum->y, value.y);
    sum->z = __fadd_rn(sum->z, value.z);
    sum->w = __fadd_rn(sum->w, value.w);
}

/* Rows warp, warp + 8, ... below count, ascending. */
template <bool Vector>
__device__ __forceinline__ void sum_rows(const float* __restrict__ share, int count, long long stride, int columns, float* strip_sums) {
    const int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    float4 sum = zero_quad();
    int row = warp;
    for (; row + (AHEAD - 1) * WARPS < count; row += AHEAD * WARPS) {
        float4 values[AHEAD];
#pragma unroll
        for (int k = 0; k < AHEAD; k++)
            values[k] = load_columns<Vector>(share + (row + k * WARPS) * stride, lane, columns);
#pragma unroll
        for (int k = 0; k < AHEAD; k++)
            add(&sum, values[k]);
    }
    for (; row < count; row += WARPS)
        add(&sum, load_columns<Vector>(share + row * stride, lane, columns));
    strip_sums += warp * STRIP;
    const int first = Vector ? 4 * lane : lane, step = Vector ? 1 : WARP;
    strip_sums[first] = sum.x;
    strip_sums[first + step] = sum.y;
    strip_sums[first + 2 * step] = sum.z;
    strip_sums[first + 3 * step] = sum.w;
}

/* One block per share of rows and strip of columns. */
extern "C" __global__ void __launch_bounds__(256)
k_bias_grad_partial(const float* __restrict__ matrix, int rows, int columns, int share_rows, float* __restrict__ partials) {
    __shared__ float sums[WARPS * STRIP];
    const int strips = (columns - 1) / STRIP + 1;
    const int share = blockIdx.x / strips, first_column = (int)(blockIdx.x % strips) * STRIP;
    const long long first_row = (long long)share * share_rows;
    const int count = (int)min((long long)share_rows, rows - first_row);
    const int width = min(columns - first_column, STRIP);
    const float* __restrict__ begin = matrix + first_row * columns + first_column;
    if (whole_quads(matrix, columns))
        sum_rows<true>(begin, count, columns, width, sums);
    else
        sum_rows<false>(begin, count, columns, width, sums);
    __syncthreads(); /* every warp's sums are there before they are joined */
    const int column = threadIdx.x;
    if (column >= width)
        return;
    float sum = sums[column];
    for (int warp = 1; warp < WARPS; warp++)
        sum = __fadd_rn(sum, sums[warp * STRIP + column]);
    partials[(long long)share * columns + first_column + column] = sum;
}

/* One block per 32 columns, one lane per column; the warps take turns at the shares. */
extern "C" __global__ void __launch_bounds__(256)
k_bias_grad_final(const float* __restrict__ partials, int shares, int columns, float* __restrict__ bias_gradient) {
    __shared__ double sums[WARPS][WARP];
    const int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    const long long column = (long long)blockIdx.x * WARP + lane;
    double sum = 0.0;
    if (column < columns) {
#pragma unroll 8
        for (int share = warp; share < shares; share += WARPS)
            sum = __dadd_rn(sum, (double)partials[(long long)share * columns + column]);
    }
    sums[warp][lane] = sum;
    __syncthreads(); /* every warp's sums are there before they are joined */
    if (warp != 0 || column >= columns)
        return;
    for (int other = 1; other < WARPS; other++)
        sum = __dadd_rn(sum, sums[other][lane]);
    bias_gradient[column] = __double2float_rn(__dadd_rn((double)bias_gradient[column], sum));
}
