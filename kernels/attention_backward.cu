/* attention_backward.cu: causal self-attention, backward: weights are computed again from scores and log_sum_exp.
 * @formula   w[t, s] = exp(score[t, s] - lse[t]); delta[t] = dO[t] O[t]; dScore[t, s] = w[t, s] (dO[t] v[s] - delta[t]);
 *            dq[t] = sum over s <= t of dScore[t, s] k[s] / sqrt(D); dk[s] = sum over t >= s of dScore[t, s] q[t] / sqrt(D);
 *            dv[s] = sum over t >= s of w[t, s] dO[t]
 * @entry     k_attention_delta       grid B * H * T / 64                     block 64   shared 0 bytes
 * @entry     k_attention_bwd_query   grid (tiles * B * H, chunks of D)       block 64   shared 49152 bytes
 * @entry     k_attention_bwd_key     grid (key tiles * B * H, chunks of D)   block 64   shared 36864 bytes
 * @buffer    d_output, output f32 (B, T, H, D), qkv f32 (B, T, 3, H, D), log_sum_exp f32 (B, H, T) in; delta f32 (B, H, T) out of the first,
 *            in to the others; d_qkv f32 (B, T, 3, H, D) out: queries by the second, keys and values by the third
 * @numerics  f32; sums by fused multiply-add, in ascending order of d, of s or of t; nothing is summed across blocks; equal bits on every
 *            GPU of one way to compute 2^x
 * @nonfinite NaN and Inf go where the formula takes them; pairs of s > t do not exist
 * @limits    D < 2^31; tiles * B * H < 2^31; D / 64 < 65536; a tensor aligned to 16 bytes and D a multiple of 4 give the vector path, with
 *            the same bits
 * @managed   Andrea.Cuda.Attention.AttentionKernels    @reference Andrea.Cpu.Reference.ReferenceBackend
 * @test      AttentionParityTests
 * @source    arXiv:2205.14135
 */
#include "attention.cuh"

constexpr int QUERY_BLOCKS = WIDTH == 32 ? blocks_from(90) : 4, KEY_BLOCKS = WIDTH == 64 && !CHUNKED ? blocks_from(80) : 4;

/* One thread per query. Added up as dO v is: where one weight is 1, dO v - delta is 0 and not a rounding error that a large key multiplies. */
extern "C" __global__ void __launch_bounds__(64)
k_attention_delta(
    const float* __restrict__ d_output, const float* __restrict__ output, float* __restrict__ delta, int tokens, int heads, int head_size,
    long long rows) {
    const long long row = (long long)blockIdx.x * THREADS + threadIdx.x;
    if (row >= rows)
        return;
    const Head head = head_of((int)(row / tokens), tokens, heads, head_size);
    const long long offset = head.offset + row % tokens * head.stride;
    const float* __restrict__ a = d_output + offset;
    const float* __restrict__ b = output + offset;
    float sum = 0.0f;
    int d = 0;
    if (in_quads(d_output, head_size) && in_quads(output, head_size)) {
#pragma unroll 4
        for (; d < head_size; d += 4) {
            const float4 x = *reinterpret_cast<const float4*>(a + d), y = *reinterpret_cast<const float4*>(b + d);
            sum = fmaf(x.w, y.w, fmaf(x.z, y.z, fmaf(x.y, y.y, fmaf(x.x, y.x, sum))));
        }
    }
    for (; d < head_size; d++)
        sum = fmaf(a[d], b[d], sum);
    delta[row] = sum;
}

/* The weight of a score, and the score's gradient from that of the weight; zeros for pairs that do not exist. */
__device__ __forceinline__ void differentiate(float& weight, float& gradient, float log_sum_exp, float delta, bool exists) {
    weight = exists ? exponential(weight - log_sum_exp) : 0.0f;
    gradient = exists ? weight * (gradient - delta) : 0.0f;
}

/* One block per tile of queries, sequence and head, the longest sums first. */
extern "C" __global__ void __launch_bounds__(64, QUERY_BLOCKS)
k_attention_bwd_query(
    const float* __restrict__ d_output, const float* __restrict__ qkv, const float* __restrict__ log_sum_exp, const float* __restrict__ delta,
    float* __restrict__ d_qkv, int tokens, int heads, int head_size, int pairs, float scale) {
    constexpr int R = ANDREA_QUERY_ROWS, C = ANDREA_QUERY_COLUMNS, QUERIES = GROUPS * R, KEYS = GROUPS * C;
    __shared__ float4 queries[QUERIES * QUADS];
    __shared__ float4 d_outputs[QUERIES * QUADS];
    __shared__ float4 keys[KEYS * QUADS];
    __shared__ float4 values[KEYS * (QUADS > 2 * R ? QUADS : 2 * R)]; /* then the gradients of the scores */
    const Place at = place();
    const int tile = (int)(gridDim.x / pairs) - 1 - (int)(blockIdx.x / pairs);
    const Head head = head_of(blockIdx.x % pairs, tokens, heads, head_size);
    const int first_query = tile * QUERIES, query_count = min(QUERIES, tokens - first_query);
    const bool quads = in_quads(qkv, head_size), quads_out = in_quads(d_output, head_size);
    const int chunks = chunks_of(head_size);
    const float* query_rows = qkv + head.qkv_offset + first_query * head.qkv_stride;
    const float* d_output_rows = d_output + head.offset + first_query * head.stride;
    if (!CHUNKED) {
        load_tile<BY_ROW, QUERIES>(queries, query_rows, head.qkv_stride, query_count, head_size, scale, quads);
        load_tile<BY_ROW, QUERIES>(d_outputs, d_output_rows, head.stride, query_count, head_size, 1.0f, quads_out);
    }
    float row_log_sum_exp[R], row_delta[R];
#pragma unroll
    for (int i = 0; i < R; i++) {
        const int query = at.row + GROUPS * i;
        const bool exists = query < query_count;
        row_log_sum_exp[i] = exists ? log_sum_exp[head.row + first_query + query] : 0.0f;
        row_delta[i] = exists ? delta[head.row + first_query + query] : 0.0f;
    }

    float sums[R][OWN] = {};
    for (int first_key = 0; first_key < first_query + query_count; first_key += KEYS) {
        const int key_count = min(KEYS, tokens - first_key);
        const float* key_rows = qkv + head.qkv_offset + head.part + first_key * head.qkv_stride;
        float weights[R][C] = {}, gradients[R][C] = {};
        for (int chunk = 0; chunk < chunks; chunk++) {
            const int begin = chunk * WIDTH, columns = head_size - begin;
            __syncthreads(); /* everyone has read the last tiles before they are overwritten */
            if (CHUNKED) {
                load_tile<BY_ROW, QUERIES>(queries, query_rows + begin, head.qkv_stride, query_count, columns, scale, quads);
                load_tile<BY_ROW, QUERIES>(d_outputs, d_output_rows + begin, head.stride, query_count, columns, 1.0f, quads_out);
            }
            load_tile<BY_COLUMN, KEYS>(keys, key_rows + begin, head.qkv_stride, key_count, columns, 1.0f, quads);
            load_tile<BY_COLUMN, KEYS>(values, key_rows + head.part + begin, head.qkv_stride, key_count, columns, 1.0f, quads);
            __syncthreads(); /* the tiles are there before anyone reads them */
            add_dots<R, C>(weights, queries, keys, at);
            add_dots<R, C>(gradients, d_outputs, values, at);
        }
        /* Query at.row + 8 i of the tile sees the keys up to bound + 8 i. */
        const int bound = first_query + at.row - first_key;
        const bool masked = first_key + KEYS - 1 > first_query;
#pragma unroll
        for (int i = 0; i < R; i++)
#pragma unroll
            for (int j = 0; j < C; j++)
                differentiate(
                    weights[i][j], gradients[i][j], row_log_sum_exp[i], row_delta[i],
                    !masked || 32 * (j / 4) + 4 * at.column + j % 4 <= bound + GROUPS * i);
        __syncthreads(); /* everyone has read the values before gradients take their place */
        store_weights<R, C>(values, gradients, at);
        if (CHUNKED)
            load_tile<BY_COLUMN, KEYS>(keys, key_rows + head.first, head.qkv_stride, key_count, head.columns, 1.0f, quads);
        if (CHUNKED)
            __syncthreads(); /* the keys' columns of this block are there before anyone reads them */
        else
            __syncwarp(); /* the warp's gradients are there before its threads read them */
        if (masked)
            add_products<UP_TO_BOUND, R, C>(sums, values, keys, at, bound);
        else
            add_products<ALL, R, C>(sums, values, keys, at, bound);
    }
    const bool quads_result = in_quads(d_qkv, head_size);
    float* __restrict__ target = d_qkv + head.qkv_offset + first_query * head.qkv_stride + head.first;
#pragma unroll
    for (int i = 0; i < R; i++)
        if (at.row + GROUPS * i < query_count)
            store_row(target + (at.row + GROUPS * i) * head.qkv_stride, sums[i], scale, head.columns, quads_result, at);
}

/* One block per tile of keys, sequence and head. The first keys, which most queries see, come first. */
extern "C" __global__ void __launch_bounds__(64, KEY_BLOCKS)
k_attention_bwd_key(
    const float* __restrict__ d_output, const float* __restrict__ qkv, const float* __restrict__ log_sum_exp, const float* __restrict__ delta,
    float* __restrict__ d_qkv, int tokens, int heads, int head_size, int pairs, float scale) {
    constexpr int R = ANDREA_KEY_ROWS, C = ANDREA_KEY_COLUMNS, KEYS = GROUPS * R, QUERIES = GROUPS * C;
    __shared__ float4 keys[KEYS * QUADS];
    __shared__ float4 values[KEYS * QUADS];
    __shared__ float4 queries[QUERIES * QUADS];
    __shared__ float4 d_outputs[QUERIES * QUADS];
    __shared__ float4 factors[KEYS * 2 * C]; /* weights, then gradients of the scores, one row per key */
    const Place at = place();
    const Head head = head_of(blockIdx.x % pairs, tokens, heads, head_size);
    const int first_key = (int)(blockIdx.x / pairs) * KEYS, key_count = min(KEYS, tokens - first_key);
    const bool quads = in_quads(qkv, head_size), quads_out = in_quads(d_output, head_size);
    const int chunks = chunks_of(head_size);
    const float* key_rows = qkv + head.qkv_offset + head.part + first_key * head.qkv_stride;
    if (!CHUNKED) {
        load_tile<BY_ROW, KEYS>(keys, key_rows, head.qkv_stride, key_count, head_size, 1.0f, quads);
        load_tile<BY_ROW, KEYS>(values, key_rows + head.part, head.qkv_stride, key_count, head_size, 1.0f, quads);
    }
    float d_keys[R][OWN] = {}, d_values[R][OWN] = {};
    for (int first_query = first_key / QUERIES * QUERIES; first_query < tokens; first_query += QUERIES) {
        const int query_count = min(QUERIES, tokens - first_query);
        const float* query_rows = qkv + head.qkv_offset + first_query * head.qkv_stride;
        const float* d_output_rows = d_output + head.offset + first_query * head.stride;
        float weights[R][C] = {}, gradients[R][C] = {};
        for (int chunk = 0; chunk < chunks; chunk++) {
            const int begin = chunk * WIDTH, columns = head_size - begin;
            __syncthreads(); /* everyone has read the last tiles before they are overwritten */
            if (CHUNKED) {
                load_tile<BY_ROW, KEYS>(keys, key_rows + begin, head.qkv_stride, key_count, columns, 1.0f, quads);
                load_tile<BY_ROW, KEYS>(values, key_rows + head.part + begin, head.qkv_stride, key_count, columns, 1.0f, quads);
            }
            load_tile<BY_COLUMN, QUERIES>(queries, query_rows + begin, head.qkv_stride, query_count, columns, scale, quads);
            load_tile<BY_COLUMN, QUERIES>(d_outputs, d_output_rows + begin, head.stride, query_count, columns, 1.0f, quads_out);
            __syncthreads(); /* the tiles are there before anyone reads them */
            add_dots<R, C>(weights, keys, queries, at);
            add_dots<R, C>(gradients, values, d_outputs, at);
        }
        if (CHUNKED) {
            __syncthreads(); /* everyone has read the last chunk before this block's own takes its place */
            load_tile<BY_COLUMN, QUERIES>(queries, query_rows + head.first, head.qkv_stride, query_count, head.columns, scale, quads);
            load_tile<BY_COLUMN, QUERIES>(d_outputs, d_output_rows + head.first, head.stride, query_count, head.columns, 1.0f, quads_out);
            __syncthreads(); /* the chunk is there before anyone reads it */
        }
        /* Key at.row + 8 i of the tile is seen by the queries from bound + 8 i on. */
        const int bound = first_key + at.row - first_query;
        const bool masked = first_query < first_key + KEYS - 1;
#pragma unroll
        for (int j = 0; j < C; j++) {
            const int query = 32 * (j / 4) + 4 * at.column + j % 4;
            const bool exists = query < query_count;
            const float query_log_sum_exp = exists ? log_sum_exp[head.row + first_query + query] : 0.0f;
            const float query_delta = exists ? delta[head.row + first_query + query] : 0.0f;
#pragma unroll
            for (int i = 0; i < R; i++)
                differentiate(
                    weights[i][j], gradients[i][j], query_log_sum_exp, query_delta, exists && (!masked || query >= bound + GROUPS * i));
        }
        store_weights<R, C>(factors, weights, at);
        __syncwarp(); /* the warp's weights are there before its threads read them */
        if (masked)
            add_products<FROM_BOUND, R, C>(d_values, factors, d_outputs, at, bound);
        else
            add_products<ALL, R, C>(d_values, factors, d_outputs, at, bound);
        __syncwarp(); /* the warp has read its weights before gradients take their place */
        store_weights<R, C>(factors, gradients, at);
        __syncwarp(); /* the warp's gradients are there before its threads read them */
        if (masked)
            add_products<FROM_BOUND, R, C>(d_keys, factors, queries, at, bound);
        else
            add_products<ALL, R, C>(d_keys, factors, queries, at, bound);
        __syncwarp(); /* the warp has read its gradients before it stores the next weights */
    }
    const bool quads_result = in_quads(d_qkv, head_size);
    float* __restrict__ target = d_qkv + head.qkv_offset + head.part + first_key * head.qkv_stride + head.first;
#pragma unroll
    for (int i = 0; i < R; i++) {
        if (at.row + GROUPS * i < key_count) {
            float* __restrict__ row = target + (at.row + GROUPS * i) * head.qkv_stride;
            store_row(row, d_keys[i], 1.0f, head.columns, quads_result, at);
            store_row(row + head.part, d_values[i], 1.0f, head.columns, quads_result, at);
        }
    }
}
