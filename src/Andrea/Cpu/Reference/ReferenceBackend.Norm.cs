using Andrea.Tensors;

namespace Andrea.Cpu.Reference;

internal sealed partial class ReferenceBackend
{
    public void NormForward(
        NormKind kind, Tensor input, Tensor weight, Tensor bias, float epsilon, int rows, int channels,
        Tensor output, Tensor mean, Tensor inverseScale)
    {
        ReadOnlySpan<float> w = View(weight);
        ReadOnlySpan<float> b = View(bias);
        for (int row = 0; row < rows; row++)
        {
            ReadOnlySpan<float> x = View(input).Slice(row * channels, channels);
            Span<float> y = View(output).Slice(row * channels, channels);

            // RMSNorm is LayerNorm with the mean taken as 0.
            double center = 0;
            if (kind == NormKind.LayerNorm)
            {
                foreach (float value in x)
                    center += value;
                center /= channels;
                View(mean)[row] = (float)center;
            }

            double variance = 0;
            foreach (float value in x)
                variance += (value - center) * (value - center);
            variance /= channels;
            double scale = 1 / Math.Sqrt(variance + epsilon);
            View(inverseScale)[row] = (float)scale;

            for (int c = 0; c < channels; c++)
                y[c] = (float)((x[c] - center) * scale * w[c] + (bias.IsNone ? 0 : b[c]));
        }
    }

    public void NormBackward(
        NormKind kind, Tensor dOutput, Tensor input, Tensor weight, Tensor mean, Tensor inverseScale, int rows, int channels,
        Tensor dInput, Tensor dWeight, Tensor dBias)
    {
        ReadOnlySpan<float> w = View(weight);
        var weightSums = new double[channels];
        var biasSums = new double[channels];
        var normalised = new double[channels];
        var h = new double[channels];
        for (int row = 0; row < rows; row++)
        {
            ReadOnlySpan<float> x = View(input).Slice(row * channels, channels);
            ReadOnlySpan<float> dy = View(dOutput).Slice(row * channels, channels);
            Span<float> dx = View(dInput).Slice(row * channels, channels);
            double center = kind == NormKind.LayerNorm ? View(mean)[row] : 0;
            double scale = View(inverseScale)[row];

            double meanOfH = 0, meanOfProduct = 0;
            for (int c = 0; c < channels; c++)
            {
                normalised[c] = (x[c] - center) * scale;
                h[c] = (double)w[c] * dy[c];
                meanOfH += h[c];
                meanOfProduct += h[c] * normalised[c];
                weightSums[c] += dy[c] * normalised[c];
                biasSums[c] += dy[c];
            }
            meanOfH = kind == NormKind.LayerNorm ? meanOfH / channels : 0;
            meanOfProduct /= channels;

            for (int c = 0; c < channels; c++)
                dx[c] = (float)(dx[c] + scale * (h[c] - meanOfH - normalised[c] * meanOfProduct));
        }
        AddTo(dWeight, weightSums);
        if (!dBias.IsNone)
            AddTo(dBias, biasSums);
    }

    private static void AddTo(Tensor target, ReadOnlySpan<double> values)
    {
        Span<float> elements = View(target);
        for (int i = 0; i < values.Length; i++)
            elements[i] = (float)(elements[i] + values[i]);
    }
}
