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
    /// <param name="tensorNorms">(TensorCount) out: norm, largest magnitude and non-finite elements of each tensor before clipping; the coefficient, alike in all.</param>
    /// <param name="state">(1) in and out: counters go on, the rest is overwritten.</param>
    /// <remarks>
    /// Order: values are dealt to 32 accumulators, value i to accumulator i mod 32, i ascending; then joined by halves, + 16, 8, 4, 2, 1.
    /// Once over each tensor's chunks, then over all tensors' sums. norm = sqrt(sum). See <see cref="ClipDecision"/> for the rest.
    /// </remarks>
    void GradNormFinal(
        ChunkTable table, DeviceBuffer<ChunkPartial> partials, ClipSettings settings, DeviceBuffer<TensorNorm> tensorNorms, DeviceBuffer<ClipState> state);

    /// <summary>Kernel 3 of 3: g = (float)(g * its tensor's coefficient), the product in double. Moves no memory where the coefficient is 1, or when
    /// the step is skipped.</summary>
    /// <param name="table">The chunks; their tensors are numbered as in <paramref name="clip"/>.</param>
    /// <param name="clip">Skip flag and coefficients.</param>
    void GradScale(ChunkTable table, ClipOutcome clip);

    /// <summary>One fused AdamW step over all chunks; reads g, m, v, p once and writes m, v, p once (28 bytes a parameter).</summary>
    /// <param name="table">The chunks, with all four addresses.</param>
    /// <param name="tensors">(TensorCount) in: decay and learning rate factor of each tensor.</param>
    /// <param name="settings">Betas and epsilon.</param>
    /// <param name="learningRate">(1) in.</param>
    /// <param name="state">(1) in and out: step counter and powers of the betas.</param>
    /// <param name="clip">In, or null: each tensor's coefficient to fold in, and the skip flag, which leaves everything bit-identical. Its tensors
    /// are numbered as in <paramref name="table"/>, which may have chunks of some of them only.</param>
    /// <remarks>
    /// Scalars in double: t = step + 1, P1 = beta1^t, P2 = beta2^t, lr = learningRate * scale; then rounded to float once:
    /// decay = 1 - lr * weightDecay; rate = lr / (1 - P1); root = 1 / sqrt(1 - P2). Per element in float, fma rounding once:
    /// <code>
    /// g = (float)(g * coefficient), when its tensor's coefficient is not 1
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
        ClipOutcome? clip);

    /// <summary><see cref="AdamW"/>, with the same bits, that also measures: g, m, v, p are read and written no more often, at 15 more operations
    /// in double for each parameter. For steps that are looked at; the others cost nothing.</summary>
    /// <param name="table">The chunks, with all four addresses.</param>
    /// <param name="tensors">(TensorCount) in, as for <see cref="AdamW"/>.</param>
    /// <param name="settings">Betas and epsilon.</param>
    /// <param name="learningRate">(1) in.</param>
    /// <param name="state">(1) in and out.</param>
    /// <param name="clip">In, or null. When it says skip, nothing is updated, and of the parameters alone the sum of squares is taken.</param>
    /// <param name="partials">(ChunkCount) out: the sums of each chunk.</param>
    /// <remarks>
    /// With P2 after the step and g, p, v as <see cref="AdamW"/> has them, in double, each operation rounded by itself:
    /// <code>
    /// correction = 1 / (1 - P2); floor = epsilon * epsilon; vHat = v * correction; u = (double)p after - (double)p before
    /// Weights += p before * p before; Updates += u * u; Ratios += g * g / (vHat &lt; floor ? floor : vHat)
    /// SecondMoments += vHat; Gradients += g * g
    /// </code>
    /// Each of the five in the order that <see cref="GradNormPartial"/> fixes: element i of a strip to accumulator i mod 128, and so on.
    /// NaN is the canonical one. On a GPU a warp takes a strip.
    /// </remarks>
    void AdamWMeasured(
        ChunkTable table,
        DeviceBuffer<AdamWTensor> tensors,
        AdamWSettings settings,
        DeviceBuffer<double> learningRate,
        DeviceBuffer<AdamWState> state,
        ClipOutcome? clip,
        DeviceBuffer<UpdateSums> partials);

    /// <summary>Joins the chunks of <see cref="AdamWMeasured"/> to one set of sums for each tensor, in the order of <see cref="GradNormFinal"/>:
    /// a tensor's chunk i to accumulator i mod 32, then joined by halves.</summary>
    /// <param name="table">The chunks.</param><param name="partials">(ChunkCount) in.</param><param name="updates">(TensorCount) out.</param>
    void UpdateFinal(ChunkTable table, DeviceBuffer<UpdateSums> partials, DeviceBuffer<UpdateSums> updates);
}
