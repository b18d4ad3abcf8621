/* attention.cuh: tiles of rows in shared memory, and the two products of tiles that attention is made of.
 *
 * A block has 64 threads: 8 groups of rows times 8 groups of columns. The thread of groups (r, c) has the rows r + 8 i, i < R, and of every
 * 32 columns the four from 4 c on. In both products it reads R + C vectors of four floats from shared memory for 4 R C multiply-adds.
 * Every sum runs in ascending order in one accumulator, so that forward and backward pass get the same bits for the same score.
 */
#pragma once

/* The host says what to compile for; the values here are those of a head of 33 to 64 floats, for who compiles the file alone. */
#ifndef ANDREA_HEAD_SIZE
#define ANDREA_HEAD_SIZE 64
#define ANDREA_HEAD_CHUNKED 0
#define ANDREA_FORWARD_ROWS 8
#define ANDREA_FORWARD_COLUMNS 8
#define ANDREA_QUERY_ROWS 8
#define ANDREA_QUERY_COLUMNS 4
#define ANDREA_KEY_ROWS 4
#define ANDREA_KEY_COLUMNS 4
#endif

constexpr int WIDTH = ANDREA_HEAD_SIZE;             /* floats of a head that a tile holds; zeros beyond the head's own */
constexpr bool CHUNKED = ANDREA_HEAD_CHUNKED != 0;  /* a head has more than WIDTH floats: blockIdx.y says which of them to compute */
constexpr int QUADS = WIDTH / 4;                    /* vectors of four floats in a tile's row */
constexpr int OWN = WIDTH / 8;                      /* columns of a result of WIDTH columns that one thread has */
constexpr int THREADS = 64, GROUPS = 8;
/* Blocks of a kernel that shall share a multiprocessor, where its registers suffice for so many without spills; older generations need more
 * registers for the same code. */
__device__ constexpr int blocks_from(int architecture) { return __CUDA_ARCH__ >= 10 * architecture ? 6 : 4; }
constexpr unsigned int ALL_LANES = 0xffffffffu;
static_assert(WIDTH % 32 == 0 && WIDTH > 0, "rows are permuted in groups of eight vectors");

__device__ __forceinline__ float minus_infinity() { return __uint_as_float(0xff800000u); }

/* exp(x); 0 below 2^-126. The instruction is within 2^-22. */
__device__ __forceinline__ float exponential(float x) {
    float power;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(x * 1.44269504f));
    return power;
}

/* Whether four floats at a time can be read: the tensor begins at a multiple of 16 bytes, and so does each head of it. */
__device__ __forceinline__ bool in_quads(const float* tensor, int head_size) {
    return head_size % 4 == 0 && ((unsigned long long)tensor & 15u) == 0;
}

/* Which rows and columns of a tile a thread has. Neighbouring lanes have the same columns, lanes two apart the same rows: loads of 16 bytes
 * in which one or the other share their address take two passes instead of four. */
struct Place {
    int row, column;
};

__device__ __forceinline__ Place place() {
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    return {4 * warp + 2 * (lane / 16) + lane % 2, lane / 2 % 8};
}

/* The eight lanes that share rows: their largest value, or their sum, the same for all of them. */
__device__ __forceinline__ float largest_of_row(float value) {
#pragma unroll
    for (int distance = 2; distance <= 8; distance *= 2)
        value = fmaxf(value, __shfl_xor_sync(ALL_LANES, value, distance));
    return value;
}

__device__ __forceinline__ float sum_of_row(float value) {
#pragma unroll
    for (int distance = 2; distance <= 8; distance *= 2)
        value += __shfl_xor_sync(ALL_LANES, value, distance);
    return value;
}

/* Within each eight vectors of a row they are permuted, so that threads which read the same column of different rows find them in different
 * banks: by the row group (BY_ROW) or the column group (BY_COLUMN) of the threads that read the row. */
enum Order { BY_ROW, BY_COLUMN };

template <Order order>
__device__ __forceinline__ int position_of(int row, int quad) {
    return row * QUADS + (quad ^ (order == BY_ROW ? row % 8 : row / 4 % 8));
}

/* Fills a tile with rows of a tensor times a factor, and zeros beyond. */
template <Order order, int ROWS>
__device__ __forceinline__ void load_tile(
    float4* __restrict__ tile, const float* __restrict__ source, long long stride, int rows, int columns, float factor, bool quads) {
    if (quads) {
#pragma unroll 8
        for (int i = threadIdx.x; i < ROWS * QUADS; i += THREADS) {
            const int row = i / QUADS, quad = i % QUADS;
            float4 x = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
            if (row < rows && 4 * quad < columns)
                x = *reinterpret_cast<const float4*>(source + row * stride + 4 * quad);
            tile[position_of<order>(row, quad)] = make_float4(x.x * factor, x.y * factor, x.z * factor, x.w * factor);
        }
    } else {
        float* __restrict__ floats = reinterpret_cast<float*>(tile);
#pragma unroll 4
        for (int i = threadIdx.x; i < ROWS * WIDTH; i += THREADS) {
            const int row = i / WIDTH, column = i % WIDTH;
            const float x = row < rows && column < columns ? source[row * stride + column] : 0.0f;
            floats[4 * position_of<order>(row, column / 4) + column % 4] = x * factor;
        }
    }
}

/* sums[row, column] += the product of a row of one tile (BY_ROW) and a row of the other (BY_COLUMN). */
template <int R, int C>
__device__ __forceinline__ void add_dots(float (&sums)[R][C], const float4* rows, const float4* columns, Place at) {
#pragma unroll (R * C > 32 ? 1 : 2)
    for (int quad = 0; quad < QUADS; quad++) { /* 128 multiply-adds or more in one round */
        float4 b[C];
#pragma unroll
        for (int j = 0; j < C; j++)
            b[j] = columns[(32 * (j / 4) + 4 * at.column + j % 4) * QUADS + (quad ^ at.column)];
#pragma unroll
        for (int i = 0; i < R; i++) {
            const float4 a = rows[(at.row + GROUPS * i) * QUADS + (quad ^ at.row)];
#pragma unroll
            for (int j = 0; j < C; j++)
                sums[i][j] = fmaf(a.x, b[j].x, sums[i][j]);
#pragma unroll
            for (int j = 0; j < C; j++)
                sums[i][j] = fmaf(a.y, b[j].y, sums[i][j]);
#pragma unroll
            for (int j = 0; j < C; j++)
                sums[i][j] = fmaf(a.z, b[j].z, sums[i][j]);
#pragma unroll
            for (int j = 0; j < C; j++)
                sums[i][j] = fmaf(a.w, b[j].w, sums[i][j]);
        }
    }
}

/* Stores a thread's weights as rows of a tile of 8 C columns. A warp reads and writes rows of its own only. */
template <int R, int C>
__device__ __forceinline__ void store_weights(float4* tile, const float (&weights)[R][C], Place at) {
#pragma unroll
    for (int i = 0; i < R; i++)
#pragma unroll
        for (int j = 0; j < C; j += 4)
            tile[(at.row + GROUPS * i) * 2 * C + 2 * j + (at.column ^ at.row)] =
                make_float4(weights[i][j], weights[i][j + 1], weights[i][j + 2], weights[i][j + 3]);
}

/* Which terms of a row's sum there are: term <= bound, or term >= bound. Others are left out, not multiplied by a weight of 0: what they
 * belong to may be NaN. */
enum Terms { ALL, UP_TO_BOUND, FROM_BOUND };

/* sums[row, :] += sum over terms of weights[row, term] * values[term, :]. bound is that of the thread's first row. */
template <Terms terms, int R, int C>
__device__ __forceinline__ void add_products(float (&sums)[R][OWN], const float4* weights, const float4* values, Place at, int bound) {
#pragma unroll 1
    for (int block = 0; block < 2 * C; block++) {
        float w[R][4];
#pragma unroll
        for (int i = 0; i < R; i++) {
            const float4 four = weights[(at.row + GROUPS * i) * 2 * C + (block ^ at.row)];
            w[i][0] = four.x;
            w[i][1] = four.y;
            w[i][2] = four.z;
            w[i][3] = four.w;
        }
#pragma unroll
        for (int k = 0; k < 4; k++) {
            const int term = 4 * block + k;
            float4 v[OWN / 4];
#pragma unroll
            for (int n = 0; n < OWN / 4; n++)
                v[n] = values[term * QUADS + GROUPS * n + (at.column ^ (block % 8))];
#pragma unroll
            for (int i = 0; i < R; i++) {
                const int limit = bound + GROUPS * i;
                if (terms == ALL || (terms == UP_TO_BOUND ? term <= limit : term >= limit)) {
#pragma unroll
                    for (int n = 0; n < OWN / 4; n++) {
                        sums[i][4 * n] = fmaf(w[i][k], v[n].x, sums[i][4 * n]);
                        sums[i][4 * n + 1] = fmaf(w[i][k], v[n].y, sums[i][4 * n + 1]);
                        sums[i][4 * n + 2] = fmaf(w[i][k], v[n].z, sums[i][4 * n + 2]);
                        sums[i][4 * n + 3] = fmaf(w[i][k], v[n].w, sums[i][4 * n + 3]);
                    }
                }
            }
        }
    }
}

/* Stores a thread's row of a result, times a factor. columns counts those that the head has from the tile's first on. */
__device__ __forceinline__ void store_row(float* __restrict__ target, const float (&row)[OWN], float factor, int columns, bool quads, Place at) {
#pragma unroll
    for (int n = 0; n < OWN / 4; n++) {
        const int first = 32 * n + 4 * at.column;
        const float4 x = make_float4(row[4 * n] * factor, row[4 * n + 1] * factor, row[4 * n + 2] * factor, row[4 * n + 3] * factor);
        if (quads) {
            if (first < columns)
                *reinterpret_cast<float4*>(target + first) = x;
        } else {
            if (first < columns)
                target[first] = x.x;
            if (first + 1 < columns)
                target[first + 1] = x.y;
            if (first + 2 < columns)
                target[first + 2] = x.z;
            if (first + 3 < columns)
                target[first + 3] = x.w;
        }
    }
}

/* One head of one sequence: where its rows begin, and how far one token's row is from the next. */
struct Head {
    long long qkv_offset, qkv_stride, part; /* part: from queries to keys, and from keys to values */
    long long offset, stride;               /* in tensors of shape (B, T, H, D) */
    long long row;                          /* in tensors of shape (B, H, T) */
    int first, columns;                     /* the columns that this block computes: the first, and how many the head has from there on */
};

__device__ __forceinline__ Head head_of(int pair, int tokens, int heads, int head_size) {
    const long long sequence = pair / heads, head = pair % heads;
    Head at;
    at.part = (long long)heads * head_size;
    at.qkv_stride = 3 * at.part;
    at.qkv_offset = sequence * tokens * at.qkv_stride + head * head_size;
    at.stride = at.part;
    at.offset = sequence * tokens * at.stride + head * head_size;
    at.row = (long long)pair * tokens;
    at.first = CHUNKED ? blockIdx.y * WIDTH : 0;
    at.columns = head_size - at.first;
    return at;
}

__device__ __forceinline__ int chunks_of(int head_size) { return CHUNKED ? (head_size + WIDTH - 1) / WIDTH : 1; }
