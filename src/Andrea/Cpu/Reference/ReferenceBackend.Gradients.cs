using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Cpu.Reference;

internal sealed partial class ReferenceBackend
{
    private const int StripLength = 8192, StripAccumulators = 128, NormAccumulators = 32;

    public void GradNormPartial(ChunkTable table, DeviceBuffer<ChunkPartial> partials)
    {
        Span<Chunk> chunks = View(table.Chunks);
        for (int c = 0; c < chunks.Length; c++)
        {
            ReadOnlySpan<float> gradient = Elements(chunks[c].Gradient, chunks[c].Length);
            var strips = new double[Chunk.MaxLength / StripLength];
            for (int start = 0; start < gradient.Length; start += StripLength)
                strips[start / StripLength] = StripSum(gradient[start..Math.Min(start + StripLength, gradient.Length)]);
            View(partials)[c] = DescribeElements(gradient, JoinByHalves(strips));
        }
    }

    public void GradNormFinal(
        ChunkTable table, DeviceBuffer<ChunkPartial> partials, ClipSettings settings, DeviceBuffer<TensorNorm> tensorNorms, DeviceBuffer<ClipState> state)
    {
        Span<int> firstChunks = View(table.FirstChunks);
        ref ClipState clip = ref View(state)[0];
        (clip.NonFiniteCount, clip.FirstBadTensor, clip.FirstBadIndex) = (0, -1, -1);
        uint maxBits = 0;
        var sums = new double[table.TensorCount];
        for (int tensor = 0; tensor < sums.Length; tensor++)
        {
            Span<ChunkPartial> ofTensor = View(partials)[firstChunks[tensor]..firstChunks[tensor + 1]];
            var values = new double[ofTensor.Length];
            ref TensorNorm norm = ref View(tensorNorms)[tensor];
            norm = new TensorNorm { FirstNonFinite = -1 };
            uint tensorBits = 0;
            for (int i = 0; i < values.Length; i++)
            {
                values[i] = ofTensor[i].SumOfSquares;
                tensorBits = Math.Max(tensorBits, ofTensor[i].MaxMagnitudeBits);
                if (ofTensor[i].NonFiniteCount > 0 && norm.NonFiniteCount == 0)
                    norm.FirstNonFinite = (long)i * Chunk.MaxLength + ofTensor[i].FirstNonFinite;
                norm.NonFiniteCount += ofTensor[i].NonFiniteCount;
            }
            sums[tensor] = DealtSum(values);
            norm.Norm = CanonicalNaN.Of(Math.Sqrt(sums[tensor]));
            norm.MaxMagnitude = BitConverter.UInt32BitsToSingle(tensorBits);
            maxBits = Math.Max(maxBits, tensorBits);
            if (norm.NonFiniteCount > 0 && clip.NonFiniteCount == 0)
                (clip.FirstBadTensor, clip.FirstBadIndex) = (tensor, norm.FirstNonFinite);
            clip.NonFiniteCount += norm.NonFiniteCount;
        }
        clip.Norm = CanonicalNaN.Of(Math.Sqrt(DealtSum(sums)));
        clip.MaxMagnitude = BitConverter.UInt32BitsToSingle(maxBits);
        ClipDecision.Decide(settings, ref clip);
        foreach (ref TensorNorm norm in View(tensorNorms))
            ClipDecision.Apply(clip.Coefficient, ref norm);
    }

    public void GradScale(ChunkTable table, ClipOutcome clip)
    {
        if (View(clip.State)[0].Skip != 0)
            return;
        foreach (Chunk chunk in View(table.Chunks))
        {
            double coefficient = CoefficientOf(clip, chunk);
            if (coefficient == 1)
                continue;
            foreach (ref float g in Elements(chunk.Gradient, chunk.Length))
                g = (float)(g * coefficient);
        }
    }

    public void AdamW(
        ChunkTable table,
        DeviceBuffer<AdamWTensor> tensors,
        AdamWSettings settings,
        DeviceBuffer<double> learningRate,
        DeviceBuffer<AdamWState> state,
        ClipOutcome? clip)
    {
        if (clip is not null && View(clip.State)[0].Skip != 0)
            return;
        ref AdamWState progress = ref View(state)[0];
        progress.Step++;
        progress.Beta1Power *= settings.Beta1;
        progress.Beta2Power *= settings.Beta2;
        foreach (Chunk chunk in View(table.Chunks))
            UpdateChunk(chunk, View(tensors)[chunk.Tensor], settings, View(learningRate)[0], progress, CoefficientOf(clip, chunk));
    }

    /// <summary>The formulas of <see cref="IGradientOps.AdamW"/>, in float32 because their rounding is part of the contract.</summary>
    private static void UpdateChunk(Chunk chunk, AdamWTensor tensor, AdamWSettings settings, double learningRate, AdamWState after, double coefficient)
    {
        double rate = learningRate * tensor.LearningRateScale;
        float decay = (float)(1 - rate * tensor.WeightDecay);
        float stepSize = (float)(rate / (1 - after.Beta1Power));
        float root = (float)(1 / Math.Sqrt(1 - after.Beta2Power));
        float beta1 = (float)settings.Beta1, beta2 = (float)settings.Beta2;
        float rest1 = (float)(1 - settings.Beta1), rest2 = (float)(1 - settings.Beta2);
        Span<float> gradients = Elements(chunk.Gradient, chunk.Length), parameters = Elements(chunk.Parameter, chunk.Length);
        Span<float> firstMoments = Elements(chunk.FirstMoment, chunk.Length), secondMoments = Elements(chunk.SecondMoment, chunk.Length);
        for (int i = 0; i < gradients.Length; i++)
        {
            float g = coefficient == 1 ? gradients[i] : (float)(gradients[i] * coefficient);
            float m = MathF.FusedMultiplyAdd(beta1, firstMoments[i], rest1 * g);
            float v = MathF.FusedMultiplyAdd(beta2, secondMoments[i], rest2 * g * g);
            float denominator = MathF.FusedMultiplyAdd(MathF.Sqrt(v), root, (float)settings.Epsilon);
            parameters[i] = MathF.FusedMultiplyAdd(-stepSize, m / denominator, decay * parameters[i]);
            (firstMoments[i], secondMoments[i]) = (m, v);
        }
    }

    private static double CoefficientOf(ClipOutcome? clip, in Chunk chunk) => clip is null ? 1 : View(clip.Tensors)[chunk.Tensor].Coefficient;

    private static double StripSum(ReadOnlySpan<float> strip)
    {
        var accumulators = new double[StripAccumulators];
        for (int i = 0; i < strip.Length; i++)
            accumulators[i % StripAccumulators] += (double)strip[i] * strip[i];
        return JoinByHalves(accumulators);
    }

    private static double DealtSum(ReadOnlySpan<double> values)
    {
        var accumulators = new double[NormAccumulators];
        for (int i = 0; i < values.Length; i++)
            accumulators[i % NormAccumulators] += values[i];
        return JoinByHalves(accumulators);
    }

    /// <summary>a[j] += a[j + half], the half going down to 1. The length is a power of two.</summary>
    private static double JoinByHalves(Span<double> accumulators)
    {
        for (int half = accumulators.Length / 2; half > 0; half /= 2)
            for (int j = 0; j < half; j++)
                accumulators[j] += accumulators[j + half];
        return accumulators[0];
    }

    private static ChunkPartial DescribeElements(ReadOnlySpan<float> elements, double sum)
    {
        var partial = new ChunkPartial { SumOfSquares = sum, FirstNonFinite = -1 };
        bool anyNaN = false;
        for (int i = 0; i < elements.Length; i++)
        {
            partial.MaxMagnitudeBits = Math.Max(partial.MaxMagnitudeBits, BitConverter.SingleToUInt32Bits(MathF.Abs(elements[i])));
            anyNaN |= float.IsNaN(elements[i]);
            if (!float.IsFinite(elements[i]) && partial.NonFiniteCount++ == 0)
                partial.FirstNonFinite = i;
        }
        if (anyNaN)
            (partial.SumOfSquares, partial.MaxMagnitudeBits) = (CanonicalNaN.Double, CanonicalNaN.SingleBits);
        return partial;
    }

    private static unsafe Span<float> Elements(nint address, int length) => new((void*)address, length);
}
