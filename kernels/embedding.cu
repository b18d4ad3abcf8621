/* embedding.cu: the sum of a token's row and a position's row; backward, rows of the same token are added in a fixed order without atomics.
 * @formula   y[b, t] = token_table[tokens[b, t]] + position_table[t]; d_token_table[tokens[b, t]] += dy[b, t]; d_position_table[t] += sum dy[b, t]
 * @entry     k_embedding_fwd             grid rows / 8            block 256   shared 0 bytes
 * @entry     k_embedding_bwd_positions   grid T x C / 256         block 64    shared 0 bytes
 * @entry     k_embedding_bwd_count       grid rows / 256 x spans  block 256   shared 1024 bytes
 * @entry     k_embedding_bwd_sort        grid rows / 256          block 256   shared 0 bytes
 * @entry     k_embedding_bwd_runs        grid pieces x C / 256    block 64    shared 272 bytes
 * @entry     k_embedding_bwd_join        grid pieces x C / 256    block 64    shared 0 bytes
 * @buffer    tokens i32 (B, T), token_table f32 (V, C), position_table f32 (T, C), d_output f32 (B, T, C) in; output f32 (B, T, C) out;
 *            d_token_table, d_position_table in, out; between kernels: counts i32 (spans, rows), sorted_rows, sorted_tokens i32 (rows),
 *            ends f32 (pieces, 2, 4 ceil(C / 4))
 * @numerics  f32; rows of a token add up within fixed pieces of the sorted rows, then piece by piece: the order depends on the tokens alone
 * @nonfinite NaN and Inf reach the rows of their token and position, no others
 * @limits    rows = B T < 2^31; time grows with rows^2 / 2^32; C < 2^24; 0 <= token < 2^31 - 1; pointers aligned to 4 bytes (16 and
 *            C % 4 == 0 give the vector path, with the same bits)
 * @managed   Andrea.Cuda.Embedding.EmbeddingKernels    @reference Andrea.Cpu.Reference.ReferenceBackend
 * @test      EmbeddingKernelTests
 * @source    ours
 */
#include "quads.cuh"
#include "reductions.cuh"

constexpr int TILE = 256; /* tokens that a block compares with at a time */
constexpr int PIECE = 32; /* sorted rows that one thread adds up; part of the result's bits */
constexpr int SLICE = 64; /* quads of the channels that one block takes, one for each thread */
constexpr int AHEAD = 8; /* loads under way at a time */

template <bool WHOLE>
__device__ __forceinline__ void add_rows(const float* token, const float* position, int channels, float* output) {
    const int quads = quads_of(channels);
    for (int q = threadIdx.x % WARP; q < quads; q += WARP)
        store_quad<WHOLE>(output, q, channels, load_quad<WHOLE>(token, q, channels) + load_quad<WHOLE>(position, q, channels));
}

/* One warp per row. */
extern "C" __global__ void __launch_bounds__(256)
k_embedding_fwd(
    const int* __restrict__ tokens, const float* __restrict__ token_table, const float* __restrict__ position_table, int first_position,
    int rows, int token_count, int channels, float* __restrict__ output) {
    const long long row = (long long)blockIdx.x * (256 / WARP) + threadIdx.x / WARP;
    if (row >= rows)
        return;
    const float* token = token_table + (long long)tokens[row] * channels;
    const float* position = position_table + (first_position + row % token_count) * channels;
    if (whole_quads(token_table, channels) && aligned16(position_table) && aligned16(output))
        add_rows<true>(token, position, channels, output + row * channels);
    else
        add_rows<false>(token, position, channels, output + row * channels);
}

/* The channels' quad that is this thread's. */
__device__ __forceinline__ int own_quad() { return blockIdx.y * SLICE + threadIdx.x; }

template <bool WHOLE>
__device__ __forceinline__ void add_to_row(float* row, int q, int channels, float4 sum) {
    store_quad<WHOLE>(row, q, channels, load_quad<WHOLE>(row, q, channels) + sum);
}

template <bool WHOLE>
__device__ __forceinline__ void add_position(
    const float* __restrict__ d_output, int batch, int token_count, int channels, float* __restrict__ d_position_table) {
    const int q = own_quad();
    const long long t = blockIdx.x, stride = (long long)token_count * channels;
    float4 sum = zero_quad();
#pragma unroll AHEAD
    for (int b = 0; b < batch; b++)
        sum = sum + load_quad<WHOLE>(d_output + b * stride + t * channels, q, channels);
    add_to_row<WHOLE>(d_position_table + t * channels, q, channels, sum);
}

/* One thread per position and quad adds up the batch. */
extern "C" __global__ void __launch_bounds__(64)
k_embedding_bwd_positions(
    const float* __restrict__ d_output, int batch, int token_count, int channels, float* __restrict__ d_position_table) {
    if (whole_quads(d_output, channels) && aligned16(d_position_table))
        add_position<true>(d_output, batch, token_count, channels, d_position_table);
    else
        add_position<false>(d_output, batch, token_count, channels, d_position_table);
}

__device__ __forceinline__ int count_below(const int* tile, int limit) {
    int count = 0;
#pragma unroll 8
    for (int k = 0; k < TILE / 4; k++) {
        const int4 other = reinterpret_cast<const int4*>(tile)[k];
        count += (other.x < limit) + (other.y < limit) + (other.z < limit) + (other.w < limit);
    }
    return count;
}

/* A row's place in the sorted order is the number of rows with a smaller token, or the same token and a smaller index. Each thread counts for
 * one row, over the tiles of the span blockIdx.y. */
extern "C" __global__ void __launch_bounds__(256)
k_embedding_bwd_count(const int* __restrict__ tokens, int rows, int span_tiles, int* __restrict__ counts) {
    __shared__ __align__(16) int tile[TILE];
    const long long row = (long long)blockIdx.x * TILE + threadIdx.x;
    const int token = row < rows ? tokens[row] : 0;
    int count = 0;
    const long long first = (long long)blockIdx.y * span_tiles;
    for (long long index = first; index < first + span_tiles && index * TILE < rows; index++) {
        const long long other = index * TILE + threadIdx.x;
        tile[threadIdx.x] = other < rows ? tokens[other] : 0x7fffffff; /* larger than any token */
        __syncthreads(); /* the tile is complete before anyone compares with it */
        if (index == blockIdx.x) {
            for (int k = 0; k < TILE; k++)
                count += tile[k] < (k < (int)threadIdx.x ? token + 1 : token);
        } else {
            count += count_below(tile, index < blockIdx.x ? token + 1 : token);
        }
        __syncthreads(); /* all have compared before the next tile takes its place */
    }
    if (row < rows)
        counts[(long long)blockIdx.y * rows + row] = count;
}

/* Puts each row at its place: the sum of its counts over all spans. */
extern "C" __global__ void __launch_bounds__(256)
k_embedding_bwd_sort(
    const int* __restrict__ tokens, int rows, int spans, const int* __restrict__ counts, int* __restrict__ sorted_rows,
    int* __restrict__ sorted_tokens) {
    const long long row = (long long)blockIdx.x * 256 + threadIdx.x;
    if (row >= rows)
        return;
    int place = 0;
    for (int span = 0; span < spans; span++)
        place += counts[(long long)span * rows + row];
    sorted_rows[place] = (int)row;
    sorted_tokens[place] = tokens[row];
}

/* Where a piece keeps the sums that are not all of a run: [0] of the run that it continues, [1] of the run that begins in it and goes on
 * beyond it. */
__device__ __forceinline__ float4* end_of(float* ends, long long piece, int which, int quads) {
    return reinterpret_cast<float4*>(ends) + (2 * piece + which) * quads;
}

/* Adds up the runs of equal tokens in the piece blockIdx.x; token[i + 1] is that of its row i, with one neighbour on either side. */
template <bool WHOLE>
__device__ __forceinline__ void add_runs(
    const float* __restrict__ d_output, const int* row, const int* token, int count, int channels, float* __restrict__ d_token_table,
    float* __restrict__ ends) {
    const int q = own_quad(), quads = quads_of(channels);
    float4 sum = zero_quad();
    bool continues = token[0] == token[1];
    for (int first = 0; first < count; first += AHEAD) {
        float4 ahead[AHEAD];
#pragma unroll
        for (int k = 0; k < AHEAD; k++)
            ahead[k] = first + k < count ? load_quad<WHOLE>(d_output + (long long)row[first + k] * channels, q, channels) : zero_quad();
#pragma unroll
        for (int k = 0; k < AHEAD; k++) {
            const int i = first + k;
            if (i >= count)
                break;
            sum = sum + ahead[k];
            const bool goes_on = token[i + 2] == token[i + 1];
            if (goes_on && i < count - 1)
                continue;
            if (!continues && !goes_on)
                add_to_row<WHOLE>(d_token_table + (long long)token[i + 1] * channels, q, channels, sum);
            else if (q < quads)
                end_of(ends, blockIdx.x, continues ? 0 : 1, quads)[q] = sum;
            sum = zero_quad();
            continues = false;
        }
    }
}

extern "C" __global__ void __launch_bounds__(64)
k_embedding_bwd_runs(
    const float* __restrict__ d_output, const int* __restrict__ sorted_rows, const int* __restrict__ sorted_tokens, int rows, int channels,
    float* __restrict__ d_token_table, float* __restrict__ ends) {
    __shared__ int row[PIECE + 2], token[PIECE + 2]; /* one neighbour on either side, -1 where there is none */
    const long long first = (long long)blockIdx.x * PIECE;
    const int count = (int)min(rows - first, (long long)PIECE);
    if (threadIdx.x < PIECE + 2) {
        const long long place = first - 1 + threadIdx.x;
        const bool exists = place >= 0 && place < rows;
        row[threadIdx.x] = exists ? sorted_rows[place] : -1;
        token[threadIdx.x] = exists ? sorted_tokens[place] : -1;
    }
    __syncthreads(); /* rows and tokens are there before anyone follows them */
    if (whole_quads(d_output, channels) && aligned16(d_token_table))
        add_runs<true>(d_output, row + 1, token, count, channels, d_token_table, ends);
    else
        add_runs<false>(d_output, row + 1, token, count, channels, d_token_table, ends);
}

/* The first place whose token is larger. */
__device__ __forceinline__ int end_of_run(const int* __restrict__ sorted_tokens, int rows, int place, int token) {
    int low = place, high = rows;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (sorted_tokens[middle] > token)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* The piece in which a run begins joins those that continue it, in order. */
template <bool WHOLE>
__device__ __forceinline__ void join_run(
    const float* __restrict__ ends, int first_piece, int last_piece, int channels, float* __restrict__ row) {
    const int q = own_quad(), quads = quads_of(channels);
    if (q >= quads)
        return;
    const float4* part = reinterpret_cast<const float4*>(ends) + q;
    float4 sum = part[(2ll * first_piece + 1) * quads];
#pragma unroll AHEAD
    for (int piece = first_piece + 1; piece <= last_piece; piece++)
        sum = sum + part[2ll * piece * quads];
    add_to_row<WHOLE>(row, q, channels, sum);
}

extern "C" __global__ void __launch_bounds__(64)
k_embedding_bwd_join(
    const int* __restrict__ sorted_tokens, int rows, int channels, const float* __restrict__ ends, float* __restrict__ d_token_table) {
    /* The launch leaves out the last piece, as no run goes on beyond it. */
    const int first = blockIdx.x * PIECE, next = first + PIECE;
    const int token = sorted_tokens[next - 1];
    const bool goes_on = sorted_tokens[next] == token;
    const bool begins = first == 0 || sorted_tokens[first - 1] != token;
    if (!goes_on || !begins)
        return;
    const int last_piece = (end_of_run(sorted_tokens, rows, next, token) - 1) / PIECE;
    float* row = d_token_table + (long long)token * channels;
    if (whole_quads(d_token_table, channels))
        join_run<true>(ends, blockIdx.x, last_piece, channels, row);
    else
        join_run<false>(ends, blockIdx.x, last_piece, channels, row);
}
