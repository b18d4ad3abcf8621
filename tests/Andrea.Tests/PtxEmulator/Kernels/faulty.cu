// Kernels with one mistake each, which the emulator must find; the test looks for the line of the comment that names it.
extern "C" {

__global__ void k_out_of_bounds(const float* in, float* out, int count)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    out[i] = in[0]; // k_out_of_bounds
}

__global__ void k_tail(const float* in, float* out, int count)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i <= count)
        out[i] = 2.0f; // k_tail
}

__global__ void k_uninitialized(const float* in, float* out, int count)
{
    __shared__ float tile[64];
    if (threadIdx.x < 63)
        tile[threadIdx.x] = in[threadIdx.x % count];
    __syncthreads();
    if (threadIdx.x == 0)
        out[0] = tile[63]; // k_uninitialized
}

__global__ void k_misaligned(const float* in, float* out, int count)
{
    if (threadIdx.x < 4)
        *(float4*)(out + threadIdx.x) = make_float4(1, 2, 3, 4); // k_misaligned
}

__global__ void k_divergent(const float* in, float* out, int count)
{
    if (threadIdx.x < 32)
        __syncthreads(); // k_divergent
    out[0] = 1;
}

__global__ void k_race(const float* in, float* out, int count)
{
    __shared__ float tile[64];
    tile[threadIdx.x] = 0;
    __syncthreads();
    tile[threadIdx.x] = threadIdx.x; // k_race
    float other = tile[63 - threadIdx.x];
    if (threadIdx.x < count)
        out[threadIdx.x] = other;
}

__global__ void k_null(const float* in, float* out, int count)
{
    const float* nothing = reinterpret_cast<const float*>((long long)(count - 10));
    out[0] = nothing[threadIdx.x]; // k_null
}
}
