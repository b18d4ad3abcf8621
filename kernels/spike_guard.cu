/* spike_guard.cu: skips the step whose loss or norm stands far above its recent ones; between the clip's decision and the update.
 * @formula   z = (x - max(newer median, line)) / max(1.4826 MAD from the line, share |newer median|, 0.005 for a loss); skip when z > threshold; accepted
 *            values enter the windows
 * @entry     k_spike_guard   grid 1   block 256   shared 2072 bytes
 * @buffer    loss f64 (1) in; windows f64 (2 capacity) in, out; state SpikeState (1) in, out; clip ClipState (1) in, out;
 *            norms TensorNorm (tensors) out, of a skipped step alone
 * @numerics  f64, each operation rounded by itself; medians by rank, so by no order of sums; equal bits on every GPU and on the CPU
 * @nonfinite a loss or norm that is not finite scores +Inf; it and what is skipped stay out of the windows
 * @limits    capacity <= 256
 * @managed   Andrea.Cuda.Gradients.SpikeKernels    @reference Andrea.Backends.SpikeDecision
 * @test      SpikeJudgeTests
 * @source    median and MAD: Hampel 1974; line through medians: Tukey 1977; skipping spikes: arXiv:2204.02311 (PaLM), arXiv:2503.05139 (Ling)
 */
#include "gradients.cuh"

constexpr int CAPACITY = ANDREA_SPIKE_CAPACITY;
static_assert(CAPACITY == 256, "a thread for each value");

__device__ __forceinline__ double infinity() { return __longlong_as_double(0x7ff0000000000000ll); }

__device__ __forceinline__ bool is_finite(double value) { return fabs(value) < infinity(); }

/* The median of the count values from number first on, in all threads. All threads call it, for a count above 0. */
__device__ double median_of(const double* values, int first, int count, double* middle) {
    const int i = (int)threadIdx.x;
    if (i >= first && i < first + count) {
        const double own = values[i];
        int rank = 0;
        for (int j = first; j < first + count; j++) {
            const double other = values[j];
            rank += other < own || (other == own && j < i);
        }
        if (rank == (count - 1) / 2)
            middle[0] = own;
        if (rank == count / 2)
            middle[1] = own;
    }
    __syncthreads(); /* the middle values are there before anyone reads them */
    const double low = middle[0], high = middle[1];
    __syncthreads(); /* everyone has read them before the next call overwrites them, or the values */
    return __dadd_rn(low, __dmul_rn(0.5, __dsub_rn(high, low)));
}

/* The line through both halves' medians, at a place. */
__device__ __forceinline__ double line_at(int place, int count, int half, double newer, double slope) {
    return __dadd_rn(newer, __dmul_rn(slope, __dsub_rn((double)place, __dsub_rn((double)(count - 1), __dmul_rn(0.5, (double)(half - 1))))));
}

/* Newer median and z-score of one series, in all threads. */
__device__ double score_of(
    const double* window, double value, int count, int next, int capacity, int minimum, double share, double smallest_scale, double* values,
    double* middle, double* median) {
    const int i = (int)threadIdx.x, half = max(1, count / 2);
    /* The oldest first: a full ring's oldest stands where the next will. */
    const int place = (count == capacity ? next : 0) + i;
    if (i < count)
        values[i] = window[place < capacity ? place : place - capacity];
    __syncthreads(); /* all values are there before they are compared */
    *median = count == 0 ? canonical_nan() : median_of(values, count - half, half, middle);
    if (!is_finite(value))
        return infinity();
    if (count < minimum)
        return 0.0;
    const double older = median_of(values, 0, half, middle);
    const double slope = count < 2 ? 0.0 : __ddiv_rn(__dsub_rn(*median, older), (double)(count - half));
    if (i < count)
        values[i] = __dsub_rn(values[i], line_at(i, count, half, *median, slope));
    __syncthreads(); /* all distances from the line are there before they are compared */
    const double center = median_of(values, 0, count, middle);
    if (i < count)
        values[i] = fabs(__dsub_rn(values[i], center));
    __syncthreads(); /* all deviations are there before they are compared */
    const double deviation = median_of(values, 0, count, middle);
    const double distance = __dsub_rn(value, fmax(*median, line_at(count, count, half, *median, slope)));
    const double scale = fmax(fmax(__dmul_rn(ANDREA_NORMAL_SCALE, deviation), __dmul_rn(share, fabs(*median))), smallest_scale);
    return distance == 0.0 ? 0.0 : __ddiv_rn(distance, scale);
}

/* Andrea.Backends.SpikeDecision, line by line. */
__device__ void decide(
    int capacity, double loss_threshold, double norm_threshold, double loss, double* windows, SpikeState& state, ClipState* clip) {
    const double norm = clip->norm;
    const bool finite = is_finite(loss) && is_finite(norm);
    int reason = clip->non_finite_count > 0 ? 1 : state.loss_score > loss_threshold ? 2 : state.norm_score > norm_threshold ? 3 : 0;
    if (reason != 0 && finite && ++state.flagged_in_row > capacity / 2) {
        reason = 0;
        state.count = state.next = 0;
    }
    state.reason = reason;
    if (reason == 0) {
        state.flagged_in_row = 0;
        if (norm == 0.0)
            return;
        windows[state.next] = __dadd_rn(loss, 0.0);
        windows[capacity + state.next] = __dadd_rn(norm, 0.0);
        state.next = state.next + 1 == capacity ? 0 : state.next + 1;
        state.count = min(state.count + 1, capacity);
        return;
    }
    if (clip->skip == 0) {
        if (clip->coefficient != 1.0)
            clip->clipped_calls--;
        clip->skipped_calls++;
    }
    clip->skip = reason;
    clip->coefficient = 1.0;
}

/* One block. */
extern "C" __global__ void __launch_bounds__(256)
k_spike_guard(
    int capacity, int minimum, double loss_threshold, double norm_threshold, double loss_share, double norm_share, const double* __restrict__ loss,
    double* windows, SpikeState* guard, ClipState* clip, TensorNorm* norms, int tensor_count) {
    __shared__ double values[CAPACITY];
    __shared__ double middle[2];
    __shared__ int found_bad, skipped;
    SpikeState state = *guard;
    if (threadIdx.x == 0)
        found_bad = 0;
    __syncthreads(); /* the flag is cleared before anyone sets it */
    if ((int)threadIdx.x < state.count && !(is_finite(windows[threadIdx.x]) && is_finite(windows[capacity + threadIdx.x])))
        found_bad = 1;
    __syncthreads(); /* everyone has looked before the flag is read */
    if (found_bad)
        state.count = state.next = 0;
    state.loss_score = score_of(
        windows, *loss, state.count, state.next, capacity, minimum, loss_share, ANDREA_SPIKE_LOSS_SCALE, values, middle, &state.loss_median);
    state.norm_score = score_of(
        windows + capacity, clip->norm, state.count, state.next, capacity, minimum, norm_share, 0.0, values, middle, &state.norm_median);
    __syncthreads(); /* everyone has read clip and windows before they change */
    if (threadIdx.x == 0) {
        decide(capacity, loss_threshold, norm_threshold, *loss, windows, state, clip);
        *guard = state;
        skipped = state.reason;
    }
    __syncthreads(); /* the decision is there before the tensors follow it */
    if (skipped == 0)
        return;
    for (int tensor = (int)threadIdx.x; tensor < tensor_count; tensor += blockDim.x) {
        norms[tensor].coefficient = 1.0;
        norms[tensor].norm_after = canonical(norms[tensor].norm);
    }
}
