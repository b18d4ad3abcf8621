using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Cpu.Reference;

internal sealed partial class ReferenceBackend
{
    public void PrepareClipPolicies()
    {
    }

    public void ClipPerTensor(ClipSettings settings, ClipOutcome clip) =>
        ClipPolicyRules.PerTensor(settings, View(clip.Tensors), ref View(clip.State)[0]);

    public void ClipZScore(ClipSettings settings, ZClipSettings zClip, ClipOutcome clip, DeviceBuffer<ZClipState> state, DeviceBuffer<double> warmup) =>
        ClipPolicyRules.ZScore(settings, zClip, View(clip.Tensors), ref View(clip.State)[0], ref View(state)[0], View(warmup));

    public void ClipAdaGc(ClipSettings settings, AdaGcSettings adaGc, ClipOutcome clip, DeviceBuffer<long> steps, DeviceBuffer<double> runningNorms) =>
        ClipPolicyRules.AdaGc(settings, adaGc, View(clip.Tensors), ref View(clip.State)[0], ref View(steps)[0], View(runningNorms));

    public void GradClamp(ChunkTable table, DeviceBuffer<ChunkPartial> partials, float limit, ClipOutcome clip, DeviceBuffer<ClippedPart> parts)
    {
        if (View(clip.State)[0].Skip != 0)
            return;
        Span<Chunk> chunks = View(table.Chunks);
        for (int c = 0; c < chunks.Length; c++)
        {
            long changed = 0;
            Span<float> gradients = Elements(chunks[c].Gradient, chunks[c].Length);
            foreach (ref float g in gradients)
            {
                if (!(MathF.Abs(g) > limit))
                    continue;
                g = MathF.CopySign(limit, g);
                changed = 1;
            }
            float[] clamped = gradients.ToArray();
            double sum = changed == 0 ? View(partials)[c].SumOfSquares : ChunkSum(clamped.Length, i => (double)clamped[i] * clamped[i]);
            View(parts)[c] = new ClippedPart { SumOfSquares = CanonicalNaN.Of(sum), Changed = changed };
        }
    }

    public unsafe void GradAgc(
        ChunkTable table, DeviceBuffer<AgcTensor> tensors, AgcSettings agc, ClipOutcome clip, DeviceBuffer<ClippedPart> parts)
    {
        if (View(clip.State)[0].Skip != 0)
            return;
        for (int tensor = 0; tensor < table.TensorCount; tensor++)
        {
            AgcTensor units = View(tensors)[tensor];
            int count = View(tensors)[tensor + 1].FirstUnit - units.FirstUnit;
            if (count == 0)
                continue;
            Chunk chunk = View(table.Chunks)[View(table.FirstChunks)[tensor]];
            for (int unit = 0; unit < count; unit++)
            {
                ref ClippedPart part = ref View(parts)[units.FirstUnit + unit];
                part = default;
                if (chunk.Length == 0)
                    continue;
                nint offset = (nint)(unit * units.UnitLength * sizeof(float));
                Span<float> gradients = Elements(chunk.Gradient + offset, (int)units.UnitLength);
                double norm = UnitNorm(gradients), coefficient = ClipPolicyRules.Agc(agc, norm, UnitNorm(Elements(chunk.Parameter + offset, (int)units.UnitLength)));
                double after = coefficient * norm;
                part = new ClippedPart { SumOfSquares = CanonicalNaN.Of(after * after), Changed = coefficient == 1 ? 0 : 1 };
                if (coefficient == 1)
                    continue;
                foreach (ref float g in gradients)
                    g = (float)(g * coefficient);
            }
        }
    }

    public void ClipPartsFinal(DeviceBuffer<int> firstParts, DeviceBuffer<ClippedPart> parts, ClipOutcome clip) =>
        ClipPolicyRules.PartsFinal(View(firstParts), View(parts), View(clip.Tensors), ref View(clip.State)[0]);

    private static double UnitNorm(ReadOnlySpan<float> unit)
    {
        double sum = 0;
        for (int start = 0; start < unit.Length; start += StripLength)
            sum += StripSum(unit[start..Math.Min(start + StripLength, unit.Length)]);
        return CanonicalNaN.Of(Math.Sqrt(sum));
    }
}
