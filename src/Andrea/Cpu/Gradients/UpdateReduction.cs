using Andrea.Backends;

namespace Andrea.Cpu.Gradients;

/// <summary>From the chunks of a measured update to a tensor, in the order that <see cref="IGradientOps.UpdateFinal"/> fixes.</summary>
internal static unsafe class UpdateReduction
{
    private const int Accumulators = 32, Sums = 5;

    public static UpdateSums OfTensor(UpdateSums* chunks, int count)
    {
        double* a = stackalloc double[Sums * Accumulators];
        new Span<double>(a, Sums * Accumulators).Clear();
        for (int i = 0; i < count; i++)
        {
            double* place = a + i % Accumulators;
            place[0 * Accumulators] += chunks[i].Weights;
            place[1 * Accumulators] += chunks[i].Updates;
            place[2 * Accumulators] += chunks[i].Ratios;
            place[3 * Accumulators] += chunks[i].SecondMoments;
            place[4 * Accumulators] += chunks[i].Gradients;
        }
        return new UpdateSums
        {
            Weights = Join(a, 0),
            Updates = Join(a, 1),
            Ratios = Join(a, 2),
            SecondMoments = Join(a, 3),
            Gradients = Join(a, 4),
        };
    }

    private static double Join(double* accumulators, int sum) =>
        CanonicalNaN.Of(Halves.Join(accumulators + sum * Accumulators, Accumulators));
}
