/* matmul.cu: the three matrix products of a linear layer in float32, tile by tile; for where cuBLASLt is not installed.
 * @formula   C(M, N) = A(M, K) B(K, N) + bias(N) + residual(M, N)
 *            forward: output = input weight^T; input: dInput = dOutput weight; weight: dWeight += dOutput^T input
 * @entry     k_matmul_forward         grid tiles            block 256   shared 16896 bytes
 * @entry     k_matmul_forward_small   grid tiles            block 128   shared 8704 bytes
 * @entry     k_matmul_input           grid tiles            block 256   shared 16896 bytes
 * @entry     k_matmul_input_small     grid tiles            block 128   shared 8704 bytes
 * @entry     k_matmul_weight          grid tiles x splits   block 256   shared 16896 bytes
 * @entry     k_matmul_weight_small    grid tiles x splits   block 128   shared 8704 bytes
 * @entry     k_matmul_join            grid O * I / 1024     block 256   shared 0 bytes
 * @buffer    input f32 (rows, I), weight f32 (O, I), dOutput f32 (rows, O), bias f32 (O) or null in; residual f32 (rows, O) or null in, may be
 *            the output; output f32 (rows, O), dInput f32 (rows, I) out; dWeight f32 (O, I) in, out; partials f32 (splits, O, I) out, in of join
 * @numerics  f32; each sum runs over k ascending from 0 by fused multiply-add, then + bias, then + residual: the same bits from every tile size,
 *            on every GPU. k_matmul_weight sums each split that way; k_matmul_join adds the splits in ascending order, then adds dWeight.
 * @nonfinite NaN and Inf reach the results that they enter into and no others: what lies beyond K is 0 in both factors, what lies beyond M or N
 *            is never written
 * @limits    sizes < 2^31, their products < 2^62; pointers aligned to 4 bytes (16, and rows of a multiple of 4, give the vector path, with the
 *            same bits)
 * @managed   Andrea.Cuda.Linear.TiledLinear    @reference Andrea.Cpu.Reference.ReferenceBackend
 * @test      TiledLinearTests
 * @source    register blocking and the lanes' zigzag after maxas and CUTLASS (read, not copied)
 */
#include "quads.cuh"

/* Steps of k that lie in shared memory at a time, twice over: one tile is read while the next arrives. */
constexpr unsigned DEPTH = 8;

/* Tile rows that blocks go down before they go right, so that blocks that run together share rows of B as well as of A. */
constexpr unsigned GROUP = 8;

/* Brings SPAN rows of A, or columns of B, by DEPTH steps of k into shared memory as tile[k][span]: four elements for each of 2 * SPAN threads.
   ALONG_K: neighbours in memory are neighbours in k; else along the span. Rows of the tile are 4 longer than the span: then no two lanes
   of a warp write to one bank, whichever of the four ways they go. */
template <unsigned SPAN, bool ALONG_K>
struct Operand {
    static constexpr unsigned PITCH = SPAN + 4;

    const float* place;        /* this thread's first element of the next tile */
    long long stride;          /* from one row in memory to the next */
    unsigned span_left;        /* rows or columns from this thread's first one to the end of the matrix, 0 beyond it */
    unsigned step;             /* this thread's first k, from the tile's */
    unsigned slot;             /* where it goes in the tile */
    bool vector;               /* the same for all threads */
    float next[4];

    __device__ __forceinline__ Operand(const float* matrix, unsigned first, unsigned span_size, unsigned k_size, unsigned k_begin) {
        const unsigned thread = threadIdx.x;
        stride = ALONG_K ? k_size : span_size;
        vector = aligned16(matrix) && stride % 4 == 0;
        unsigned at;
        if (ALONG_K) {
            /* Half-warps take 16 rows by 32 bytes together; single elements go 4 rows by 32 bytes. */
            step = vector ? thread / 16 % 2 * 4 : thread % DEPTH;
            at = vector ? thread % 16 + thread / 32 * 16 : thread / DEPTH;
        } else {
            step = vector ? thread / (SPAN / 4) : thread / SPAN;
            at = vector ? thread % (SPAN / 4) * 4 : thread % SPAN;
        }
        slot = step * PITCH + at;
        span_left = first + at < span_size ? span_size - first - at : 0;
        const unsigned row = ALONG_K ? first + at : k_begin + step;
        const unsigned column = ALONG_K ? k_begin + step : first + at;
        place = matrix + row * stride + column;
    }

    /* Starts loading the tile at k, and goes on to the next. */
    __device__ __forceinline__ void load(unsigned k, unsigned k_end) {
        const unsigned k_left = k + step < k_end ? k_end - k - step : 0;
        if (vector) {
            /* A multiple of four elements: either all of them are there or none. */
            const float4 loaded = span_left > 0 && k_left > 0 ? *reinterpret_cast<const float4*>(place) : zero_quad();
            next[0] = loaded.x;
            next[1] = loaded.y;
            next[2] = loaded.z;
            next[3] = loaded.w;
        } else {
#pragma unroll
            for (unsigned j = 0; j < 4; j++) {
                const bool there = ALONG_K ? k_left > 0 && span_left > j * (SPAN / 4) : span_left > 0 && k_left > 2 * j;
                next[j] = there ? place[(ALONG_K ? SPAN / 4 : 2) * j * stride] : 0.0f;
            }
        }
        place += ALONG_K ? DEPTH : DEPTH * stride;
    }

    __device__ __forceinline__ void store(float* tile) const {
        if (vector && !ALONG_K) {
            *reinterpret_cast<float4*>(tile + slot) = make_float4(next[0], next[1], next[2], next[3]);
        } else if (vector) {
#pragma unroll
            for (unsigned j = 0; j < 4; j++)
                tile[slot + j * PITCH] = next[j];
        } else {
#pragma unroll
            for (unsigned j = 0; j < 4; j++)
                tile[slot + j * (ALONG_K ? SPAN / 4 : 2 * PITCH)] = next[j];
        }
    }
};

/* Four neighbours of a row, from column on; those beyond the end are 0. */
__device__ __forceinline__ float4 load_columns(const float* row, unsigned column, unsigned end, bool vector) {
    if (vector)
        return column < end ? *reinterpret_cast<const float4*>(row + column) : zero_quad();
    return make_float4(
        column < end ? row[column] : 0.0f, column + 1 < end ? row[column + 1] : 0.0f, column + 2 < end ? row[column + 2] : 0.0f,
        column + 3 < end ? row[column + 3] : 0.0f);
}

__device__ __forceinline__ void store_columns(float* row, unsigned column, unsigned end, bool vector, float4 values) {
    if (vector) {
        if (column < end)
            *reinterpret_cast<float4*>(row + column) = values;
        return;
    }
    if (column < end)
        row[column] = values.x;
    if (column + 1 < end)
        row[column + 1] = values.y;
    if (column + 2 < end)
        row[column + 2] = values.z;
    if (column + 3 < end)
        row[column + 3] = values.w;
}

/* One tile of C, SPAN by SPAN, by 2 * SPAN threads: each has 8 rows and COLUMNS columns of it in registers. */
template <unsigned SPAN, unsigned COLUMNS, bool A_ALONG_K, bool B_ALONG_K>
__device__ __forceinline__ void multiply_tile(
    const float* __restrict__ a, const float* __restrict__ b, const float* __restrict__ bias, const float* residual, float* output,
    unsigned m_size, unsigned n_size, unsigned k_size, unsigned k_begin, unsigned k_end) {
    constexpr unsigned WARP_COLUMNS = 4 * COLUMNS, WARPS_ACROSS = SPAN / WARP_COLUMNS, PITCH = SPAN + 4;
    static_assert(SPAN / 64 * WARPS_ACROSS * 32 == 2 * SPAN, "a warp has 64 rows, and its 32 threads 8 rows each");
    __shared__ __align__(16) float a_tiles[2][DEPTH * PITCH], b_tiles[2][DEPTH * PITCH];

    const unsigned tiles_down = (m_size + SPAN - 1) / SPAN, tiles_across = (n_size + SPAN - 1) / SPAN;
    const unsigned group = blockIdx.x / (GROUP * tiles_across), within = blockIdx.x % (GROUP * tiles_across);
    const unsigned group_rows = min(GROUP, tiles_down - group * GROUP);
    const unsigned first_row = (group * GROUP + within % group_rows) * SPAN, first_column = within / group_rows * SPAN;

    /* The zigzag: lanes 2i and 2i + 1 share their rows, lanes i and i + 2 their columns, so that a load of 16 bytes per lane from
       shared memory takes two passes for the warp instead of four. */
    const unsigned warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const unsigned row = warp / WARPS_ACROSS * 64 + (lane >> 1 & 7) * 4;
    const unsigned column = warp % WARPS_ACROSS * WARP_COLUMNS + (lane & 1 | lane >> 3 & 2) * 4;

    float sums[8][COLUMNS];
#pragma unroll
    for (unsigned i = 0; i < 8; i++)
#pragma unroll
        for (unsigned j = 0; j < COLUMNS; j++)
            sums[i][j] = 0.0f;

    Operand<SPAN, A_ALONG_K> a_operand(a, first_row, m_size, k_size, k_begin);
    Operand<SPAN, B_ALONG_K> b_operand(b, first_column, n_size, k_size, k_begin);
    if (k_begin < k_end) {
        a_operand.load(k_begin, k_end);
        b_operand.load(k_begin, k_end);
        a_operand.store(a_tiles[0]);
        b_operand.store(b_tiles[0]);
    }
    __syncthreads(); /* the first tile is there before it is read */
    unsigned now = 0;
#pragma unroll 1
    for (unsigned k = k_begin; k < k_end; k += DEPTH) {
        const bool more = k_end - k > DEPTH;
        if (more) {
            a_operand.load(k + DEPTH, k_end);
            b_operand.load(k + DEPTH, k_end);
        }
        const float* a_tile = a_tiles[now] + row;
        const float* b_tile = b_tiles[now] + column;
#pragma unroll
        for (unsigned step = 0; step < DEPTH; step++) {
            float left[8], right[COLUMNS];
#pragma unroll
            for (unsigned i = 0; i < 8; i += 4)
                *reinterpret_cast<float4*>(left + i) = *reinterpret_cast<const float4*>(a_tile + step * PITCH + i * 8);
#pragma unroll
            for (unsigned j = 0; j < COLUMNS; j += 4)
                *reinterpret_cast<float4*>(right + j) = *reinterpret_cast<const float4*>(b_tile + step * PITCH + j * 4);
#pragma unroll
            for (unsigned i = 0; i < 8; i++)
#pragma unroll
                for (unsigned j = 0; j < COLUMNS; j++)
                    sums[i][j] = fmaf(left[i], right[j], sums[i][j]);
        }
        now ^= 1;
        if (more) {
            a_operand.store(a_tiles[now]);
            b_operand.store(b_tiles[now]);
        }
        __syncthreads(); /* the next tile is there before it is read, and this one has been read before the one after next overwrites it */
    }

    const bool vector = n_size % 4 == 0 && aligned16(output) && aligned16(residual) && aligned16(bias);
#pragma unroll
    for (unsigned j = 0; j < COLUMNS; j += 4) {
        const unsigned n = first_column + column + j * 4;
        const float4 bias_values = bias != nullptr ? load_columns(bias, n, n_size, vector) : zero_quad();
        /* Under way together: a store that may be to the same memory would hold up the next load. */
        float4 addends[8];
#pragma unroll
        for (unsigned i = 0; i < 8; i++) {
            const unsigned m = first_row + row + i / 4 * 32 + i % 4;
            addends[i] = residual != nullptr && m < m_size ? load_columns(residual + (long long)m * n_size, n, n_size, vector) : zero_quad();
        }
#pragma unroll
        for (unsigned i = 0; i < 8; i++) {
            const unsigned m = first_row + row + i / 4 * 32 + i % 4;
            const float4 values = make_float4(sums[i][j], sums[i][j + 1], sums[i][j + 2], sums[i][j + 3]) + bias_values + addends[i];
            if (m < m_size)
                store_columns(output + (long long)m * n_size, n, n_size, vector, values);
        }
    }
}

/* One split's share of the rows. The sums go onto dWeight, which is the addend too, or, without an addend, to the split's part of partials. */
template <unsigned SPAN, unsigned COLUMNS>
__device__ __forceinline__ void multiply_weight_tile(
    const float* __restrict__ d_output, const float* __restrict__ input, const float* addend, float* sums, int rows, int input_size, int output_size,
    int split_rows) {
    const unsigned begin = blockIdx.y * split_rows;
    const unsigned end = min(begin + split_rows, (unsigned)rows);
    sums += (long long)blockIdx.y * output_size * input_size;
    multiply_tile<SPAN, COLUMNS, false, false>(d_output, input, nullptr, addend, sums, output_size, input_size, rows, begin, end);
}

/* Large tiles: two blocks share a multiprocessor, so that one multiplies while the other waits at its barrier; hence 128 registers a thread. */
extern "C" __global__ void __launch_bounds__(256, 2)
k_matmul_forward(
    const float* __restrict__ input, const float* __restrict__ weight, const float* __restrict__ bias, const float* residual, float* output,
    int rows, int input_size, int output_size) {
    multiply_tile<128, 8, true, true>(input, weight, bias, residual, output, rows, output_size, input_size, 0, input_size);
}

extern "C" __global__ void __launch_bounds__(128)
k_matmul_forward_small(
    const float* __restrict__ input, const float* __restrict__ weight, const float* __restrict__ bias, const float* residual, float* output,
    int rows, int input_size, int output_size) {
    multiply_tile<64, 4, true, true>(input, weight, bias, residual, output, rows, output_size, input_size, 0, input_size);
}

extern "C" __global__ void __launch_bounds__(256, 2)
k_matmul_input(
    const float* __restrict__ d_output, const float* __restrict__ weight, float* d_input, int rows, int input_size, int output_size) {
    multiply_tile<128, 8, true, false>(d_output, weight, nullptr, nullptr, d_input, rows, input_size, output_size, 0, output_size);
}

extern "C" __global__ void __launch_bounds__(128)
k_matmul_input_small(
    const float* __restrict__ d_output, const float* __restrict__ weight, float* d_input, int rows, int input_size, int output_size) {
    multiply_tile<64, 4, true, false>(d_output, weight, nullptr, nullptr, d_input, rows, input_size, output_size, 0, output_size);
}

extern "C" __global__ void __launch_bounds__(256, 2)
k_matmul_weight(
    const float* __restrict__ d_output, const float* __restrict__ input, const float* addend, float* sums, int rows, int input_size, int output_size,
    int split_rows) {
    multiply_weight_tile<128, 8>(d_output, input, addend, sums, rows, input_size, output_size, split_rows);
}

extern "C" __global__ void __launch_bounds__(128)
k_matmul_weight_small(
    const float* __restrict__ d_output, const float* __restrict__ input, const float* addend, float* sums, int rows, int input_size, int output_size,
    int split_rows) {
    multiply_weight_tile<64, 4>(d_output, input, addend, sums, rows, input_size, output_size, split_rows);
}

/* dWeight += partials[0] + partials[1] + ..., in that order; each thread takes four neighbours. */
extern "C" __global__ void __launch_bounds__(256)
k_matmul_join(const float* __restrict__ partials, int splits, long long length, float* __restrict__ d_weight) {
    const long long first = 4 * ((long long)blockIdx.x * 256 + threadIdx.x);
    if (first >= length)
        return;
    const bool vector = length % 4 == 0 && aligned16(partials) && aligned16(d_weight);
    const unsigned count = (unsigned)min(4ll, length - first);
    float4 sum = load_columns(partials + first, 0, count, vector);
#pragma unroll 4
    for (int split = 1; split < splits; split++)
        sum = sum + load_columns(partials + split * length + first, 0, count, vector);
    store_columns(d_weight + first, 0, count, vector, load_columns(d_weight + first, 0, count, vector) + sum);
}
