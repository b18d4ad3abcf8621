using Andrea.Cpu.Gradients;

namespace Andrea.Cpu.CrossEntropy;

/// <summary>A row's sum in double, in the order that <see cref="Backends.IModelOps.RowSums"/> fixes.</summary>
internal static unsafe class RowSum
{
    private const int Accumulators = 256, Group = 32;

    public static double Of(float* values, int count)
    {
        double* a = stackalloc double[Accumulators];
        new Span<double>(a, Accumulators).Clear();
        int whole = count / Accumulators * Accumulators;
        for (int first = 0; first < whole; first += Accumulators)
            for (int i = 0; i < Accumulators; i++)
                a[i] += values[first + i];
        for (int i = whole; i < count; i++)
            a[i - whole] += values[i];
        double* groups = stackalloc double[Accumulators / Group];
        for (int group = 0; group < Accumulators / Group; group++)
            groups[group] = Halves.Join(a + group * Group, Group);
        return Halves.Join(groups, Accumulators / Group);
    }
}
