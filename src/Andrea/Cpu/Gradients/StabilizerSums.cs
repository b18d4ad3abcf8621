using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Andrea.Backends;
using Andrea.Cpu.Simd;
using Andrea.Tensors;

namespace Andrea.Cpu.Gradients;

/// <summary>What stabilizers sum over a chunk before the update, in the order that <see cref="IGradientOps.GradNormPartial"/> fixes.</summary>
internal static unsafe class StabilizerSums
{
    private const int Accumulators = 128, StripLength = Chunk.StripLength, StripCount = Chunk.MaxLength / StripLength, DealtTo = 32;

    /// <summary>Sum over g^2 / max(vHat, epsilon^2), v as the update will make it.</summary>
    public static double OfRatios(in AdamWScalars scalars, in MeasureScalars measure, in Chunk chunk) =>
        OfChunk(new RatioTerms(scalars, measure), chunk);

    /// <summary>Sum of g^2, g clipped to the limit.</summary>
    public static double OfSquares(double coefficient, in SpikeLimit limit, in Chunk chunk) => OfChunk(new SquareTerms(coefficient, limit), chunk);

    /// <summary>From a tensor's chunks to the tensor, in the order that <see cref="IGradientOps.GradNormFinal"/> fixes.</summary>
    public static double OfTensor(double* partials, int count)
    {
        double* accumulators = stackalloc double[DealtTo];
        new Span<double>(accumulators, DealtTo).Clear();
        for (int i = 0; i < count; i++)
            accumulators[i % DealtTo] += partials[i];
        return Halves.Join(accumulators, DealtTo);
    }

    /// <summary>(float)(g * shrink) where |g| is above the limit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Limited(Vector512<float> g, Vector512<float> limit, Vector512<double> shrink) =>
        Vector512.ConditionalSelect(Vector512.GreaterThan(Vector512.Abs(g), limit), GradientScale.Scale(g, shrink), g);

    private static double OfChunk<TTerms>(in TTerms terms, in Chunk chunk)
        where TTerms : struct, ITerms
    {
        double* strips = stackalloc double[StripCount];
        double* accumulators = stackalloc double[Accumulators];
        for (int strip = 0; strip < StripCount; strip++)
        {
            new Span<double>(accumulators, Accumulators).Clear();
            int start = strip * StripLength, end = Math.Min(chunk.Length, start + StripLength);
            for (int i = start; i < end; i += SimdMath.Lanes)
            {
                int count = Math.Min(end - i, SimdMath.Lanes), half = Vector512<double>.Count;
                (Vector512<double> lower, Vector512<double> upper) = terms.Of(
                    SimdMath.LoadFirst((float*)chunk.Gradient + i, count), SimdMath.LoadFirst((float*)chunk.SecondMoment + i, count));
                UpdateLoop.Add(accumulators + i % Accumulators, lower, Math.Min(count, half));
                if (count > half)
                    UpdateLoop.Add(accumulators + i % Accumulators + half, upper, count - half);
            }
            strips[strip] = Halves.Join(accumulators, Accumulators);
        }
        return Halves.Join(strips, StripCount);
    }

    /// <summary>What 16 elements add.</summary>
    private interface ITerms
    {
        (Vector512<double> Lower, Vector512<double> Upper) Of(Vector512<float> g, Vector512<float> v);
    }

    private readonly struct RatioTerms(in AdamWScalars scalars, in MeasureScalars measure) : ITerms
    {
        private readonly AdamWScalars _scalars = scalars;
        private readonly MeasureScalars _measure = measure;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public (Vector512<double> Lower, Vector512<double> Upper) Of(Vector512<float> g, Vector512<float> v)
        {
            if (_scalars.Coefficient != 1)
                g = GradientScale.Scale(g, Vector512.Create(_scalars.Coefficient));
            (Vector512<double> g0, Vector512<double> g1) = Vector512.Widen(g);
            (Vector512<double> v0, Vector512<double> v1) = Vector512.Widen(_scalars.SecondMomentAfter(g, v));
            return (Ratio(g0, v0), Ratio(g1, v1));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private Vector512<double> Ratio(Vector512<double> g, Vector512<double> v) =>
            g * g / UpdateLoop.AtLeast(_measure.Floor, v * Vector512.Create(_measure.Correction));
    }

    private readonly struct SquareTerms(double coefficient, in SpikeLimit limit) : ITerms
    {
        private readonly SpikeLimit _limit = limit;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public (Vector512<double> Lower, Vector512<double> Upper) Of(Vector512<float> g, Vector512<float> v)
        {
            if (coefficient != 1)
                g = GradientScale.Scale(g, Vector512.Create(coefficient));
            g = Limited(g, Vector512.Create(_limit.Limit), Vector512.Create(_limit.Shrink));
            (Vector512<double> g0, Vector512<double> g1) = Vector512.Widen(g);
            return (g0 * g0, g1 * g1);
        }
    }
}
