using Andrea.Backends;
using Andrea.Numerics;
using Andrea.Tensors;

namespace Andrea.Cpu.Reference;

internal sealed partial class ReferenceBackend
{
    private const float SmallestNormal = 1.17549435e-38f;

    public void SoftSign(in UpdateOperands operands, SoftSignSettings settings, DeviceBuffer<UpdateSums>? partials)
    {
        UpdateOperands o = operands;
        Update(operands, partials, correction: 1, floor: 2.2250738585072014e-308, r => r * r, chunk =>
        {
            AdamWTensor tensor = View(o.Tensors)[chunk.Tensor];
            double lr = View(o.LearningRate)[0] * tensor.LearningRateScale, coefficient = CoefficientOf(o.Clip, chunk);
            float beta = (float)settings.Beta, rest = (float)(1 - settings.Beta), decay = (float)(1 - lr * tensor.WeightDecay), rate = (float)lr;
            return (float g, ref float p, ref float m, ref float r) =>
            {
                g = coefficient == 1 ? g : (float)(g * coefficient);
                float magnitude = MathF.Abs(g);
                bool rises = magnitude > r;
                float big = rises ? magnitude : r, small = rises ? r : magnitude;
                float q = Power(small / (big < SmallestNormal ? SmallestNormal : big), settings.Power);
                float u = rises ? MathF.FusedMultiplyAdd(beta, q, rest) : MathF.FusedMultiplyAdd(rest, q, beta);
                float w = MathF.FusedMultiplyAdd(beta, u, rest * (rises ? 1 : q));
                r = big * Root(u, settings.Power);
                float d = big * Root(w, settings.Power);
                m = MathF.FusedMultiplyAdd(beta, m, rest * g);
                float n = MathF.FusedMultiplyAdd(beta, m, rest * g);
                p = MathF.FusedMultiplyAdd(-rate, d < SmallestNormal ? 0 : n / d, decay * p);
                return g;
            };
        });
        if (!Skips(operands))
            View(operands.State)[0].Step++;
    }

    public void Stabilize(in UpdateOperands operands, AdamWSettings settings, StabilizerMemory memory)
    {
        if (Skips(operands))
            return;
        UpdateOperands o = operands;
        StabilizerSettings stabilizer = View(memory.Settings)[0];
        AdamWState before = View(operands.State)[0];
        for (int tensor = 0; tensor < operands.Table.TensorCount; tensor++)
        {
            Chunk[] chunks = View(o.Table.Chunks)[View(o.Table.FirstChunks)[tensor]..View(o.Table.FirstChunks)[tensor + 1]].ToArray();
            double SumOver(Func<float, float, double> term) => DealtSum([.. chunks.Select(chunk => OverChunk(chunk, term))]);
            double OverChunk(Chunk chunk, Func<float, float, double> term)
            {
                float[] g = Elements(chunk.Gradient, chunk.Length).ToArray(), v = Elements(chunk.SecondMoment, chunk.Length).ToArray();
                double coefficient = CoefficientOf(o.Clip, chunk);
                return ChunkSum(g.Length, i => term(coefficient == 1 ? g[i] : (float)(g[i] * coefficient), v[i]));
            }
            View(memory.Steps)[tensor] = memory.Kind switch
            {
                StabilizerKind.Spam => StabilizerDecision.OfNumber(stabilizer, View(memory.Warmup), before.Step + 1),
                StabilizerKind.UpdateRms => StabilizerDecision.OfRatios(
                    SumOver((g, v) => RatioOf(g, v, settings, before)), chunks.Sum(chunk => (long)chunk.Length)),
                _ => AfterSpikes(tensor),
            };
            TensorStep AfterSpikes(int index)
            {
                TensorNorm found = View(o.Clip!.Tensors)[index];
                ref TensorHistory history = ref View(memory.History)[index];
                SpikeLimit limit = StabilizerDecision.LimitOf(stabilizer, history, found, found.Coefficient);
                double norm = limit.Clips ? Math.Sqrt(SumOver((g, _) => Square(Limited(g, limit.Limit, limit.Shrink)))) : found.NormAfter;
                bool isPresent = chunks.Length > 0 && chunks[0].Length > 0;
                return StabilizerDecision.OfNorm(stabilizer, limit, norm, isPresent, stabilizer.ResetsAt(before.Step + 1), ref history);
            }
        }
    }

    public void AdamWStabilized(in UpdateOperands operands, AdamWSettings settings, StabilizerMemory memory, DeviceBuffer<UpdateSums>? partials)
    {
        UpdateOperands o = operands;
        AdamWState after = View(memory.Settings)[0].Before(View(operands.State)[0]);
        after.Step++;
        after.Beta1Power *= settings.Beta1;
        after.Beta2Power *= settings.Beta2;
        Update(operands, partials, 1 / (1 - after.Beta2Power), settings.Epsilon * settings.Epsilon, v => v, chunk =>
        {
            TensorStep step = View(memory.Steps)[chunk.Tensor];
            AdamWTensor tensor = View(o.Tensors)[chunk.Tensor];
            double lr = View(o.LearningRate)[0] * tensor.LearningRateScale, coefficient = CoefficientOf(o.Clip, chunk);
            float decay = (float)(1 - lr * step.DecayScale * tensor.WeightDecay), rate = (float)(lr * step.RateScale / (1 - after.Beta1Power));
            float root = (float)(1 / Math.Sqrt(1 - after.Beta2Power)), beta1 = (float)settings.Beta1, rest1 = (float)(1 - settings.Beta1);
            return (float g, ref float p, ref float m, ref float v) =>
            {
                g = coefficient == 1 ? g : (float)(g * coefficient);
                g = Limited(g, step.Limit, step.Shrink);
                g = step.GradientScale == 1 ? g : (float)(g * step.GradientScale);
                float top = step.SpikeRoot * MathF.Sqrt(v);
                if (step.SpikeRoot > 0 && v > 0 && MathF.Abs(g) > top)
                    g = MathF.CopySign(top, g);
                if (step.Reset != 0)
                    m = v = 0;
                m = MathF.FusedMultiplyAdd(beta1, m, rest1 * g);
                v = SecondMoment(g, v, settings);
                float denominator = MathF.FusedMultiplyAdd(MathF.Sqrt(v), root, (float)settings.Epsilon);
                p = MathF.FusedMultiplyAdd(-rate, m / denominator, decay * p);
                return g;
            };
        });
        if (!Skips(operands))
            View(operands.State)[0] = after;
    }

    private delegate float ElementUpdate(float g, ref float p, ref float m, ref float v);

    /// <summary>Updates every element, unless the step is skipped; and measures, where it is asked to.</summary>
    private static void Update(
        in UpdateOperands operands, DeviceBuffer<UpdateSums>? partials, double correction, double floor, Func<double, double> secondMoment,
        Func<Chunk, ElementUpdate> ofChunk)
    {
        bool skipped = Skips(operands);
        Span<Chunk> chunks = View(operands.Table.Chunks);
        for (int c = 0; c < chunks.Length; c++)
        {
            Chunk chunk = chunks[c];
            ElementUpdate update = ofChunk(chunk);
            float[] before = Elements(chunk.Parameter, chunk.Length).ToArray(), gradients = Elements(chunk.Gradient, chunk.Length).ToArray();
            for (int i = 0; i < gradients.Length && !skipped; i++)
                gradients[i] = update(
                    gradients[i], ref Elements(chunk.Parameter, chunk.Length)[i], ref Elements(chunk.FirstMoment, chunk.Length)[i],
                    ref Elements(chunk.SecondMoment, chunk.Length)[i]);
            if (partials is null)
                continue;
            float[] after = Elements(chunk.Parameter, chunk.Length).ToArray(), moments = Elements(chunk.SecondMoment, chunk.Length).ToArray();
            double Corrected(int i) => secondMoment(moments[i]) * correction;
            double Sum(Func<int, double> term) => CanonicalNaN.Of(ChunkSum(before.Length, term));
            View(partials)[c] = new UpdateSums
            {
                Weights = Sum(i => Square(before[i])),
                Updates = skipped ? 0 : Sum(i => ((double)after[i] - before[i]) * ((double)after[i] - before[i])),
                Ratios = skipped ? CanonicalNaN.Double : Sum(i => Square(gradients[i]) / (Corrected(i) < floor ? floor : Corrected(i))),
                SecondMoments = skipped ? CanonicalNaN.Double : Sum(Corrected),
                Gradients = skipped ? CanonicalNaN.Double : Sum(i => Square(gradients[i])),
            };
        }
    }

    private static bool Skips(in UpdateOperands operands) => operands.Clip is not null && View(operands.Clip.State)[0].Skip != 0;

    private static double Square(float value) => (double)value * value;

    private static float Limited(float g, float limit, double shrink) => MathF.Abs(g) > limit ? (float)(g * shrink) : g;

    private static float SecondMoment(float g, float v, AdamWSettings settings) =>
        MathF.FusedMultiplyAdd((float)settings.Beta2, v, (float)(1 - settings.Beta2) * g * g);

    private static double RatioOf(float g, float v, AdamWSettings settings, AdamWState before)
    {
        double corrected = SecondMoment(g, v, settings) * (1 / (1 - before.Beta2Power * settings.Beta2)), floor = settings.Epsilon * settings.Epsilon;
        return Square(g) / (corrected < floor ? floor : corrected);
    }

    private static float Power(float q, int power) => power switch
    {
        1 => q,
        2 => q * q,
        3 => q * q * q,
        _ => q * q * (q * q),
    };

    private static float Root(float x, int power) => power switch
    {
        1 => x,
        2 => MathF.Sqrt(x),
        3 => CubeRoot.Of(x),
        _ => MathF.Sqrt(MathF.Sqrt(x)),
    };
}
