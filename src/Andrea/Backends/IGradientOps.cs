using Andrea.Tensors;

namespace Andrea.Backends;

/// <summary>The optimizer's half of a step: clip, then AdamW. All tensors at once, through a chunk table.</summary>
internal interface IGradientOps
{
    /// <summary>Kernel 1 of 3: sum of squares, largest magnitude and non-finite count of every chunk. Reads each gradient once.</summary>
    /// <param name="table">The chunks; reads <see cref="Chunk.Gradient"/>.</param>
    /// <param name="partials">(ChunkCount) out.</param>
    /// <remarks>
    /// The order of the sum is part of the contract; it depends on a chunk's length alone. A chunk is 8 strips of 8,192 elements; where
    /// elements are missing, zeros stand. A strip has 128 accumulators: element i is squared in double (exact for a float) and added to
    /// accumulator i mod 128, i ascending. Then accumulators are joined by halves: a[j] += a[j + 64], then + 32, 16, 8, 4, 2, 1.
    /// The eight strip sums are joined likewise: s[k] += s[k + 4], then + 2, 1. On a GPU a warp sums a strip (lane = i / 4 mod 32,
    /// one float4 a lane); on a CPU with AVX-512 the accumulators are 16 registers of 8 doubles.
    /// </remarks>
    void GradNormPartial(ChunkTable table, DeviceBuffer<ChunkPartial> partials);

    /// <summary>Kernel 2 of 3: joins the chunks to one norm per tensor and the global norm, and decides coefficient and skip flag.</summary>
    /// <param name="table">The chunks.</param>
    /// <param name="partials">(ChunkCount) in.</param>
    /// <param name="settings">How to decide.</param>
    /// <param name="tensorNorms">(TensorCount) out: L2 norm of each tensor before clipping.</param>
    /// <param name="state">(1) in and out: counters go on, the rest is overwritten.</param>
    /// <remarks>
    /// Order: values are dealt to 32 accumulators, value i to accumulator i mod 32, i ascending; then joined by halves, + 16, 8, 4, 2, 1.
    /// Once over each tensor's chunks, then over all tensors' sums. norm = sqrt(sum). See <see cref="ClipDecision"/> for the rest.
    /// </remarks>
    void GradNormFinal(
        ChunkTable table, DeviceBuffer<ChunkPartial> partials, ClipSettings settings, DeviceBuffer<double> tensorNorms, DeviceBuffer<ClipState> state);

    /// <summary>Kernel 3 of 3: g = (float)(g * coefficient), the product in double. Moves no memory when the coefficient is 1 or the step is skipped.</summary>
    void GradScale(ChunkTable table, DeviceBuffer<ClipState> state);

    /// <summary>One fused AdamW step over all chunks; reads g, m, v, p once and writes m, v, p once (28 bytes a parameter).</summary>
    /// <param name="table">The chunks, with all four addresses.</param>
    /// <param name="tensors">(TensorCount) in: decay and learning rate factor of each tensor.</param>
    /// <param name="settings">Betas and epsilon.</param>
    /// <param name="learningRate">(1) in.</param>
    /// <param name="state">(1) in and out: step counter and powers of the betas.</param>
    /// <param name="clip">(1) in, or null: coefficient to fold in, and the skip flag, which leaves everything bit-identical.</param>
    /// <remarks>
    /// Scalars in double: t = step + 1, P1 = beta1^t, P2 = beta2^t, lr = learningRate * scale; then rounded to float once:
    /// decay = 1 - lr * weightDecay; rate = lr / (1 - P1); root = 1 / sqrt(1 - P2). Per element in float, fma rounding once:
    /// <code>
    /// g = (float)(g * coefficient), when the coefficient is not 1
    /// m = fma(beta1, m, (1 - beta1) * g)
    /// v = fma(beta2, v, ((1 - beta2) * g) * g)
    /// p = fma(-rate, m / fma(sqrt(v), root, epsilon), decay * p)
    /// </code>
    /// Each operation is rounded as IEEE 754 says, so CPU and GPU agree bit for bit. (1 - beta) is taken in double, then rounded.
    /// </remarks>
    void AdamW(
        ChunkTable table,
        DeviceBuffer<AdamWTensor> tensors,
        AdamWSettings settings,
        DeviceBuffer<double> learningRate,
        DeviceBuffer<AdamWState> state,
        DeviceBuffer<ClipState>? clip);
}
