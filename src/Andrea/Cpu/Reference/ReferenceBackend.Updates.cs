using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Cpu.Reference;

internal sealed partial class ReferenceBackend
{
    public void AdamWMeasured(
        ChunkTable table,
        DeviceBuffer<AdamWTensor> tensors,
        AdamWSettings settings,
        DeviceBuffer<double> learningRate,
        DeviceBuffer<AdamWState> state,
        ClipOutcome? clip,
        DeviceBuffer<UpdateSums> partials)
    {
        Span<Chunk> chunks = View(table.Chunks);
        var before = new float[chunks.Length][];
        for (int c = 0; c < chunks.Length; c++)
            before[c] = Elements(chunks[c].Parameter, chunks[c].Length).ToArray();
        AdamW(table, tensors, settings, learningRate, state, clip);
        bool skipped = clip is not null && View(clip.State)[0].Skip != 0;
        double correction = 1 / (1 - View(state)[0].Beta2Power), floor = settings.Epsilon * settings.Epsilon;
        for (int c = 0; c < chunks.Length; c++)
        {
            double coefficient = CoefficientOf(clip, chunks[c]);
            float[] gradients = Elements(chunks[c].Gradient, chunks[c].Length).ToArray(), parametersBefore = before[c];
            float[] parameters = Elements(chunks[c].Parameter, chunks[c].Length).ToArray();
            float[] secondMoments = Elements(chunks[c].SecondMoment, chunks[c].Length).ToArray();
            double Gradient(int i) => coefficient == 1 ? gradients[i] : (float)(gradients[i] * coefficient);
            double SecondMoment(int i) => secondMoments[i] * correction;
            double Update(int i) => (double)parameters[i] - parametersBefore[i];
            double Sum(Func<int, double> term) => CanonicalNaN.Of(ChunkSum(gradients.Length, term));
            View(partials)[c] = new UpdateSums
            {
                Weights = Sum(i => (double)parametersBefore[i] * parametersBefore[i]),
                Updates = skipped ? 0 : Sum(i => Update(i) * Update(i)),
                Ratios = skipped ? CanonicalNaN.Double : Sum(i => Gradient(i) * Gradient(i) / (SecondMoment(i) < floor ? floor : SecondMoment(i))),
                SecondMoments = skipped ? CanonicalNaN.Double : Sum(SecondMoment),
                Gradients = skipped ? CanonicalNaN.Double : Sum(i => Gradient(i) * Gradient(i)),
            };
        }
    }

    public void UpdateFinal(ChunkTable table, DeviceBuffer<UpdateSums> partials, DeviceBuffer<UpdateSums> updates)
    {
        Span<int> firstChunks = View(table.FirstChunks);
        for (int tensor = 0; tensor < table.TensorCount; tensor++)
        {
            UpdateSums[] ofTensor = View(partials)[firstChunks[tensor]..firstChunks[tensor + 1]].ToArray();
            double Sum(Func<UpdateSums, double> part) => CanonicalNaN.Of(DealtSum(ofTensor.Select(part).ToArray()));
            View(updates)[tensor] = new UpdateSums
            {
                Weights = Sum(sums => sums.Weights),
                Updates = Sum(sums => sums.Updates),
                Ratios = Sum(sums => sums.Ratios),
                SecondMoments = Sum(sums => sums.SecondMoments),
                Gradients = Sum(sums => sums.Gradients),
            };
        }
    }

    /// <summary>The order of <see cref="IGradientOps.GradNormPartial"/>, over whatever is to be summed.</summary>
    private static double ChunkSum(int length, Func<int, double> term)
    {
        var strips = new double[Chunk.MaxLength / StripLength];
        for (int start = 0; start < length; start += StripLength)
        {
            var accumulators = new double[StripAccumulators];
            for (int i = start; i < Math.Min(start + StripLength, length); i++)
                accumulators[(i - start) % StripAccumulators] += term(i);
            strips[start / StripLength] = JoinByHalves(accumulators);
        }
        return JoinByHalves(strips);
    }
}
