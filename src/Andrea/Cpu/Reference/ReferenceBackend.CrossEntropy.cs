using Andrea.Tensors;

namespace Andrea.Cpu.Reference;

internal sealed partial class ReferenceBackend
{
    public void CrossEntropyForward(Tensor logits, DeviceBuffer<int> targets, int rows, int vocabulary, Tensor losses)
    {
        for (int row = 0; row < rows; row++)
        {
            ReadOnlySpan<float> z = View(logits).Slice(row * vocabulary, vocabulary);
            (double max, double sum) = Softmax(z);
            View(losses)[row] = (float)(Math.Log(sum) + (max - z[View(targets)[row]]));
        }
    }

    public void CrossEntropyForwardBackward(
        DeviceBuffer<int> targets, float gradientScale, int rows, int vocabulary, Tensor logits, Tensor losses, bool zeroSum = false)
    {
        CrossEntropyForward(logits, targets, rows, vocabulary, losses);
        for (int row = 0; row < rows; row++)
        {
            Span<float> z = View(logits).Slice(row * vocabulary, vocabulary);
            (double max, double sum) = Softmax(z);
            for (int j = 0; j < vocabulary; j++)
            {
                double probability = Math.Exp(z[j] - max) / sum;
                z[j] = (float)((probability - (j == View(targets)[row] ? 1 : 0)) * gradientScale);
            }
            if (!zeroSum)
                continue;
            z[View(targets)[row]] = 0;
            z[View(targets)[row]] = (float)-SumOf(z);
        }
    }

    public void AddSum(Tensor values, int length, double scale, DeviceBuffer<double> sum)
    {
        double total = 0;
        foreach (float value in View(values)[..length])
            total += value;
        View(sum)[0] += scale * total;
    }

    /// <summary>Largest element, and the sum of e^(element - largest).</summary>
    private static (double Max, double Sum) Softmax(ReadOnlySpan<float> z)
    {
        double max = double.NegativeInfinity;
        foreach (float value in z)
            max = Math.Max(max, value);
        double sum = 0;
        foreach (float value in z)
            sum += Math.Exp(value - max);
        return (max, sum);
    }
}
