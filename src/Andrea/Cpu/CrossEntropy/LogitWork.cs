namespace Andrea.Cpu.CrossEntropy;

/// <summary>Margins of targets over the other logits; an index is a row.</summary>
internal unsafe struct MarginWork : IRangeWork
{
    public float* Logits, Margins;
    public int* Targets;
    public int Vocabulary;

    public readonly void Run(long start, long end, int worker)
    {
        for (long row = start; row < end; row++)
        {
            float* logits = Logits + row * Vocabulary;
            int target = Targets[row];
            Margins[row] = logits[target] - MathF.Max(Largest(logits, target), Largest(logits + target + 1, Vocabulary - target - 1));
        }
    }

    // NaN is not larger than anything.
    private static float Largest(float* values, int count)
    {
        float largest = float.NegativeInfinity;
        for (int i = 0; i < count; i++)
            if (values[i] > largest)
                largest = values[i];
        return largest;
    }
}

/// <summary>Sums of rows; an index is a row.</summary>
internal unsafe struct RowSumWork : IRangeWork
{
    public float* Values;
    public double* Sums;
    public int Columns;

    public readonly void Run(long start, long end, int worker)
    {
        for (long row = start; row < end; row++)
            Sums[row] = RowSum.Of(Values + row * Columns, Columns);
    }
}
