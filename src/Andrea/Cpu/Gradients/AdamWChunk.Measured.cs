using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Andrea.Backends;
using Andrea.Cpu.Simd;
using Andrea.Tensors;

namespace Andrea.Cpu.Gradients;

/// <summary>The scalars of measuring: what v is multiplied by to correct its bias, and what that is not let fall below.</summary>
internal readonly struct MeasureScalars(AdamWSettings settings, AdamWState before)
{
    public readonly double Correction = 1 / (1 - before.Beta2Power * settings.Beta2);

    public readonly double Floor = settings.Epsilon * settings.Epsilon;
}

internal static unsafe partial class AdamWChunk
{
    // Accumulators of a strip lie in memory, sum by sum: 5 KB, which stay in the first-level cache. Registers would not hold them.
    private const int Accumulators = 128, Sums = 5, Weights = 0, Updates = 1, Ratios = 2, SecondMoments = 3, Gradients = 4;

    private const int StripLength = Chunk.StripLength, StripCount = Chunk.MaxLength / StripLength;

    /// <summary><see cref="Step"/>, with the same bits, that also measures, in the order that <see cref="IGradientOps.AdamWMeasured"/> fixes.</summary>
    /// <param name="s">Scalars of the update.</param><param name="measure">Scalars of measuring.</param><param name="chunk">The chunk.</param>
    public static UpdateSums StepMeasured(in AdamWScalars s, in MeasureScalars measure, in Chunk chunk)
    {
        double* strips = stackalloc double[Sums * StripCount];
        double* accumulators = stackalloc double[Sums * Accumulators];
        // Gradients are clipped before the update here, since they are measured, too.
        AdamWScalars unclipped = s.WithoutCoefficient();
        for (int strip = 0; strip < StripCount; strip++)
        {
            new Span<double>(accumulators, Sums * Accumulators).Clear();
            nint offset = strip * StripLength;
            int count = (int)Math.Clamp(chunk.Length - offset, 0, StripLength);
            StripMeasured(
                unclipped, s.Coefficient, measure, (float*)chunk.Gradient + offset, (float*)chunk.Parameter + offset,
                (float*)chunk.FirstMoment + offset, (float*)chunk.SecondMoment + offset, count, accumulators);
            for (int sum = 0; sum < Sums; sum++)
                strips[sum * StripCount + strip] = Halves.Join(accumulators + sum * Accumulators, Accumulators);
        }
        return new UpdateSums
        {
            Weights = OfChunk(strips, Weights),
            Updates = OfChunk(strips, Updates),
            Ratios = OfChunk(strips, Ratios),
            SecondMoments = OfChunk(strips, SecondMoments),
            Gradients = OfChunk(strips, Gradients),
        };
    }

    /// <summary>What there is to measure in a step that is skipped.</summary>
    public static UpdateSums MeasureSkipped(in Chunk chunk) => new()
    {
        Weights = CanonicalNaN.Of(SumOfSquares.OfChunk((float*)chunk.Parameter, chunk.Length).SumOfSquares),
        Ratios = CanonicalNaN.Double,
        SecondMoments = CanonicalNaN.Double,
        Gradients = CanonicalNaN.Double,
    };

    private static double OfChunk(double* strips, int sum) => CanonicalNaN.Of(Halves.Join(strips + sum * StripCount, StripCount));

    private static void StripMeasured(
        in AdamWScalars s, double coefficient, in MeasureScalars measure, float* gradient, float* parameter, float* firstMoment,
        float* secondMoment, int length, double* accumulators)
    {
        Vector512<double> factor = Vector512.Create(coefficient);
        int i = 0;
        for (; i <= length - SimdMath.Lanes; i += SimdMath.Lanes)
        {
            if (Sse.IsSupported)
            {
                Sse.Prefetch0(gradient + i + PrefetchElements);
                Sse.Prefetch0(parameter + i + PrefetchElements);
                Sse.Prefetch0(firstMoment + i + PrefetchElements);
                Sse.Prefetch0(secondMoment + i + PrefetchElements);
            }
            Vector512<float> g = Vector512.Load(gradient + i), before = Vector512.Load(parameter + i), p = before;
            Vector512<float> m = Vector512.Load(firstMoment + i), v = Vector512.Load(secondMoment + i);
            if (coefficient != 1)
                g = GradientScale.Scale(g, factor);
            Update(s, g, ref m, ref v, ref p);
            m.Store(firstMoment + i);
            v.Store(secondMoment + i);
            p.Store(parameter + i);
            Add(measure, g, before, p, v, accumulators + i % Accumulators);
        }
        int rest = length - i;
        if (rest > 0)
        {
            Vector512<float> g = SimdMath.LoadFirst(gradient + i, rest), before = SimdMath.LoadFirst(parameter + i, rest), p = before;
            Vector512<float> m = SimdMath.LoadFirst(firstMoment + i, rest), v = SimdMath.LoadFirst(secondMoment + i, rest);
            if (coefficient != 1)
                g = GradientScale.Scale(g, factor);
            Update(s, g, ref m, ref v, ref p);
            SimdMath.StoreFirst(m, firstMoment + i, rest);
            SimdMath.StoreFirst(v, secondMoment + i, rest);
            SimdMath.StoreFirst(p, parameter + i, rest);
            for (int lane = 0; lane < rest; lane++)
                Add(measure, g[lane], before[lane], p[lane], v[lane], accumulators + i % Accumulators + lane);
        }
    }

    /// <summary>Adds 16 neighbours to their accumulators, eight at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(
        in MeasureScalars measure, Vector512<float> g, Vector512<float> before, Vector512<float> after, Vector512<float> v, double* accumulators)
    {
        (Vector512<double> g0, Vector512<double> g1) = Vector512.Widen(g);
        (Vector512<double> before0, Vector512<double> before1) = Vector512.Widen(before);
        (Vector512<double> after0, Vector512<double> after1) = Vector512.Widen(after);
        (Vector512<double> v0, Vector512<double> v1) = Vector512.Widen(v);
        Add(measure, g0, before0, after0, v0, accumulators);
        Add(measure, g1, before1, after1, v1, accumulators + Vector512<double>.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(
        in MeasureScalars measure, Vector512<double> g, Vector512<double> before, Vector512<double> after, Vector512<double> v, double* accumulators)
    {
        Vector512<double> update = after - before, squares = g * g, floor = Vector512.Create(measure.Floor);
        Vector512<double> corrected = v * Vector512.Create(measure.Correction);
        // Not a maximum: NaN is to stay NaN.
        Vector512<double> denominator = Vector512.ConditionalSelect(Vector512.LessThan(corrected, floor), floor, corrected);
        Add(accumulators + Weights * Accumulators, before * before);
        Add(accumulators + Updates * Accumulators, update * update);
        Add(accumulators + Ratios * Accumulators, squares / denominator);
        Add(accumulators + SecondMoments * Accumulators, corrected);
        Add(accumulators + Gradients * Accumulators, squares);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(double* accumulators, Vector512<double> terms) => (Vector512.Load(accumulators) + terms).Store(accumulators);

    /// <summary>The same for one element.</summary>
    private static void Add(in MeasureScalars measure, double g, double before, double after, double v, double* accumulator)
    {
        double update = after - before, corrected = v * measure.Correction;
        accumulator[Weights * Accumulators] += before * before;
        accumulator[Updates * Accumulators] += update * update;
        accumulator[Ratios * Accumulators] += g * g / (corrected < measure.Floor ? measure.Floor : corrected);
        accumulator[SecondMoments * Accumulators] += corrected;
        accumulator[Gradients * Accumulators] += g * g;
    }
}
