/* stabilizer.cu: AdamW with what keeps it from spikes, decided tensor by tensor: UpdateRms (0), SPAM (1), Stable-SPAM (2).
 * @formula   0: lr /= max(1, sqrt(mean(g^2 / max(v, eps^2)))); 1: nothing to sum; 2: g > T ? g T / max : g, g *= mean / sqrt(mean of squares)
 *            of past norms over this one
 * @entry     k_update_rms_partial   grid chunks              block 256   shared 96 bytes
 * @entry     k_spike_norm_partial   grid chunks              block 256   shared 64 bytes
 * @entry     k_stabilizer_final     grid ceil(tensors / 8)   block 256   shared 0 bytes
 * @entry     k_adamw_stabilized            grid max(1, 8 * chunks)   block 256   shared 68 bytes
 * @entry     k_adamw_stabilized_measured   grid max(1, chunks)       block 256   shared 424 bytes
 * @buffer    chunks Chunk (C), settings StabilizerSettings (1), warmup f64 (warmup steps), state AdamWState (1), clip ClipState (1) or null,
 *            norms TensorNorm (tensors) or null in; gradients and second moments f32 (N) in; partials f64 (C); history TensorHistory (tensors)
 *            in, out; steps TensorStep (tensors) out, in of the update, whose other buffers are those of adamw.cu
 * @numerics  terms in f64, in the order that IGradientOps fixes; decisions as StabilizerDecision says; equal bits on every GPU and on the CPU
 * @nonfinite clip->skip leaves history and steps as they are; where a gradient is not finite, or absent, the tensor's history stays as it is
 * @limits    N < 2^63; C < 2^28; pointers aligned to 4 bytes (16 gives the vector path, with the same bits)
 * @managed   Andrea.Cuda.Gradients.UpdateKernels    @reference Andrea.Cpu.Reference.ReferenceBackend
 * @test      UpdateParityTests
 * @source    arXiv:2304.13013, arXiv:2501.06842, arXiv:2502.17055; the authors' code (read, not copied)
 */
#include "updates.cuh"

constexpr int UPDATE_RMS = 0, SPAM = 1;

/* Terms of UpdateRms: g^2 / max(vHat, epsilon^2), v as the update will make it. */
struct RatioTerms {
    static constexpr bool READS_MOMENTS = true;
    double coefficient;
    Measure measure;
    float beta2, rest2;

    __device__ __forceinline__ double of(float g, float v) const {
        if (coefficient != 1.0)
            g = scaled(g, coefficient);
        const double v_hat = __dmul_rn((double)second_moment_after(beta2, rest2, g, v), measure.correction);
        return __ddiv_rn(__dmul_rn((double)g, (double)g), v_hat < measure.floor ? measure.floor : v_hat);
    }
};

/* Terms of Stable-SPAM: g^2, g clipped to the limit. */
struct SquareTerms {
    static constexpr bool READS_MOMENTS = false;
    double coefficient, shrink;
    float limit;

    __device__ __forceinline__ double of(float g, float) const {
        if (coefficient != 1.0)
            g = scaled(g, coefficient);
        if (fabsf(g) > limit)
            g = scaled(g, shrink);
        return __dmul_rn((double)g, (double)g);
    }
};

template <bool WHOLE, class TERMS>
__device__ __forceinline__ void add_quad(const TERMS& terms, const float* __restrict__ g, const float* __restrict__ v, int q, int count, Quad& sum) {
    const float4 a = load_quad<WHOLE>(g, q, count), b = TERMS::READS_MOMENTS ? load_quad<WHOLE>(v, q, count) : zero_quad();
    const int rest = count - 4 * q;
    sum.a[0] = __dadd_rn(sum.a[0], terms.of(a.x, b.x));
    if (WHOLE || rest > 1)
        sum.a[1] = __dadd_rn(sum.a[1], terms.of(a.y, b.y));
    if (WHOLE || rest > 2)
        sum.a[2] = __dadd_rn(sum.a[2], terms.of(a.z, b.z));
    if (WHOLE || rest > 3)
        sum.a[3] = __dadd_rn(sum.a[3], terms.of(a.w, b.w));
}

/* The sum of a chunk, a warp per strip; element i of a strip goes to accumulator i mod 128, i ascending. */
template <class TERMS>
__device__ __forceinline__ void sum_chunk(const TERMS& terms, const Chunk& chunk, double* strip_sums, double* __restrict__ partial) {
    const int strip = threadIdx.x / WARP, lane = threadIdx.x % WARP, start = strip * STRIP_LENGTH;
    const int count = min(chunk.length - start, STRIP_LENGTH);
    const float* __restrict__ g = in_global(chunk.gradient) + start;
    const float* __restrict__ v = in_global(chunk.second_moment) + start;
    Quad sum = {};
    int q = lane;
    if (aligned16(g) && (!TERMS::READS_MOMENTS || aligned16(v))) {
#pragma unroll 2
        for (; 4 * q + 4 <= count; q += WARP)
            add_quad<true>(terms, g, v, q, count, sum);
    }
#pragma unroll 1
    for (; 4 * q < count; q += WARP)
        add_quad<false>(terms, g, v, q, count, sum);
    const double joined = join_strip(sum);
    if (lane == 0)
        strip_sums[strip] = joined;
    __syncthreads(); /* every strip's sum is there before they are joined */
    if (threadIdx.x == 0)
        *partial = join_chunk(strip_sums);
}

/* One block per chunk, one warp per strip. */
extern "C" __global__ void __launch_bounds__(STRIPS * WARP)
k_update_rms_partial(
    const Chunk* __restrict__ chunks, double beta2, double epsilon, const AdamWState* __restrict__ state, const ClipState* __restrict__ clip,
    const TensorNorm* __restrict__ norms, double* __restrict__ partials) {
    __shared__ RatioTerms terms;
    __shared__ double strip_sums[STRIPS];
    if (skips(clip))
        return;
    const Chunk chunk = chunks[blockIdx.x];
    if (threadIdx.x == 0) {
        terms.coefficient = coefficient_of(norms, chunk.tensor);
        terms.measure = {__ddiv_rn(1.0, __dsub_rn(1.0, __dmul_rn(state->beta2_power, beta2))), __dmul_rn(epsilon, epsilon)};
        terms.beta2 = __double2float_rn(beta2);
        terms.rest2 = __double2float_rn(__dsub_rn(1.0, beta2));
    }
    __syncthreads(); /* the scalars are there before anyone uses them */
    sum_chunk(terms, chunk, strip_sums, partials + blockIdx.x);
}

/* What is known of a tensor's spikes before its norm is. StabilizerDecision.LimitOf, line by line. */
struct SpikeLimit {
    double average, power, shrink;
    float limit;
    bool is_known, clips;
};

__device__ SpikeLimit limit_of(const StabilizerSettings& settings, const TensorHistory& history, const TensorNorm& found) {
    const float largest = found.coefficient == 1.0 ? found.max_magnitude : scaled(found.max_magnitude, found.coefficient);
    const float infinity = __uint_as_float(INFINITY_BITS);
    if (!(largest < infinity))
        return {0.0, 0.0, 1.0, infinity, false, false};
    SpikeLimit limit;
    limit.average = __dadd_rn(
        __dmul_rn(settings.maximum_decay, history.maximum), __dmul_rn(__dsub_rn(1.0, settings.maximum_decay), (double)largest));
    limit.power = __dmul_rn(history.maximum_power, settings.maximum_decay);
    const double usual = __ddiv_rn(limit.average, __dsub_rn(1.0, limit.power));
    limit.limit = __double2float_rn(usual);
    limit.clips = largest > limit.limit;
    limit.shrink = limit.clips ? __ddiv_rn(usual, (double)largest) : 1.0;
    limit.is_known = true;
    return limit;
}

/* One block per chunk, one warp per strip. Moves no memory for a tensor without spikes, whose norm is known. */
extern "C" __global__ void __launch_bounds__(STRIPS * WARP)
k_spike_norm_partial(
    const Chunk* __restrict__ chunks, const StabilizerSettings* __restrict__ settings, const TensorHistory* __restrict__ history,
    const ClipState* __restrict__ clip, const TensorNorm* __restrict__ norms, double* __restrict__ partials) {
    __shared__ double strip_sums[STRIPS];
    if (skips(clip))
        return;
    const Chunk chunk = chunks[blockIdx.x];
    const SpikeLimit limit = limit_of(*settings, history[chunk.tensor], norms[chunk.tensor]);
    if (!limit.clips)
        return;
    const SquareTerms terms = {norms[chunk.tensor].coefficient, limit.shrink, limit.limit};
    sum_chunk(terms, chunk, strip_sums, partials + blockIdx.x);
}

__device__ TensorStep plain_step() { return {1.0, 1.0, 1.0, 1.0, __uint_as_float(INFINITY_BITS), 0.0f, 0, 0}; }

__device__ bool resets_at(const StabilizerSettings& settings, long long number) {
    return settings.reset_every > 0 && number % settings.reset_every == 0;
}

/* A tensor's chunks, dealt to the lanes of a warp; lane 0 gets the sum. */
__device__ __forceinline__ double sum_partials(const double* __restrict__ partials, int first, int end, int lane) {
    double sum = 0.0;
    for (int chunk = first + lane; chunk < end; chunk += WARP)
        sum = __dadd_rn(sum, partials[chunk]);
    return join_lanes(sum);
}

/* StabilizerDecision.OfRatios, line by line. */
__device__ TensorStep step_of_ratios(double sum, long long count) {
    TensorStep step = plain_step();
    const double rms = __dsqrt_rn(__ddiv_rn(sum, (double)count));
    if (rms > 1.0)
        step.rate_scale = step.decay_scale = __ddiv_rn(1.0, rms);
    return step;
}

/* StabilizerDecision.OfNumber, line by line. */
__device__ TensorStep step_of_number(const StabilizerSettings& settings, const double* __restrict__ warmup, long long number) {
    TensorStep step = plain_step();
    const long long since_reset = settings.reset_every > 0 ? number % settings.reset_every : number;
    if (since_reset >= settings.grace_steps)
        step.spike_root = __double2float_rn(settings.spike_root);
    if (settings.reset_every > 0 && number >= settings.reset_every && since_reset < settings.warmup_steps)
        step.rate_scale = warmup[since_reset];
    step.reset = resets_at(settings, number) ? 1 : 0;
    return step;
}

/* StabilizerDecision.OfNorm, line by line. */
__device__ TensorStep step_of_norm(
    const StabilizerSettings& settings, const SpikeLimit& limit, double norm, bool is_present, bool reset, TensorHistory* history) {
    TensorStep step = plain_step();
    step.reset = reset ? 1 : 0;
    if (!is_present || !limit.is_known || !(norm < __longlong_as_double(0x7ff0000000000000ll)))
        return step;
    TensorHistory h = *history;
    h.maximum = limit.average;
    h.maximum_power = limit.power;
    h.norm = __dadd_rn(__dmul_rn(settings.norm_decay, h.norm), __dmul_rn(__dsub_rn(1.0, settings.norm_decay), norm));
    h.square = __dadd_rn(
        __dmul_rn(settings.square_decay, h.square), __dmul_rn(__dsub_rn(1.0, settings.square_decay), __dmul_rn(norm, norm)));
    h.norm_power = __dmul_rn(h.norm_power, settings.norm_decay);
    h.square_power = __dmul_rn(h.square_power, settings.square_decay);
    *history = h;
    const double usual = __ddiv_rn(h.norm, __dsub_rn(1.0, h.norm_power));
    const double root = __dadd_rn(__dsqrt_rn(__ddiv_rn(h.square, __dsub_rn(1.0, h.square_power))), settings.epsilon);
    step.limit = limit.limit;
    step.shrink = limit.shrink;
    if (norm > 0.0)
        step.gradient_scale = __ddiv_rn(__ddiv_rn(usual, root), norm);
    return step;
}

/* A warp per tensor joins its chunks, and decides. */
extern "C" __global__ void __launch_bounds__(256)
k_stabilizer_final(
    const Chunk* __restrict__ chunks, const int* __restrict__ first_chunks, int tensor_count, const StabilizerSettings* __restrict__ settings,
    const double* __restrict__ warmup, const AdamWState* __restrict__ state, const ClipState* __restrict__ clip,
    const TensorNorm* __restrict__ norms, const double* __restrict__ partials, TensorHistory* history, TensorStep* __restrict__ steps) {
    const int tensor = (int)(blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP), lane = threadIdx.x % WARP;
    if (tensor >= tensor_count || skips(clip))
        return;
    const int first = first_chunks[tensor], end = first_chunks[tensor + 1];
    const long long number = state->step + 1;
    if (settings->kind == SPAM) {
        if (lane == 0)
            steps[tensor] = step_of_number(*settings, warmup, number);
        return;
    }
    if (settings->kind == UPDATE_RMS) {
        const double sum = sum_partials(partials, first, end, lane);
        const bool is_empty = first == end || chunks[end - 1].length == 0;
        if (lane == 0)
            steps[tensor] = step_of_ratios(sum, is_empty ? 0 : chunks[end - 1].start + chunks[end - 1].length);
        return;
    }
    const SpikeLimit limit = limit_of(*settings, history[tensor], norms[tensor]);
    const double norm = limit.clips ? __dsqrt_rn(sum_partials(partials, first, end, lane)) : norms[tensor].norm_after;
    const bool is_present = first < end && chunks[first].length > 0;
    __syncwarp(); /* every lane has read the history before the first goes on with it */
    if (lane == 0)
        steps[tensor] = step_of_norm(*settings, limit, norm, is_present, resets_at(*settings, number), history + tensor);
}

/* AdamW's scalars with what was decided. */
struct StabilizedScalars {
    Scalars adamw;
    TensorStep step;

    __device__ __forceinline__ float update(float g, float& p, float& m, float& v) const {
        g = adamw.clipped(g);
        if (fabsf(g) > step.limit)
            g = scaled(g, step.shrink);
        if (step.gradient_scale != 1.0)
            g = scaled(g, step.gradient_scale);
        if (step.spike_root > 0.0f) {
            const float top = __fmul_rn(step.spike_root, __fsqrt_rn(v));
            if (v > 0.0f && fabsf(g) > top)
                g = __uint_as_float(__float_as_uint(top) | (__float_as_uint(g) & ~MAGNITUDE_MASK)); /* g's sign */
        }
        if (step.reset != 0)
            m = v = 0.0f;
        adamw.update_clipped(g, p, m, v);
        return g;
    }

    __device__ __forceinline__ double second_moment(float v) const { return (double)v; }
};

__device__ StabilizedScalars stabilized_of(
    double beta1, double beta2, double epsilon, const AdamWState& before, const AdamWTensor* __restrict__ tensors, double learning_rate,
    const TensorNorm* __restrict__ norms, const TensorStep* __restrict__ steps, int tensor) {
    const TensorStep step = steps[tensor];
    return {
        scalars_of(
            beta1, beta2, epsilon, before, tensors[tensor], learning_rate, coefficient_of(norms, tensor), step.rate_scale, step.decay_scale),
        step};
}

/* What bias corrections go by: they may begin anew with the moments. */
__device__ AdamWState progress_before(const AdamWState& state, const StabilizerSettings& settings) {
    const bool anew = settings.restarts_correction != 0 && settings.reset_every > 0 && (state.step + 1) % settings.reset_every == 0;
    return {state.step, anew ? 1.0 : state.beta1_power, anew ? 1.0 : state.beta2_power};
}

/* AdamW's step with what k_stabilizer_final has decided. One block per strip. */
extern "C" __global__ void __launch_bounds__(256)
k_adamw_stabilized(
    const Chunk* __restrict__ chunks, int chunk_count, const AdamWTensor* __restrict__ tensors, double beta1, double beta2, double epsilon,
    const double* __restrict__ learning_rate, AdamWState* state, const ClipState* __restrict__ clip, const TensorNorm* __restrict__ norms,
    unsigned int* ticket, const StabilizerSettings* __restrict__ settings, const TensorStep* __restrict__ steps) {
    __shared__ StabilizedScalars scalars;
    if (skips(clip))
        return;
    const int index = (int)(blockIdx.x / STRIPS), start = (int)(blockIdx.x % STRIPS) * STRIP_LENGTH;
    const int count = index < chunk_count ? min(chunks[index].length - start, STRIP_LENGTH) : 0;
    AdamWState before;
    if (threadIdx.x == 0) {
        before = progress_before(*state, *settings);
        if (count > 0)
            scalars = stabilized_of(beta1, beta2, epsilon, before, tensors, *learning_rate, norms, steps, chunks[index].tensor);
    }
    __syncthreads(); /* the scalars are there before anyone uses them */
    if (count > 0) {
        const Chunk chunk = chunks[index];
        update_strip(
            scalars, in_global(chunk.gradient) + start, in_global(chunk.parameter) + start, in_global(chunk.first_moment) + start,
            in_global(chunk.second_moment) + start, count);
    }
    if (threadIdx.x == 0)
        advance(state, before, beta1, beta2, ticket);
}

/* The same, measured. One block per chunk, one warp per strip. */
extern "C" __global__ void __launch_bounds__(STRIPS * WARP)
k_adamw_stabilized_measured(
    const Chunk* __restrict__ chunks, int chunk_count, const AdamWTensor* __restrict__ tensors, double beta1, double beta2, double epsilon,
    const double* __restrict__ learning_rate, AdamWState* state, const ClipState* __restrict__ clip, const TensorNorm* __restrict__ norms,
    unsigned int* ticket, const StabilizerSettings* __restrict__ settings, const TensorStep* __restrict__ steps,
    UpdateSums* __restrict__ partials) {
    __shared__ StabilizedScalars scalars;
    __shared__ Measure measure;
    __shared__ double strip_sums[SUMS][STRIPS];
    const bool skip = skips(clip);
    const int index = (int)blockIdx.x;
    AdamWState before;
    if (threadIdx.x == 0 && !skip) {
        before = progress_before(*state, *settings);
        if (index < chunk_count) {
            scalars = stabilized_of(beta1, beta2, epsilon, before, tensors, *learning_rate, norms, steps, chunks[index].tensor);
            measure = measure_of(before, beta2, epsilon);
        }
    }
    __syncthreads(); /* the scalars are there before anyone uses them */
    if (index < chunk_count) {
        const Chunk chunk = chunks[index];
        update_chunk_measured(scalars, measure, chunk, skip, strip_sums, partials + index);
    }
    if (threadIdx.x == 0 && !skip)
        advance(state, before, beta1, beta2, ticket);
}
