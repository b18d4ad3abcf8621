using Andrea.Tensors;

namespace Andrea.Backends;

/// <summary>Updates besides AdamW's plain one: S3, and AdamW with a stabilizer. All tensors at once, through a chunk table.</summary>
/// <remarks>Each operation is rounded by itself as IEEE 754 says, in the order written, so CPU and GPU agree bit for bit.</remarks>
internal interface IUpdateOps
{
    /// <summary>One fused S3 step; reads g, m, r, p once and writes m, r, p once (28 bytes a parameter).</summary>
    /// <param name="operands">Parameters, gradients, moments; the second moment is r, the p-th root of the paper's s.</param>
    /// <param name="settings">Beta and p.</param>
    /// <param name="partials">(ChunkCount) out, as of <see cref="IGradientOps.AdamWMeasured"/> with r^2 for vHat and 2^-1022 for the floor; null does not measure.</param>
    /// <remarks>
    /// Scalars in double, rounded to float once: rest = 1 - beta; lr = learningRate * scale; decay = 1 - lr * weightDecay. Per element in float:
    /// <code>
    /// g = (float)(g * coefficient), when the coefficient is not 1
    /// rises = |g| &gt; r; big = rises ? |g| : r; small = rises ? r : |g|; q = (small / max(big, 2^-126))^p
    /// u = rises ? fma(beta, q, rest) : fma(rest, q, beta); w = fma(beta, u, rest * (rises ? 1 : q))
    /// r = big * root(u); d = big * root(w)
    /// m = fma(beta, m, rest * g); n = fma(beta, m, rest * g)
    /// p = fma(-lr, d &lt; 2^-126 ? 0 : n / d, decay * p)
    /// </code>
    /// u and w are s and d^p as fractions of big^p, so nothing over- or underflows for any g. root is 1 for p = 1, the square root for 2, its own
    /// root for 4, and <see cref="Numerics.CubeRoot"/> for 3. Where d has sunk below the normal numbers, nothing moves.
    /// </remarks>
    void SoftSign(in UpdateOperands operands, SoftSignSettings settings, DeviceBuffer<UpdateSums>? partials);

    /// <summary>Looks at the gradients as the stabilizer needs it, and decides each tensor's step. Nothing is changed when the step is skipped.</summary>
    /// <param name="operands">As for <see cref="AdamWStabilized"/>, which must come next.</param>
    /// <param name="settings">Betas and epsilon.</param>
    /// <param name="memory">The stabilizer's; <see cref="StabilizerMemory.Steps"/> is written, <see cref="StabilizerMemory.History"/> goes on.</param>
    /// <remarks>UpdateRms reads g and v (8 bytes a parameter); its sum is <see cref="UpdateSums.Ratios"/>, of the same order. Stable-SPAM reads g (4 bytes) of
    /// the tensors that have a spike, for the norm without it: a sum of squares in the order of <see cref="IGradientOps.GradNormPartial"/>; SPAM
    /// reads nothing. The rest is <see cref="StabilizerDecision"/>'s.</remarks>
    void Stabilize(in UpdateOperands operands, AdamWSettings settings, StabilizerMemory memory);

    /// <summary><see cref="IGradientOps.AdamW"/> with what <see cref="Stabilize"/> has decided; 28 bytes a parameter.</summary>
    /// <param name="operands">Parameters, gradients, moments.</param>
    /// <param name="settings">Betas and epsilon.</param>
    /// <param name="memory">The stabilizer's.</param>
    /// <param name="partials">(ChunkCount) out, as of <see cref="IGradientOps.AdamWMeasured"/>, g being what enters the moments; null does not measure.</param>
    /// <remarks>
    /// After the coefficient, with the tensor's <see cref="TensorStep"/>:
    /// <code>
    /// g = |g| &gt; limit ? (float)(g * shrink) : g
    /// g = (float)(g * gradientScale), when that is not 1
    /// top = spikeRoot * sqrt(v); g = v &gt; 0 and |g| &gt; top ? copysign(top, g) : g, when spikeRoot is above 0
    /// m = v = 0, when the moments are reset
    /// </code>
    /// lr of the update is learningRate * scale * rateScale, of the decay learningRate * scale * decayScale.
    /// </remarks>
    void AdamWStabilized(in UpdateOperands operands, AdamWSettings settings, StabilizerMemory memory, DeviceBuffer<UpdateSums>? partials);
}
