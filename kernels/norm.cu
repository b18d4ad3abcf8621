/* norm.cu: LayerNorm and RMSNorm of rows, and their backward pass. Pointers that are null: mean for RMSNorm, bias and d_bias where there is none.
 * @formula   n = (x - mean) s, s = 1 / sqrt(variance + eps); y = n w + b; with h = w dy: dx += s (h - mean(h) - n mean(h n)),
 *            dw += sum dy n, db += sum dy over rows; RMSNorm has 0 for the mean of x and of h, and the mean square for the variance
 * @entry     k_norm_fwd        grid rows / 8           block 256    shared 0 bytes
 * @entry     k_norm_fwd_wide   grid rows               block 256    shared 64 bytes
 * @entry     k_norm_bwd        grid shares             block 256    shared 8192 bytes
 * @entry     k_norm_bwd_wide   grid shares             block 256    shared 64 bytes
 * @entry     k_norm_bwd_join   grid C / 32 x 1 or 2    block 1024   shared 8192 bytes
 * @buffer    input, d_output f32 (rows, C), weight, bias f32 (C) in; output f32 (rows, C), mean, inverse_scale f32 (rows) out, in backward;
 *            d_input f32 (rows, C), d_weight, d_bias f32 (C) in, out; shares f32 (shares, 2, 4 ceil(C / 4)) between the backward kernels
 * @numerics  f32; the variance is the mean of squared deviations from the mean, not E[x^2] - E[x]^2; rows add to dw and db within fixed
 *            shares in f32, shares in f64; all orders depend on rows and C alone
 * @nonfinite NaN and Inf make their own row NaN, except that RMSNorm of Inf gives 0 elsewhere in the row; squares above f32 count as Inf
 * @limits    C < 2^30; rows < 2^31; up to 768 channels k_norm_fwd and k_norm_bwd, above their _wide forms; pointers aligned to 4 bytes
 *            (16 and C % 4 == 0 give the vector path, with the same bits)
 * @managed   Andrea.Cuda.Norm.NormKernels    @reference Andrea.Cpu.Reference.ReferenceBackend
 * @test      NormKernelTests
 * @source    arXiv:1607.06450, arXiv:1910.07467; a warp for each row and partial sums of parameter gradients after llm.c (read, not copied)
 */
#include "quads.cuh"
#include "reductions.cuh"

constexpr int THREADS = 256;
constexpr int WARPS = THREADS / WARP;
constexpr int WARP_QUADS = 6; /* quads of a row that a lane holds: 768 channels for the warp */
constexpr int WIDE_QUADS = 4; /* quads whose sums a thread of the wide form holds: 4,096 channels for the block */

__device__ __forceinline__ float sum4(float4 a) { return (a.x + a.y) + (a.z + a.w); }

/* scale * (x - mean), and 0 for the elements beyond the row's end, of which `rest` are before it. */
__device__ __forceinline__ float4 normalised(float4 x, float mean, float scale, int rest) {
    return make_float4(
        rest > 0 ? (x.x - mean) * scale : 0.0f, rest > 1 ? (x.y - mean) * scale : 0.0f, rest > 2 ? (x.z - mean) * scale : 0.0f,
        rest > 3 ? (x.w - mean) * scale : 0.0f);
}

__device__ __forceinline__ float sum_of_squares(float4 x, float mean, int rest) {
    const float4 d = normalised(x, mean, 1.0f, rest);
    return fmaf(d.x, d.x, d.y * d.y) + fmaf(d.z, d.z, d.w * d.w);
}

__device__ __forceinline__ float4 fma4(float4 a, float4 b, float4 c) {
    return make_float4(fmaf(a.x, b.x, c.x), fmaf(a.y, b.y, c.y), fmaf(a.z, b.z, c.z), fmaf(a.w, b.w, c.w));
}

__device__ __forceinline__ float4 mul4(float4 a, float4 b) { return make_float4(a.x * b.x, a.y * b.y, a.z * b.z, a.w * b.w); }

struct Forward {
    const float* __restrict__ input;
    const float* __restrict__ weight;
    const float* __restrict__ bias;
    float epsilon;
    int channels;
    float* __restrict__ output;
    float* __restrict__ mean;
    float* __restrict__ inverse_scale;

    __device__ __forceinline__ bool whole() const {
        return whole_quads(input, channels) && whole_quads(output, channels) && aligned16(weight) && aligned16(bias);
    }

    __device__ __forceinline__ float scale_of(float squares) const { return 1.0f / sqrtf(squares / (float)channels + epsilon); }

    /* One thread of the row's team keeps what the backward pass needs. */
    __device__ __forceinline__ void keep(long long row, float center, float scale) const {
        if (mean != nullptr)
            mean[row] = center;
        inverse_scale[row] = scale;
    }

    template <bool WHOLE>
    __device__ __forceinline__ void write(float* y, int q, float4 x, float center, float scale) const {
        const float4 w = load_quad<WHOLE>(weight, q, channels);
        const float4 b = bias != nullptr ? load_quad<WHOLE>(bias, q, channels) : zero_quad();
        store_quad<WHOLE>(y, q, channels, fma4(normalised(x, center, scale, channels - 4 * q), w, b));
    }
};

/* A warp holds the row in registers. */
template <bool WHOLE>
__device__ __forceinline__ void forward_by_warp(const Forward& f, long long row, int lane) {
    const float* x = f.input + row * f.channels;
    float* y = f.output + row * f.channels;
    float4 quads[WARP_QUADS];
#pragma unroll
    for (int k = 0; k < WARP_QUADS; k++)
        quads[k] = load_quad<WHOLE>(x, lane + k * WARP, f.channels);
    float center = 0.0f, squares = 0.0f;
    if (f.mean != nullptr) {
        float sum = 0.0f;
#pragma unroll
        for (int k = 0; k < WARP_QUADS; k++)
            sum += sum4(quads[k]);
        center = warp_sum(sum) / (float)f.channels;
    }
#pragma unroll
    for (int k = 0; k < WARP_QUADS; k++)
        squares += sum_of_squares(quads[k], center, f.channels - 4 * (lane + k * WARP));
    const float scale = f.scale_of(warp_sum(squares));
    if (lane == 0)
        f.keep(row, center, scale);
#pragma unroll
    for (int k = 0; k < WARP_QUADS; k++)
        f.write<WHOLE>(y, lane + k * WARP, quads[k], center, scale);
}

extern "C" __global__ void __launch_bounds__(256)
k_norm_fwd(
    const float* __restrict__ input, const float* __restrict__ weight, const float* __restrict__ bias, float epsilon, int rows, int channels,
    float* __restrict__ output, float* __restrict__ mean, float* __restrict__ inverse_scale) {
    const Forward f = {input, weight, bias, epsilon, channels, output, mean, inverse_scale};
    const long long row = (long long)blockIdx.x * WARPS + threadIdx.x / WARP;
    if (row >= rows)
        return;
    if (f.whole())
        forward_by_warp<true>(f, row, threadIdx.x % WARP);
    else
        forward_by_warp<false>(f, row, threadIdx.x % WARP);
}

/* A block reads the row three times; after the first time it lies in the first cache. */
template <bool WHOLE>
__device__ __forceinline__ void forward_by_block(const Forward& f, long long row, float* slots) {
    const float* x = f.input + row * f.channels;
    float* y = f.output + row * f.channels;
    const int quads = quads_of(f.channels);
    float center = 0.0f, squares = 0.0f;
    if (f.mean != nullptr) {
        float sum = 0.0f;
        for (int q = threadIdx.x; q < quads; q += THREADS)
            sum += sum4(load_quad<WHOLE>(x, q, f.channels));
        center = block_sum<THREADS>(sum, slots) / (float)f.channels;
    }
    for (int q = threadIdx.x; q < quads; q += THREADS)
        squares += sum_of_squares(load_quad<WHOLE>(x, q, f.channels), center, f.channels - 4 * q);
    const float scale = f.scale_of(block_sum<THREADS>(squares, slots + WARPS));
    if (threadIdx.x == 0)
        f.keep(row, center, scale);
    for (int q = threadIdx.x; q < quads; q += THREADS)
        f.write<WHOLE>(y, q, load_quad<WHOLE>(x, q, f.channels), center, scale);
}

extern "C" __global__ void __launch_bounds__(256)
k_norm_fwd_wide(
    const float* __restrict__ input, const float* __restrict__ weight, const float* __restrict__ bias, float epsilon, int rows, int channels,
    float* __restrict__ output, float* __restrict__ mean, float* __restrict__ inverse_scale) {
    __shared__ float slots[2 * WARPS];
    const Forward f = {input, weight, bias, epsilon, channels, output, mean, inverse_scale};
    if (f.whole())
        forward_by_block<true>(f, blockIdx.x, slots);
    else
        forward_by_block<false>(f, blockIdx.x, slots);
}

struct Backward {
    const float* __restrict__ d_output;
    const float* __restrict__ input;
    const float* __restrict__ weight;
    const float* __restrict__ mean;
    const float* __restrict__ inverse_scale;
    int channels;
    float* __restrict__ d_input;

    __device__ __forceinline__ bool whole() const {
        return whole_quads(d_output, channels) && whole_quads(input, channels) && whole_quads(d_input, channels) && aligned16(weight);
    }
};

/* One row's pointers and statistics. */
template <bool WHOLE>
struct BackwardRow {
    const float* __restrict__ dy;
    const float* __restrict__ x;
    const float* __restrict__ w;
    float* __restrict__ dx;
    int channels;
    bool centered;
    float center, scale;
    float sum_h, sum_product;

    __device__ __forceinline__ BackwardRow(const Backward& b, long long row)
        : dy(b.d_output + row * b.channels), x(b.input + row * b.channels), w(b.weight), dx(b.d_input + row * b.channels),
          channels(b.channels), centered(b.mean != nullptr), center(centered ? b.mean[row] : 0.0f), scale(b.inverse_scale[row]), sum_h(0.0f),
          sum_product(0.0f) {}

    __device__ __forceinline__ float4 gradient(int q) const { return load_quad<WHOLE>(dy, q, channels); }

    __device__ __forceinline__ float4 normalised_quad(int q) const {
        return normalised(load_quad<WHOLE>(x, q, channels), center, scale, channels - 4 * q);
    }

    __device__ __forceinline__ void add(float4 gradient, float4 n, int q) {
        const float4 h = mul4(load_quad<WHOLE>(w, q, channels), gradient);
        sum_h += sum4(h);
        sum_product += sum4(mul4(h, n));
    }

    /* The sums over the team become means over the channels. */
    __device__ __forceinline__ void take_means(float team_sum_h, float team_sum_product) {
        sum_h = centered ? team_sum_h / (float)channels : 0.0f;
        sum_product = team_sum_product / (float)channels;
    }

    __device__ __forceinline__ float slope(float old, float h, float n) const {
        return fmaf(scale, fmaf(-n, sum_product, h - sum_h), old);
    }

    __device__ __forceinline__ void add_to_input(int q) const {
        const float4 h = mul4(load_quad<WHOLE>(w, q, channels), gradient(q)), n = normalised_quad(q), old = load_quad<WHOLE>(dx, q, channels);
        store_quad<WHOLE>(
            dx, q, channels, make_float4(slope(old.x, h.x, n.x), slope(old.y, h.y, n.y), slope(old.z, h.z, n.z), slope(old.w, h.w, n.w)));
    }
};

/* Eight warps, a row each, row after row of the block's share; then their sums for the parameters, warp after warp. A lane's sums are
 * those of its quads. */
template <bool WHOLE>
__device__ __forceinline__ void backward_by_warps(const Backward& b, int first, int end, float* __restrict__ share, float4 (*rows)[2 * WARP]) {
    const int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP, quads = quads_of(b.channels);
    float4 d_weight[WARP_QUADS], d_bias[WARP_QUADS];
#pragma unroll
    for (int k = 0; k < WARP_QUADS; k++)
        d_weight[k] = d_bias[k] = zero_quad();
    for (long long index = first + warp; index < end; index += WARPS) {
        BackwardRow<WHOLE> row(b, index);
#pragma unroll
        for (int k = 0; k < WARP_QUADS; k++) {
            const int q = lane + k * WARP;
            const float4 gradient = row.gradient(q), n = row.normalised_quad(q);
            row.add(gradient, n, q);
            d_weight[k] = fma4(gradient, n, d_weight[k]);
            d_bias[k] = d_bias[k] + gradient;
        }
        row.take_means(warp_sum(row.sum_h), warp_sum(row.sum_product));
        for (int q = lane; q < quads; q += WARP)
            row.add_to_input(q);
    }
#pragma unroll
    for (int k = 0; k < WARP_QUADS; k++) {
        if (k * WARP >= quads)
            break;
        rows[warp][lane] = d_weight[k];
        rows[warp][WARP + lane] = d_bias[k];
        __syncthreads(); /* all warps' sums of these channels are there before they are joined */
        if (warp < 2 && lane + k * WARP < quads) {
            float4 sum = rows[0][threadIdx.x];
            for (int other = 1; other < WARPS; other++)
                sum = sum + rows[other][threadIdx.x];
            reinterpret_cast<float4*>(share)[warp * quads + lane + k * WARP] = sum;
        }
        __syncthreads(); /* they are read before those of the next channels take their place */
    }
}

extern "C" __global__ void __launch_bounds__(256)
k_norm_bwd(
    const float* __restrict__ d_output, const float* __restrict__ input, const float* __restrict__ weight, const float* __restrict__ mean,
    const float* __restrict__ inverse_scale, int rows, int channels, int share_rows, float* __restrict__ d_input, float* __restrict__ shares) {
    __shared__ float4 sums[WARPS][2 * WARP];
    const Backward b = {d_output, input, weight, mean, inverse_scale, channels, d_input};
    const int first = blockIdx.x * share_rows, end = min(rows - first, share_rows) + first;
    float* share = shares + (long long)blockIdx.x * 2 * 4 * quads_of(channels);
    if (b.whole())
        backward_by_warps<true>(b, first, end, share, sums);
    else
        backward_by_warps<false>(b, first, end, share, sums);
}

/* The block's rows one after another, and all of their channels. A thread holds the parameters' sums of four quads; where rows have more
 * than 4,096 channels, the block goes through its rows once more for each further 4,096, now without dx. */
template <bool WHOLE>
__device__ __forceinline__ void backward_by_block(const Backward& b, int first, int end, float* __restrict__ share, float* slots) {
    constexpr int WINDOW = WIDE_QUADS * THREADS;
    const int quads = quads_of(b.channels);
    for (int window = 0; window < quads; window += WINDOW) {
        float4 d_weight[WIDE_QUADS], d_bias[WIDE_QUADS];
#pragma unroll
        for (int k = 0; k < WIDE_QUADS; k++)
            d_weight[k] = d_bias[k] = zero_quad();
        for (int index = first; index < end; index++) {
            BackwardRow<WHOLE> row(b, index);
#pragma unroll
            for (int k = 0; k < WIDE_QUADS; k++) {
                const int q = window + threadIdx.x + k * THREADS;
                const float4 gradient = row.gradient(q), n = row.normalised_quad(q);
                row.add(gradient, n, q);
                d_weight[k] = fma4(gradient, n, d_weight[k]);
                d_bias[k] = d_bias[k] + gradient;
            }
            if (window > 0)
                continue;
            for (int q = WINDOW + threadIdx.x; q < quads; q += THREADS)
                row.add(row.gradient(q), row.normalised_quad(q), q);
            /* Two sets of slots in turn: the barrier of the one comes between reading the other and writing it for the next row. */
            const float sum_h = block_sum<THREADS>(row.sum_h, slots);
            const float sum_product = block_sum<THREADS>(row.sum_product, slots + WARPS);
            row.take_means(sum_h, sum_product);
            for (int q = threadIdx.x; q < quads; q += THREADS)
                row.add_to_input(q);
        }
#pragma unroll
        for (int k = 0; k < WIDE_QUADS; k++) {
            const int q = window + threadIdx.x + k * THREADS;
            if (q < quads) {
                reinterpret_cast<float4*>(share)[q] = d_weight[k];
                reinterpret_cast<float4*>(share)[quads + q] = d_bias[k];
            }
        }
    }
}

extern "C" __global__ void __launch_bounds__(256)
k_norm_bwd_wide(
    const float* __restrict__ d_output, const float* __restrict__ input, const float* __restrict__ weight, const float* __restrict__ mean,
    const float* __restrict__ inverse_scale, int rows, int channels, int share_rows, float* __restrict__ d_input, float* __restrict__ shares) {
    __shared__ float slots[2 * WARPS];
    const Backward b = {d_output, input, weight, mean, inverse_scale, channels, d_input};
    const int first = blockIdx.x * share_rows, end = min(rows - first, share_rows) + first;
    float* share = shares + (long long)blockIdx.x * 2 * 4 * quads_of(channels);
    if (b.whole())
        backward_by_block<true>(b, first, end, share, slots);
    else
        backward_by_block<false>(b, first, end, share, slots);
}

/* One block joins the shares of 32 channels: of d_weight where blockIdx.y is 0, of d_bias where it is 1. Warp k adds shares k, k + 32, ... */
extern "C" __global__ void __launch_bounds__(1024)
k_norm_bwd_join(const float* __restrict__ shares, int count, int channels, float* __restrict__ d_weight, float* __restrict__ d_bias) {
    __shared__ double sums[WARP][WARP];
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    const long long channel = (long long)blockIdx.x * WARP + lane, width = 4ll * quads_of(channels);
    double sum = 0.0;
    if (channel < channels) {
#pragma unroll 8
        for (int share = warp; share < count; share += WARP)
            sum += (double)shares[(2ll * share + blockIdx.y) * width + channel];
    }
    sums[warp][lane] = sum;
    __syncthreads(); /* every warp's sums are there before the first warp adds them */
    if (warp != 0 || channel >= channels)
        return;
    for (int other = 1; other < WARP; other++)
        sum += sums[other][lane];
    float* target = blockIdx.y == 0 ? d_weight : d_bias;
    target[channel] = __double2float_rn((double)target[channel] + sum);
}
