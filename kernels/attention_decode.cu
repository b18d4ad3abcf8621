/* attention_decode.cu: attention of one new token over a cache of keys and values, which it joins.
 * @formula   output = sum over s <= position of softmax(q k[s] / sqrt(D)) v[s]
 * @entry     k_attention_decode        grid (pieces, H)   block 128   shared 1040 bytes
 * @entry     k_attention_decode_join   grid H             block 128   shared 0 bytes
 * @buffer    qkv f32 (3, H, D) in; key_cache, value_cache f32 (H, maximum T, D) in, out at position; partials f32 (H, pieces, D + 2): the
 *            weighted sum, the maximum and the denominator of each piece, out of the first, in to the second; output f32 (H, D) out
 * @numerics  f32; pieces of 128 keys, joined in ascending order; equal bits on every GPU of one way to compute 2^x
 * @nonfinite as attention_forward.cu
 * @limits    D < 2^31; H < 65536; pointers aligned to 4 bytes
 * @managed   Andrea.Cuda.Attention.AttentionKernels    @reference Andrea.Cpu.Reference.ReferenceBackend
 * @test      AttentionDecodeParityTests
 * @source    the split over keys after Flash-Decoding (read, not copied)
 */
#ifndef ANDREA_DECODE_KEYS
#define ANDREA_DECODE_KEYS 128
#endif

constexpr int KEYS = ANDREA_DECODE_KEYS, THREADS = 128, WARPS = THREADS / 32;
constexpr int SHARE = 8; /* lanes that share a key's product */
constexpr unsigned int ALL_LANES = 0xffffffffu;
static_assert(KEYS % THREADS == 0, "each thread turns as many scores into weights as any other");

__device__ __forceinline__ float minus_infinity() { return __uint_as_float(0xff800000u); }

__device__ __forceinline__ float shift_of(float maximum) { return maximum == minus_infinity() ? 0.0f : maximum; }

/* One block per head and piece of keys. Where there is one piece only, partials is null and the output is written at once. */
extern "C" __global__ void __launch_bounds__(128)
k_attention_decode(
    const float* __restrict__ qkv, float* key_cache, float* value_cache, float* __restrict__ output, float* __restrict__ partials, int position,
    int maximum_tokens, int head_size, float scale) {
    __shared__ float weights[KEYS];
    __shared__ float column_sums[WARPS][32];
    __shared__ float warp_results[WARPS];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const long long head = blockIdx.y, part = (long long)gridDim.y * head_size;
    const int first = blockIdx.x * KEYS, count = min(KEYS, position + 1 - first);
    const float* __restrict__ query = qkv + head * head_size;
    const float* __restrict__ new_key = query + part;
    const float* __restrict__ new_value = new_key + part;
    float* keys = key_cache + head * maximum_tokens * head_size;
    float* values = value_cache + head * maximum_tokens * head_size;

    /* Four keys to a warp at a time. The new key is read from where it comes from, not from where it is being stored. */
    float largest = minus_infinity();
    for (int base = 4 * warp; base < KEYS; base += 4 * WARPS) {
        const int key = base + lane / SHARE;
        const float* row = first + key == position ? new_key : keys + (long long)(first + key) * head_size;
        float score = 0.0f;
        if (key < count)
            for (int d = lane % SHARE; d < head_size; d += SHARE)
                score = fmaf(query[d] * scale, row[d], score);
#pragma unroll
        for (int distance = 1; distance < SHARE; distance *= 2)
            score += __shfl_xor_sync(ALL_LANES, score, distance);
        if (key >= count)
            score = minus_infinity();
        largest = fmaxf(largest, score);
        if (lane % SHARE == 0)
            weights[key] = score;
    }
#pragma unroll
    for (int distance = SHARE; distance < 32; distance *= 2)
        largest = fmaxf(largest, __shfl_xor_sync(ALL_LANES, largest, distance));
    if (lane == 0)
        warp_results[warp] = largest;
    __syncthreads(); /* scores and the warps' maxima are there before anyone reads them */
#pragma unroll
    for (int k = 0; k < WARPS; k++)
        largest = fmaxf(largest, warp_results[k]);
    const float shift = shift_of(largest);
    float denominator = 0.0f;
    for (int key = threadIdx.x; key < KEYS; key += THREADS) {
        const float weight = exp2f((weights[key] - shift) * 1.44269504f);
        weights[key] = weight;
        denominator += weight;
    }
#pragma unroll
    for (int distance = 1; distance < 32; distance *= 2)
        denominator += __shfl_xor_sync(ALL_LANES, denominator, distance);
    __syncthreads(); /* everyone has read the maxima before sums take their place */
    if (lane == 0)
        warp_results[warp] = denominator;
    __syncthreads(); /* weights and the warps' sums are there before anyone reads them */
    denominator = (warp_results[0] + warp_results[1]) + (warp_results[2] + warp_results[3]);

    float* __restrict__ target = partials == nullptr ? output + head * head_size : partials + (head * gridDim.x + blockIdx.x) * (head_size + 2LL);
    const float factor = partials == nullptr ? __fdiv_rn(1.0f, denominator) : 1.0f;
    for (int begin = 0; begin < head_size; begin += 32) {
        /* Columns to the lanes, every fourth key to a warp. */
        const int column = begin + lane;
        float sum = 0.0f;
        if (column < head_size) {
#pragma unroll 4
            for (int key = warp; key < count; key += WARPS) {
                const float* row = first + key == position ? new_value : values + (long long)(first + key) * head_size;
                sum = fmaf(weights[key], row[column], sum);
            }
        }
        column_sums[warp][lane] = sum;
        __syncthreads(); /* the warps' sums are there before one joins them */
        if (warp == 0 && column < head_size)
            target[column] = ((column_sums[0][lane] + column_sums[1][lane]) + (column_sums[2][lane] + column_sums[3][lane])) * factor;
        __syncthreads(); /* the sums have been read before the next columns' take their place */
    }
    if (partials != nullptr && threadIdx.x == 0) {
        target[head_size] = largest;
        target[head_size + 1] = denominator;
    }
    if (position - first < KEYS && position >= first) {
        for (int d = threadIdx.x; d < head_size; d += THREADS) {
            keys[(long long)position * head_size + d] = new_key[d];
            values[(long long)position * head_size + d] = new_value[d];
        }
    }
}

/* One block per head. */
extern "C" __global__ void __launch_bounds__(128)
k_attention_decode_join(const float* __restrict__ partials, float* __restrict__ output, int pieces, int head_size) {
    const long long head = blockIdx.x, stride = head_size + 2LL;
    const float* __restrict__ first = partials + head * pieces * stride;
    float largest = minus_infinity();
    for (int piece = 0; piece < pieces; piece++)
        largest = fmaxf(largest, first[piece * stride + head_size]);
    const float shift = shift_of(largest);
    for (int d = threadIdx.x; d < head_size; d += THREADS) {
        float sum = 0.0f, denominator = 0.0f;
        for (int piece = 0; piece < pieces; piece++) {
            const float* __restrict__ partial = first + piece * stride;
            const float factor = exp2f((partial[head_size] - shift) * 1.44269504f);
            denominator = fmaf(partial[head_size + 1], factor, denominator);
            sum = fmaf(partial[d], factor, sum);
        }
        output[head * head_size + d] = __fdiv_rn(sum, denominator);
    }
}
