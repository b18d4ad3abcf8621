using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Andrea.Backends;
using Andrea.Cpu.Simd;

namespace Andrea.Cpu.Gradients;

/// <summary>The scalars of one AdamW step for one tensor, as <see cref="IGradientOps.AdamW"/> defines them: computed in double, rounded once.</summary>
internal readonly struct AdamWScalars
{
    public AdamWScalars(AdamWSettings settings, AdamWState before, AdamWTensor tensor, double learningRate, double coefficient)
    {
        double rate = learningRate * tensor.LearningRateScale;
        Beta1 = (float)settings.Beta1;
        Beta2 = (float)settings.Beta2;
        OneMinusBeta1 = (float)(1 - settings.Beta1);
        OneMinusBeta2 = (float)(1 - settings.Beta2);
        Epsilon = (float)settings.Epsilon;
        Decay = (float)(1 - rate * tensor.WeightDecay);
        MinusRate = (float)-(rate / (1 - before.Beta1Power * settings.Beta1));
        Root = (float)(1 / Math.Sqrt(1 - before.Beta2Power * settings.Beta2));
        Coefficient = coefficient;
    }

    private AdamWScalars(in AdamWScalars other, double coefficient)
    {
        this = other;
        Coefficient = coefficient;
    }

    public readonly float Beta1, Beta2, OneMinusBeta1, OneMinusBeta2, Epsilon, Decay, MinusRate, Root;

    public readonly double Coefficient;

    /// <summary>The same for gradients that are clipped already.</summary>
    public AdamWScalars WithoutCoefficient() => new(this, coefficient: 1);
}

/// <summary>One AdamW step over one chunk, 16 lanes at a time.</summary>
internal static unsafe partial class AdamWChunk
{
    private const int PrefetchElements = 512;

    public static void Step(in AdamWScalars s, float* gradient, float* parameter, float* firstMoment, float* secondMoment, int length)
    {
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
            Vector512<float> m = Vector512.Load(firstMoment + i), v = Vector512.Load(secondMoment + i), p = Vector512.Load(parameter + i);
            Update(s, Vector512.Load(gradient + i), ref m, ref v, ref p);
            m.Store(firstMoment + i);
            v.Store(secondMoment + i);
            p.Store(parameter + i);
        }
        int rest = length - i;
        if (rest > 0)
        {
            Vector512<float> m = SimdMath.LoadFirst(firstMoment + i, rest), v = SimdMath.LoadFirst(secondMoment + i, rest);
            Vector512<float> p = SimdMath.LoadFirst(parameter + i, rest);
            Update(s, SimdMath.LoadFirst(gradient + i, rest), ref m, ref v, ref p);
            SimdMath.StoreFirst(m, firstMoment + i, rest);
            SimdMath.StoreFirst(v, secondMoment + i, rest);
            SimdMath.StoreFirst(p, parameter + i, rest);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Update(in AdamWScalars s, Vector512<float> g, ref Vector512<float> m, ref Vector512<float> v, ref Vector512<float> p)
    {
        if (s.Coefficient != 1)
            g = GradientScale.Scale(g, Vector512.Create(s.Coefficient));
        m = Vector512.FusedMultiplyAdd(Vector512.Create(s.Beta1), m, Vector512.Create(s.OneMinusBeta1) * g);
        v = Vector512.FusedMultiplyAdd(Vector512.Create(s.Beta2), v, Vector512.Create(s.OneMinusBeta2) * g * g);
        Vector512<float> denominator = Vector512.FusedMultiplyAdd(Vector512.Sqrt(v), Vector512.Create(s.Root), Vector512.Create(s.Epsilon));
        p = Vector512.FusedMultiplyAdd(Vector512.Create(s.MinusRate), m / denominator, Vector512.Create(s.Decay) * p);
    }
}
