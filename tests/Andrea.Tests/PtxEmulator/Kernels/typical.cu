// Kernels of the kinds that training needs, for the emulator's tests only: what NVRTC makes of such code must be known to it.
extern "C" {

__device__ __forceinline__ float warp_sum(float value)
{
    for (int offset = 16; offset > 0; offset >>= 1)
        value += __shfl_xor_sync(0xffffffffu, value, offset);
    return value;
}

// The sum of squares of each block in double, and by a ticket the total by the last block.
__global__ void __launch_bounds__(256) k_norm(const float* __restrict__ values, double* sums, unsigned* ticket, long long count)
{
    __shared__ double warps[8];
    __shared__ bool is_last;
    double sum = 0;
    const long long stride = (long long)gridDim.x * blockDim.x;
    for (long long i = threadIdx.x + (long long)blockIdx.x * blockDim.x; i < count / 4; i += stride) {
        float4 v = reinterpret_cast<const float4*>(values)[i];
        sum += (double)v.x * v.x + (double)v.y * v.y + (double)v.z * v.z + (double)v.w * v.w;
    }
    if (blockIdx.x == 0 && threadIdx.x < count % 4) {
        double v = values[count / 4 * 4 + threadIdx.x];
        sum += v * v;
    }
    for (int offset = 16; offset > 0; offset >>= 1)
        sum += __shfl_down_sync(0xffffffffu, sum, offset);
    if (threadIdx.x % 32 == 0)
        warps[threadIdx.x / 32] = sum;
    __syncthreads();
    if (threadIdx.x == 0) {
        double total = 0;
        for (int w = 0; w < 8; w++)
            total += warps[w];
        sums[1 + blockIdx.x] = total;
        __threadfence();
        is_last = atomicAdd(ticket, 1u) == gridDim.x - 1;
    }
    __syncthreads();
    if (is_last && threadIdx.x == 0) {
        double total = 0;
        for (unsigned b = 0; b < gridDim.x; b++)
            total += ((volatile double*)sums)[1 + b];
        sums[0] = sqrt(total);
    }
}

// C = A B^T in tiles of 32 x 32, four results a thread.
__global__ void k_matmul(const float* __restrict__ a, const float* __restrict__ b, float* __restrict__ c, int rows, int columns, int depth)
{
    __shared__ float tile_a[32][33], tile_b[32][33];
    float sums[4] = {};
    const int x = threadIdx.x, y = threadIdx.y;
    const long long row = blockIdx.y * 32LL, column = blockIdx.x * 32LL;
    for (int k = 0; k < depth; k += 32) {
        for (int i = y; i < 32; i += 8) {
            tile_a[i][x] = row + i < rows && k + x < depth ? a[(row + i) * depth + k + x] : 0.0f;
            tile_b[i][x] = column + i < columns && k + x < depth ? b[(column + i) * depth + k + x] : 0.0f;
        }
        __syncthreads();
#pragma unroll
        for (int j = 0; j < 32; j++)
            for (int i = 0; i < 4; i++)
                sums[i] = fmaf(tile_a[y + 8 * i][j], tile_b[x][j], sums[i]);
        __syncthreads();
    }
    for (int i = 0; i < 4; i++)
        if (row + y + 8 * i < rows && column + x < columns)
            c[(row + y + 8 * i) * columns + column + x] = sums[i];
}

// One warp per row: softmax with a running maximum, then the row's norm and its activation.
__global__ void k_row(const float* __restrict__ in, float* __restrict__ out, int rows, int width)
{
    const int row = blockIdx.x * blockDim.y + threadIdx.y, lane = threadIdx.x;
    if (row >= rows)
        return;
    const float* x = in + (long long)row * width;
    float largest = -__int_as_float(0x7f800000), sum = 0;
    for (int i = lane; i < width; i += 32) {
        float next = fmaxf(largest, x[i]);
        sum = sum * expf(largest - next) + expf(x[i] - next);
        largest = next;
    }
    float all = largest;
    for (int offset = 16; offset > 0; offset >>= 1)
        all = fmaxf(all, __shfl_xor_sync(0xffffffffu, all, offset));
    sum = warp_sum(largest == -__int_as_float(0x7f800000) ? 0.0f : sum * expf(largest - all));
    float mean = 0, square = 0;
    for (int i = lane; i < width; i += 32) {
        float p = expf(x[i] - all) / sum;
        mean += p;
        square += p * p;
    }
    mean = warp_sum(mean) / width;
    float scale = rsqrtf(warp_sum(square) / width - mean * mean + 1e-5f);
    for (int i = lane; i < width; i += 32) {
        float v = (expf(x[i] - all) / sum - mean) * scale;
        out[(long long)row * width + i] = 0.5f * v * (1.0f + tanhf(0.7978845608f * (v + 0.044715f * v * v * v)));
    }
}

// Double mathematics, with a function that the compiler does not inline.
__global__ void k_double(const double* __restrict__ in, double* __restrict__ out, int count)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count)
        return;
    const double x = in[i];
    double* y = out + 6LL * i;
    y[0] = sqrt(x);
    y[1] = 1.0 / x;
    y[2] = exp(-x);
    y[3] = log(x);
    y[4] = pow(0.999, x);
    y[5] = (double)(long long)(x * 1000.0) + floor(x);
}

// Gradients of an embedding: one warp per token, positions in their order, no atomics.
__global__ void k_scatter(const int* __restrict__ tokens, const float* __restrict__ grad, float* __restrict__ table, int count, int width)
{
    const int token = blockIdx.x;
    for (int c = threadIdx.x; c < width; c += blockDim.x) {
        float sum = 0;
        for (int t = 0; t < count; t++)
            if (tokens[t] == token)
                sum += grad[(long long)t * width + c];
        table[(long long)token * width + c] = sum;
    }
}
}
