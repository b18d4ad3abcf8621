/* layouts.cuh: the structs that host and device share. The host says with -D where it has each field, so that neither can change alone. */
#pragma once

#define ANDREA_CHECK_SIZE(type) static_assert(sizeof(type) == ANDREA_BYTES_##type, #type " has another size on the host")
#define ANDREA_CHECK_FIELD(type, field) \
    static_assert(__INTADDR__(&((type*)0)->field) == ANDREA_OFFSET_##type##_##field, #type "." #field " lies elsewhere on the host")

/* At most ANDREA_CHUNK_LENGTH neighbouring elements of one tensor. Addresses that a kernel does not use are 0. */
struct Chunk {
    float* gradient;
    float* parameter;
    float* first_moment;
    float* second_moment;
    long long start; /* index within the tensor of the first element */
    int length;
    int tensor;
};
ANDREA_CHECK_SIZE(Chunk);
ANDREA_CHECK_FIELD(Chunk, gradient);
ANDREA_CHECK_FIELD(Chunk, parameter);
ANDREA_CHECK_FIELD(Chunk, first_moment);
ANDREA_CHECK_FIELD(Chunk, second_moment);
ANDREA_CHECK_FIELD(Chunk, start);
ANDREA_CHECK_FIELD(Chunk, length);
ANDREA_CHECK_FIELD(Chunk, tensor);

/* What one chunk contributes to a norm. */
struct ChunkPartial {
    double sum_of_squares;
    unsigned int max_magnitude_bits;
    int non_finite_count;
    int first_non_finite; /* index within the chunk, or -1 */
    int padding;
};
ANDREA_CHECK_SIZE(ChunkPartial);
ANDREA_CHECK_FIELD(ChunkPartial, sum_of_squares);
ANDREA_CHECK_FIELD(ChunkPartial, max_magnitude_bits);
ANDREA_CHECK_FIELD(ChunkPartial, non_finite_count);
ANDREA_CHECK_FIELD(ChunkPartial, first_non_finite);

/* What the clip finds in one tensor. */
struct TensorNorm {
    double norm;
    double coefficient; /* exactly 1 when this tensor is left alone */
    double norm_after;
    long long non_finite_count;
    long long first_non_finite; /* index within the tensor, or -1 */
    float max_magnitude;
    int padding;
};
ANDREA_CHECK_SIZE(TensorNorm);
ANDREA_CHECK_FIELD(TensorNorm, norm);
ANDREA_CHECK_FIELD(TensorNorm, coefficient);
ANDREA_CHECK_FIELD(TensorNorm, norm_after);
ANDREA_CHECK_FIELD(TensorNorm, non_finite_count);
ANDREA_CHECK_FIELD(TensorNorm, first_non_finite);
ANDREA_CHECK_FIELD(TensorNorm, max_magnitude);

/* The outcome of a clip. Counters run over the clipper's life. */
struct ClipState {
    double norm;
    double coefficient; /* norm after over norm; exactly 1 when all gradients are left alone */
    double norm_after;
    long long non_finite_count;
    long long first_bad_index;
    long long calls;
    long long clipped_calls;
    long long skipped_calls;
    int first_bad_tensor;
    int skip;
    int consecutive_skips;
    float max_magnitude;
};
ANDREA_CHECK_SIZE(ClipState);
ANDREA_CHECK_FIELD(ClipState, norm);
ANDREA_CHECK_FIELD(ClipState, coefficient);
ANDREA_CHECK_FIELD(ClipState, norm_after);
ANDREA_CHECK_FIELD(ClipState, non_finite_count);
ANDREA_CHECK_FIELD(ClipState, first_bad_index);
ANDREA_CHECK_FIELD(ClipState, calls);
ANDREA_CHECK_FIELD(ClipState, clipped_calls);
ANDREA_CHECK_FIELD(ClipState, skipped_calls);
ANDREA_CHECK_FIELD(ClipState, first_bad_tensor);
ANDREA_CHECK_FIELD(ClipState, skip);
ANDREA_CHECK_FIELD(ClipState, consecutive_skips);
ANDREA_CHECK_FIELD(ClipState, max_magnitude);

/* What ZClip remembers. */
struct ZClipState {
    long long count; /* finite norms so far, those of the warm-up included */
    double mean;
    double variance;
};
ANDREA_CHECK_SIZE(ZClipState);
ANDREA_CHECK_FIELD(ZClipState, count);
ANDREA_CHECK_FIELD(ZClipState, mean);
ANDREA_CHECK_FIELD(ZClipState, variance);

/* The units of one tensor, which AGC clips each by itself. */
struct AgcTensor {
    long long unit_length;
    int first_unit; /* the next tensor's first is the end */
    int padding;
};
ANDREA_CHECK_SIZE(AgcTensor);
ANDREA_CHECK_FIELD(AgcTensor, unit_length);
ANDREA_CHECK_FIELD(AgcTensor, first_unit);

/* What a part of a tensor, a chunk or a unit, is after its elements were clipped. */
struct ClippedPart {
    double sum_of_squares;
    long long changed; /* 1 when an element was */
};
ANDREA_CHECK_SIZE(ClippedPart);
ANDREA_CHECK_FIELD(ClippedPart, sum_of_squares);
ANDREA_CHECK_FIELD(ClippedPart, changed);

/* AdamW's progress: steps applied, and the powers of the betas by repeated multiplication. */
struct AdamWState {
    long long step;
    double beta1_power;
    double beta2_power;
};
ANDREA_CHECK_SIZE(AdamWState);
ANDREA_CHECK_FIELD(AdamWState, step);
ANDREA_CHECK_FIELD(AdamWState, beta1_power);
ANDREA_CHECK_FIELD(AdamWState, beta2_power);

/* What AdamW does differently from tensor to tensor. */
struct AdamWTensor {
    double weight_decay;
    double learning_rate_scale;
};
ANDREA_CHECK_SIZE(AdamWTensor);
ANDREA_CHECK_FIELD(AdamWTensor, weight_decay);
ANDREA_CHECK_FIELD(AdamWTensor, learning_rate_scale);

/* What a measuring update finds: in one chunk, or in one tensor. Sums over elements. */
struct UpdateSums {
    double weights;        /* p^2 before the update */
    double updates;        /* (p after - p before)^2 */
    double ratios;         /* g^2 / max(v_hat, epsilon^2) */
    double second_moments; /* v_hat: v, corrected for its bias */
    double gradients;      /* g^2, g clipped */
};
ANDREA_CHECK_SIZE(UpdateSums);
ANDREA_CHECK_FIELD(UpdateSums, weights);
ANDREA_CHECK_FIELD(UpdateSums, updates);
ANDREA_CHECK_FIELD(UpdateSums, ratios);
ANDREA_CHECK_FIELD(UpdateSums, second_moments);
ANDREA_CHECK_FIELD(UpdateSums, gradients);

/* How a stabilizer works: the same for all tensors and steps. */
struct StabilizerSettings {
    double spike_root;
    double maximum_decay;
    double norm_decay;
    double square_decay;
    double epsilon;
    long long reset_every; /* 0 for never */
    long long grace_steps;
    long long warmup_steps;
    int kind;
    int restarts_correction;
};
ANDREA_CHECK_SIZE(StabilizerSettings);
ANDREA_CHECK_FIELD(StabilizerSettings, spike_root);
ANDREA_CHECK_FIELD(StabilizerSettings, maximum_decay);
ANDREA_CHECK_FIELD(StabilizerSettings, norm_decay);
ANDREA_CHECK_FIELD(StabilizerSettings, square_decay);
ANDREA_CHECK_FIELD(StabilizerSettings, epsilon);
ANDREA_CHECK_FIELD(StabilizerSettings, reset_every);
ANDREA_CHECK_FIELD(StabilizerSettings, grace_steps);
ANDREA_CHECK_FIELD(StabilizerSettings, warmup_steps);
ANDREA_CHECK_FIELD(StabilizerSettings, kind);
ANDREA_CHECK_FIELD(StabilizerSettings, restarts_correction);

/* What a stabilizer has decided for one tensor in one step. */
struct TensorStep {
    double rate_scale;
    double decay_scale;
    double shrink;         /* of gradients above the limit */
    double gradient_scale; /* exactly 1 leaves gradients alone */
    float limit;
    float spike_root; /* 0 for none */
    int reset;
    int padding;
};
ANDREA_CHECK_SIZE(TensorStep);
ANDREA_CHECK_FIELD(TensorStep, rate_scale);
ANDREA_CHECK_FIELD(TensorStep, decay_scale);
ANDREA_CHECK_FIELD(TensorStep, shrink);
ANDREA_CHECK_FIELD(TensorStep, gradient_scale);
ANDREA_CHECK_FIELD(TensorStep, limit);
ANDREA_CHECK_FIELD(TensorStep, spike_root);
ANDREA_CHECK_FIELD(TensorStep, reset);

/* What Stable-SPAM remembers of one tensor: averages from 0, and the powers that correct their bias. */
struct TensorHistory {
    double maximum;
    double norm;
    double square;
    double maximum_power;
    double norm_power;
    double square_power;
};
ANDREA_CHECK_SIZE(TensorHistory);
ANDREA_CHECK_FIELD(TensorHistory, maximum);
ANDREA_CHECK_FIELD(TensorHistory, norm);
ANDREA_CHECK_FIELD(TensorHistory, square);
ANDREA_CHECK_FIELD(TensorHistory, maximum_power);
ANDREA_CHECK_FIELD(TensorHistory, norm_power);
ANDREA_CHECK_FIELD(TensorHistory, square_power);

/* What the spike guard knows besides its windows, and what it said of the newest step. */
struct SpikeState {
    double loss_score;
    double norm_score;
    double loss_median; /* NaN when nothing was accepted yet */
    double norm_median;
    int count;
    int next;
    int flagged_in_row;
    int reason; /* 0 not skipped, 1 not finite, 2 loss, 3 norm */
};
ANDREA_CHECK_SIZE(SpikeState);
ANDREA_CHECK_FIELD(SpikeState, loss_score);
ANDREA_CHECK_FIELD(SpikeState, norm_score);
ANDREA_CHECK_FIELD(SpikeState, loss_median);
ANDREA_CHECK_FIELD(SpikeState, norm_median);
ANDREA_CHECK_FIELD(SpikeState, count);
ANDREA_CHECK_FIELD(SpikeState, next);
ANDREA_CHECK_FIELD(SpikeState, flagged_in_row);
ANDREA_CHECK_FIELD(SpikeState, reason);
