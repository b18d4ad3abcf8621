using Andrea.Tensors;

namespace Andrea.Cpu.Reference;

internal sealed partial class ReferenceBackend
{
    public void LogitMargins(Tensor logits, DeviceBuffer<int> targets, int rows, int vocabulary, DeviceBuffer<float> margins)
    {
        for (int row = 0; row < rows; row++)
        {
            ReadOnlySpan<float> z = View(logits).Slice(row * vocabulary, vocabulary);
            float other = float.NegativeInfinity;
            for (int j = 0; j < vocabulary; j++)
                if (j != View(targets)[row] && z[j] > other)
                    other = z[j];
            View(margins)[row] = z[View(targets)[row]] - other;
        }
    }

    public void RowSums(Tensor values, int rows, int columns, DeviceBuffer<double> sums)
    {
        for (int row = 0; row < rows; row++)
            View(sums)[row] = SumOf(View(values).Slice(row * columns, columns));
    }

    /// <summary>The order of <see cref="Backends.IModelOps.RowSums"/>.</summary>
    private static double SumOf(ReadOnlySpan<float> row)
    {
        var accumulators = new double[256];
        for (int j = 0; j < row.Length; j++)
            accumulators[j % 256] += row[j];
        return JoinByHalves([.. accumulators.Chunk(32).Select(group => JoinByHalves(group))]);
    }
}
