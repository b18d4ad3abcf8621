using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Andrea.Backends;
using Andrea.Cpu.Simd;
using Andrea.Tensors;

namespace Andrea.Cpu.Gradients;

/// <summary>The scalars of measuring: what v is multiplied by to correct its bias, and what that is not let fall below.</summary>
internal readonly struct MeasureScalars(double correction, double floor)
{
    public readonly double Correction = correction, Floor = floor;

    /// <summary>AdamW's.</summary>
    public static MeasureScalars Of(AdamWSettings settings, AdamWState before) =>
        new(1 / (1 - before.Beta2Power * settings.Beta2), settings.Epsilon * settings.Epsilon);

    /// <summary>S3's, whose second moment has no bias that anyone corrects.</summary>
    public static MeasureScalars Unbiased => new(1, SmallestNormal);

    /// <summary>Below any float's square: it only keeps 0 / 0 from being NaN.</summary>
    public const double SmallestNormal = 2.2250738585072014e-308;
}

internal static unsafe partial class UpdateLoop
{
    // Accumulators of a strip lie in memory, sum by sum: 5 KB, which stay in the first-level cache. Registers would not hold them.
    private const int Accumulators = 128, Sums = 5, Weights = 0, Updates = 1, Ratios = 2, SecondMoments = 3, Gradients = 4;

    private const int StripLength = Chunk.StripLength, StripCount = Chunk.MaxLength / StripLength;

    /// <summary><see cref="Run"/>, with the same bits, that also measures, in the order that <see cref="IGradientOps.AdamWMeasured"/> fixes.</summary>
    /// <param name="rule">The update.</param><param name="measure">Scalars of measuring.</param><param name="chunk">The chunk.</param>
    public static UpdateSums Measure<TRule>(in TRule rule, in MeasureScalars measure, in Chunk chunk)
        where TRule : struct, IUpdateRule
    {
        double* strips = stackalloc double[Sums * StripCount];
        double* accumulators = stackalloc double[Sums * Accumulators];
        for (int strip = 0; strip < StripCount; strip++)
        {
            new Span<double>(accumulators, Sums * Accumulators).Clear();
            nint offset = strip * StripLength;
            int count = (int)Math.Clamp(chunk.Length - offset, 0, StripLength);
            MeasureStrip(
                rule, measure, (float*)chunk.Gradient + offset, (float*)chunk.Parameter + offset,
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

    private static void MeasureStrip<TRule>(
        in TRule rule, in MeasureScalars measure, float* gradient, float* parameter, float* firstMoment, float* secondMoment, int length,
        double* accumulators)
        where TRule : struct, IUpdateRule
    {
        for (int i = 0; i < length; i += SimdMath.Lanes)
        {
            int count = Math.Min(length - i, SimdMath.Lanes);
            Vector512<float> g = Load(gradient + i, count), before = Load(parameter + i, count), p = before;
            Vector512<float> m = Load(firstMoment + i, count), v = Load(secondMoment + i, count);
            g = rule.Update(g, ref p, ref m, ref v);
            Store(m, firstMoment + i, count);
            Store(v, secondMoment + i, count);
            Store(p, parameter + i, count);
            Add(rule, measure, g, before, p, v, count, accumulators + i % Accumulators);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Load(float* source, int count) =>
        count == SimdMath.Lanes ? Vector512.Load(source) : SimdMath.LoadFirst(source, count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector512<float> value, float* target, int count)
    {
        if (count == SimdMath.Lanes)
            value.Store(target);
        else
            SimdMath.StoreFirst(value, target, count);
    }

    /// <summary>Adds 16 neighbours to their accumulators, eight at a time; of fewer, the first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<TRule>(
        in TRule rule, in MeasureScalars measure, Vector512<float> g, Vector512<float> before, Vector512<float> after, Vector512<float> v, int count,
        double* accumulators)
        where TRule : struct, IUpdateRule
    {
        (Vector512<double> g0, Vector512<double> g1) = Vector512.Widen(g);
        (Vector512<double> before0, Vector512<double> before1) = Vector512.Widen(before);
        (Vector512<double> after0, Vector512<double> after1) = Vector512.Widen(after);
        (Vector512<double> v0, Vector512<double> v1) = Vector512.Widen(v);
        int half = Vector512<double>.Count;
        Add(measure, g0, before0, after0, rule.SecondMoment(v0), Math.Min(count, half), accumulators);
        if (count > half)
            Add(measure, g1, before1, after1, rule.SecondMoment(v1), count - half, accumulators + half);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(
        in MeasureScalars measure, Vector512<double> g, Vector512<double> before, Vector512<double> after, Vector512<double> v, int count,
        double* accumulators)
    {
        Vector512<double> update = after - before, squares = g * g, corrected = v * Vector512.Create(measure.Correction);
        Add(accumulators + Weights * Accumulators, before * before, count);
        Add(accumulators + Updates * Accumulators, update * update, count);
        Add(accumulators + Ratios * Accumulators, squares / AtLeast(measure.Floor, corrected), count);
        Add(accumulators + SecondMoments * Accumulators, corrected, count);
        Add(accumulators + Gradients * Accumulators, squares, count);
    }

    /// <summary>Not a maximum: NaN is to stay NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<double> AtLeast(double floor, Vector512<double> values) =>
        Vector512.ConditionalSelect(Vector512.LessThan(values, Vector512.Create(floor)), Vector512.Create(floor), values);

    /// <summary>Adds the first terms to their accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Add(double* accumulators, Vector512<double> terms, int count)
    {
        if (count == Vector512<double>.Count)
        {
            (Vector512.Load(accumulators) + terms).Store(accumulators);
            return;
        }
        for (int lane = 0; lane < count; lane++)
            accumulators[lane] += terms[lane];
    }
}
