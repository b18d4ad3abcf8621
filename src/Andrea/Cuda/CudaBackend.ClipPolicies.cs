using Andrea.Backends;
using Andrea.Cuda.Gradients;
using Andrea.Tensors;

namespace Andrea.Cuda;

internal sealed partial class CudaBackend
{
    private ClipPolicyKernels? _clipPolicies;

    private ClipPolicyKernels ClipPolicies => _clipPolicies ??= new ClipPolicyKernels(_loader);

    public void PrepareClipPolicies() => _ = ClipPolicies;

    public void ClipPerTensor(ClipSettings settings, ClipOutcome clip) => ClipPolicies.PerTensor(settings, clip);

    public void ClipZScore(ClipSettings settings, ZClipSettings zClip, ClipOutcome clip, DeviceBuffer<ZClipState> state, DeviceBuffer<double> warmup) =>
        ClipPolicies.ZScore(settings, zClip, clip, state, warmup);

    public void ClipAdaGc(ClipSettings settings, AdaGcSettings adaGc, ClipOutcome clip, DeviceBuffer<long> steps, DeviceBuffer<double> runningNorms) =>
        ClipPolicies.AdaGc(settings, adaGc, clip, steps, runningNorms);

    public void GradClamp(ChunkTable table, DeviceBuffer<ChunkPartial> partials, float limit, ClipOutcome clip, DeviceBuffer<ClippedPart> parts) =>
        ClipPolicies.Clamp(table, partials, limit, clip, parts);

    public void GradAgc(ChunkTable table, DeviceBuffer<AgcTensor> tensors, AgcSettings agc, ClipOutcome clip, DeviceBuffer<ClippedPart> parts) =>
        ClipPolicies.Agc(table, tensors, agc, clip, parts);

    public void ClipPartsFinal(DeviceBuffer<int> firstParts, DeviceBuffer<ClippedPart> parts, ClipOutcome clip) =>
        ClipPolicies.PartsFinal(firstParts, parts, clip);
}
