namespace Andrea.Cpu.Gradients;

/// <summary>The order in which accumulators become one sum.</summary>
internal static unsafe class Halves
{
    /// <summary>a[j] += a[j + half], the half going down to 1. The count is a power of two; the accumulators are used up.</summary>
    public static double Join(double* accumulators, int count)
    {
        for (int half = count / 2; half > 0; half /= 2)
            for (int j = 0; j < half; j++)
                accumulators[j] += accumulators[j + half];
        return accumulators[0];
    }
}
