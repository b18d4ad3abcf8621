/* attention_forward.cu: causal self-attention, forward, in tiles of queries and keys, with an online softmax.
 * @formula   output[t] = sum over s <= t of exp(score[t, s] - lse[t]) v[s]; score = q k / sqrt(D); lse[t] = log(sum of exp(score[t, s]))
 * @entry     k_attention_fwd   grid (tiles * B * H, chunks of D)   block 64   shared 49152 bytes
 * @buffer    qkv f32 (B, T, 3, H, D) in; output f32 (B, T, H, D), log_sum_exp f32 (B, H, T) out
 * @numerics  f32; scores and weighted sums by fused multiply-add, in ascending order of d and of s; tiles begin at fixed keys, so that a
 *            token's bits depend on the tokens up to it alone, and are the same on every GPU of one way to compute 2^x
 * @nonfinite NaN and Inf go to the rows that see them; scores of -Inf weigh nothing
 * @limits    D < 2^31; tiles * B * H < 2^31; D / 64 < 65536; a tensor aligned to 16 bytes and D a multiple of 4 give the vector path, with
 *            the same bits
 * @managed   Andrea.Cuda.Attention.AttentionKernels    @reference Andrea.Cpu.Reference.ReferenceBackend
 * @test      AttentionParityTests
 * @source    arXiv:2205.14135, arXiv:1805.02867
 */
#include "attention.cuh"

constexpr int R = ANDREA_FORWARD_ROWS, C = ANDREA_FORWARD_COLUMNS;
constexpr int QUERIES = GROUPS * R, KEYS = GROUPS * C;
constexpr int BLOCKS = WIDTH == 32 ? blocks_from(86) : 4;

/* Of one query, in each of the eight threads that share it; the denominator's parts are joined at the end. */
struct Softmax {
    float maximum, denominator;

    /* Turns scores into exp(score - maximum). Returns what sums over earlier keys must be multiplied by, since the maximum has grown. */
    __device__ __forceinline__ float update(float (&scores)[C]) {
        float largest = scores[0];
#pragma unroll
        for (int j = 1; j < C; j++)
            largest = fmaxf(largest, scores[j]); /* a NaN need not count: its weight is NaN, and with it the row */
        const float before = maximum;
        maximum = fmaxf(before, largest_of_row(largest));
        const float shift = shift_of();
        float sum = 0.0f;
#pragma unroll
        for (int j = 0; j < C; j++) {
            scores[j] = exponential(scores[j] - shift);
            sum += scores[j];
        }
        const float correction = exponential(before - shift);
        denominator = fmaf(denominator, correction, sum);
        return correction;
    }

    /* Of queries that have seen nothing but -Inf: exp(-Inf - 0) is 0, where exp(-Inf + Inf) would be NaN for good. */
    __device__ __forceinline__ float shift_of() const { return maximum == minus_infinity() ? 0.0f : maximum; }
};

/* One block per tile of queries, sequence and head; the longest sums first, so that all GPU cores finish together. */
extern "C" __global__ void __launch_bounds__(64, BLOCKS)
k_attention_fwd(
    const float* __restrict__ qkv, float* __restrict__ output, float* __restrict__ log_sum_exp, int tokens, int heads, int head_size, int pairs,
    float scale) {
    __shared__ float4 queries[QUERIES * QUADS];
    __shared__ float4 keys[KEYS * (QUADS > 2 * R ? QUADS : 2 * R)]; /* then the weights */
    __shared__ float4 values[KEYS * QUADS];
    const Place at = place();
    const int tile = (int)(gridDim.x / pairs) - 1 - (int)(blockIdx.x / pairs);
    const Head head = head_of(blockIdx.x % pairs, tokens, heads, head_size);
    const int first_query = tile * QUERIES, query_count = min(QUERIES, tokens - first_query);
    const bool quads = in_quads(qkv, head_size);
    const int chunks = chunks_of(head_size);
    const float* query_rows = qkv + head.qkv_offset + first_query * head.qkv_stride;
    if (!CHUNKED)
        load_tile<BY_ROW, QUERIES>(queries, query_rows, head.qkv_stride, query_count, head_size, scale, quads);

    float sums[R][OWN] = {};
    Softmax rows[R];
#pragma unroll
    for (int i = 0; i < R; i++)
        rows[i] = {minus_infinity(), 0.0f};
    for (int first_key = 0; first_key < first_query + query_count; first_key += KEYS) {
        const int key_count = min(KEYS, tokens - first_key);
        const float* key_rows = qkv + head.qkv_offset + head.part + first_key * head.qkv_stride;
        float scores[R][C] = {};
        for (int chunk = 0; chunk < chunks; chunk++) {
            const int begin = chunk * WIDTH;
            __syncthreads(); /* everyone has read the last tiles before they are overwritten */
            if (CHUNKED)
                load_tile<BY_ROW, QUERIES>(queries, query_rows + begin, head.qkv_stride, query_count, head_size - begin, scale, quads);
            load_tile<BY_COLUMN, KEYS>(keys, key_rows + begin, head.qkv_stride, key_count, head_size - begin, 1.0f, quads);
            if (chunk == 0)
                load_tile<BY_COLUMN, KEYS>(
                    values, key_rows + head.part + head.first, head.qkv_stride, key_count, head.columns, 1.0f, quads);
            __syncthreads(); /* the tiles are there before anyone reads them */
            add_dots<R, C>(scores, queries, keys, at);
        }
        /* Query at.row + 8 i of the tile sees the keys up to bound + 8 i. Keys beyond the last token are beyond every query. */
        const int bound = first_query + at.row - first_key;
        const bool masked = first_key + KEYS - 1 > first_query;
        if (masked) {
#pragma unroll
            for (int i = 0; i < R; i++)
#pragma unroll
                for (int j = 0; j < C; j++)
                    if (32 * (j / 4) + 4 * at.column + j % 4 > bound + GROUPS * i)
                        scores[i][j] = minus_infinity();
        }
#pragma unroll
        for (int i = 0; i < R; i++) {
            const float correction = rows[i].update(scores[i]);
#pragma unroll
            for (int n = 0; n < OWN; n++)
                sums[i][n] *= correction;
        }
        __syncthreads(); /* everyone has read the keys before weights take their place */
        store_weights<R, C>(keys, scores, at);
        __syncwarp(); /* the warp's weights are there before its threads read them */
        if (masked)
            add_products<UP_TO_BOUND, R, C>(sums, keys, values, at, bound);
        else
            add_products<ALL, R, C>(sums, keys, values, at, bound);
    }
    const bool quads_out = in_quads(output, head_size);
#pragma unroll
    for (int i = 0; i < R; i++) {
        const int query = at.row + GROUPS * i;
        const float denominator = sum_of_row(rows[i].denominator);
        if (query >= query_count)
            continue;
        store_row(
            output + head.offset + (first_query + query) * head.stride + head.first, sums[i], __fdiv_rn(1.0f, denominator), head.columns, quads_out,
            at);
        if (at.column == 0 && head.first == 0)
            log_sum_exp[head.row + first_query + query] = rows[i].shift_of() + logf(denominator);
    }
}
