/* activation.cu: the MLP's nonlinearity and its backward pass, element by element.
 * @formula   GELU: y = x / (1 + e^(-2u)), u = sqrt(2/pi) (x + 0.044715 x^3); ReLU: y = x <= 0 ? 0 : x; dx = dy * f'(x)
 * @entry     k_gelu_fwd   grid N / 2048   block 256   shared 0 bytes
 * @entry     k_gelu_bwd   grid N / 2048   block 256   shared 0 bytes
 * @entry     k_relu_fwd   grid N / 2048   block 256   shared 0 bytes
 * @entry     k_relu_bwd   grid N / 2048   block 256   shared 0 bytes
 * @buffer    input f32 (N) in; output f32 (N) out, may be the input; d_output f32 (N) in; d_input f32 (N) out, may be d_output
 * @numerics  f32, some ulp; the sigmoid of 2u keeps its digits where tanh(u) nears -1; equal bits wherever an element lies
 * @nonfinite NaN stays NaN; GELU of -Inf and its slope at both are NaN as in PyTorch; ReLU's gradient is 0 where x <= 0, whatever dy holds
 * @limits    N < 2^42; pointers aligned to 4 bytes (16 gives the vector path, with the same bits)
 * @managed   Andrea.Cuda.Activation.ActivationKernels    @reference Andrea.Cpu.Reference.ReferenceBackend
 * @test      ActivationKernelTests
 * @source    arXiv:1606.08415
 */
#include "quads.cuh"

constexpr int THREADS = 256;
constexpr int QUADS = 2; /* quads of a thread, loaded together */
constexpr int PIECE = THREADS * QUADS * 4;

/* 2u = x (LINEAR + CUBIC x^2); its derivative is LINEAR + 3 CUBIC x^2. */
constexpr float LINEAR = 1.5957691216f;
constexpr float CUBIC = 0.07135481283f;

/* Beyond it e^(-|2u|) is 0, and x^2 is far from overflow. */
constexpr float SATURATED_AT = 16.0f;

struct GeluForward {
    /* x^2 may overflow: then 2u is +-Inf, and the exponential 0 or Inf, as it should be. */
    static __device__ __forceinline__ float apply(float x, float) { return x / (1.0f + expf(-x * fmaf(x * x, CUBIC, LINEAR))); }
};

struct GeluBackward {
    /* dy * (s + x s (1 - s) (2u)'), with s the sigmoid of 2u. */
    static __device__ __forceinline__ float apply(float x, float dy) {
        /* Comparisons that NaN passes through, unlike fminf and fmaxf. */
        const float clamped = x > SATURATED_AT ? SATURATED_AT : x < -SATURATED_AT ? -SATURATED_AT : x;
        const float square = clamped * clamped;
        const float slope_of_2u = fmaf(square, 3.0f * CUBIC, LINEAR);
        /* From e = e^(-|2u|) <= 1 both s and s (1 - s) come without overflow and without cancellation. */
        const float e = expf(-fabsf(clamped * fmaf(square, CUBIC, LINEAR)));
        const float upper = 1.0f / (1.0f + e), lower = e * upper;
        return dy * fmaf(x * (lower * upper), slope_of_2u, x < 0.0f ? lower : upper);
    }
};

struct ReluForward {
    static __device__ __forceinline__ float apply(float x, float) { return x <= 0.0f ? 0.0f : x; }
};

struct ReluBackward {
    static __device__ __forceinline__ float apply(float x, float dy) { return x <= 0.0f ? 0.0f : dy; }
};

template <typename Function>
__device__ __forceinline__ float4 apply4(float4 x, float4 dy) {
    return make_float4(
        Function::apply(x.x, dy.x), Function::apply(x.y, dy.y), Function::apply(x.z, dy.z), Function::apply(x.w, dy.w));
}

/* One block per piece. Not __restrict__: the target may be one of the sources. Each thread reads an element before it writes it. */
template <typename Function>
__device__ __forceinline__ void activate(const float* input, const float* d_output, long long length, float* target) {
    const long long start = (long long)blockIdx.x * PIECE;
    const int count = (int)min(length - start, (long long)PIECE);
    input += start;
    d_output += start;
    target += start;
    int done = 0;
    if (aligned16(input) && aligned16(d_output) && aligned16(target)) {
        done = count / 4 * 4;
        float4 x[QUADS], dy[QUADS];
#pragma unroll
        for (int k = 0; k < QUADS; k++) {
            const int q = threadIdx.x + k * THREADS;
            x[k] = load_quad<true>(input, q, done);
            dy[k] = load_quad<true>(d_output, q, done);
        }
#pragma unroll
        for (int k = 0; k < QUADS; k++)
            store_quad<true>(target, threadIdx.x + k * THREADS, done, apply4<Function>(x[k], dy[k]));
    }
    for (int i = done + threadIdx.x; i < count; i += THREADS)
        target[i] = Function::apply(input[i], d_output[i]);
}

extern "C" __global__ void __launch_bounds__(256)
k_gelu_fwd(const float* input, long long length, float* output) {
    activate<GeluForward>(input, input, length, output);
}

extern "C" __global__ void __launch_bounds__(256)
k_gelu_bwd(const float* input, const float* d_output, long long length, float* d_input) {
    activate<GeluBackward>(input, d_output, length, d_input);
}

extern "C" __global__ void __launch_bounds__(256)
k_relu_fwd(const float* input, long long length, float* output) {
    activate<ReluForward>(input, input, length, output);
}

extern "C" __global__ void __launch_bounds__(256)
k_relu_bwd(const float* input, const float* d_output, long long length, float* d_input) {
    activate<ReluBackward>(input, d_output, length, d_input);
}
