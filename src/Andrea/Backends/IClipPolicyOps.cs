using Andrea.Tensors;

namespace Andrea.Backends;

/// <summary>What clip policies other than the global norm do, between the second clip kernel, which then only measures, and AdamW.</summary>
/// <remarks>
/// All of it in double, each operation rounded by itself: the same bits on every device. When the step is to be skipped, nothing is changed; a
/// step with non-finite gradients leaves what a policy remembers as it was. See <see cref="ClipPolicyRules"/> for the formulas.
/// </remarks>
internal interface IClipPolicyOps
{
    /// <summary>Gets ready whatever the operations below need, so that the first of them can be recorded.</summary>
    void PrepareClipPolicies();

    /// <summary>Gives each tensor the coefficient that its own norm asks for.</summary>
    /// <param name="settings">Maximum and formula.</param>
    /// <param name="clip">In: what was measured; out: coefficients and what follows from them.</param>
    void ClipPerTensor(ClipSettings settings, ClipOutcome clip);

    /// <summary>Gives all tensors the coefficient that brings a joint norm far above the usual back to it.</summary>
    /// <param name="settings">Maximum and formula.</param>
    /// <param name="zClip">When a norm is unusual.</param>
    /// <param name="clip">In and out.</param>
    /// <param name="state">(1) in and out.</param>
    /// <param name="warmup">(WarmupSteps) in and out: norms of the warm-up.</param>
    void ClipZScore(ClipSettings settings, ZClipSettings zClip, ClipOutcome clip, DeviceBuffer<ZClipState> state, DeviceBuffer<double> warmup);

    /// <summary>Gives each tensor the coefficient that keeps its norm near its own running norm.</summary>
    /// <param name="settings">Maximum and formula of the warm-up; the formula of what follows.</param>
    /// <param name="adaGc">How near.</param>
    /// <param name="clip">In and out.</param>
    /// <param name="steps">(1) in and out: steps whose norms were finite so far.</param>
    /// <param name="runningNorms">(tensors) in and out: gamma; 0 for a tensor that has had no gradient yet.</param>
    void ClipAdaGc(ClipSettings settings, AdaGcSettings adaGc, ClipOutcome clip, DeviceBuffer<long> steps, DeviceBuffer<double> runningNorms);

    /// <summary>Limits every gradient to [-limit, limit]; NaN stays NaN. Reads and writes 4 bytes a gradient in chunks that have something to
    /// limit, no gradient in the others.</summary>
    /// <param name="table">The chunks.</param>
    /// <param name="partials">(ChunkCount) in: what was measured before.</param>
    /// <param name="limit">The largest magnitude; above 0.</param>
    /// <param name="clip">In: the skip flag.</param>
    /// <param name="parts">(ChunkCount) out, unless the step is skipped; sums in the order of <see cref="IGradientOps.GradNormPartial"/>.</param>
    void GradClamp(ChunkTable table, DeviceBuffer<ChunkPartial> partials, float limit, ClipOutcome clip, DeviceBuffer<ClippedPart> parts);

    /// <summary>AGC: scales the gradients of each unit whose norm is too large for its parameters' norm. Reads 8 bytes for each element of a unit, and
    /// reads and writes 4 more where there is something to scale.</summary>
    /// <param name="table">The chunks, with gradients and parameters; tells where tensors lie, and which are away.</param>
    /// <param name="tensors">(TensorCount + 1) in: units; the last entry is the end.</param>
    /// <param name="agc">How large is too large.</param>
    /// <param name="clip">In: the skip flag.</param>
    /// <param name="parts">(units) out, unless the step is skipped.</param>
    /// <remarks>A unit's sum of squares: strips of 8,192 elements, each in the order of <see cref="IGradientOps.GradNormPartial"/>, added one after the
    /// other. On a GPU a warp takes a unit.</remarks>
    void GradAgc(ChunkTable table, DeviceBuffer<AgcTensor> tensors, AgcSettings agc, ClipOutcome clip, DeviceBuffer<ClippedPart> parts);

    /// <summary>Joins clipped parts to each tensor's norm after clipping, and to the joint one.</summary>
    /// <param name="firstParts">(tensors + 1) in: where each tensor's parts begin. A tensor without parts keeps its norm.</param>
    /// <param name="parts">In.</param>
    /// <param name="clip">In and out; coefficients stay 1, for nothing is left to multiply.</param>
    /// <remarks>A tensor's part i to accumulator i mod 32, then joined by halves, as in <see cref="IGradientOps.GradNormFinal"/>.</remarks>
    void ClipPartsFinal(DeviceBuffer<int> firstParts, DeviceBuffer<ClippedPart> parts, ClipOutcome clip);
}
