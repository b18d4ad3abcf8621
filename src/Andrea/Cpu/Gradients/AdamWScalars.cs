using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Andrea.Backends;

namespace Andrea.Cpu.Gradients;

/// <summary>The scalars of one AdamW step for one tensor, as <see cref="IGradientOps.AdamW"/> defines them: computed in double, rounded once.</summary>
internal readonly struct AdamWScalars : IUpdateRule
{
    /// <param name="settings">Betas and epsilon.</param><param name="before">The progress before the step.</param>
    /// <param name="tensor">What the tensor does differently.</param><param name="learningRate">The step's learning rate.</param>
    /// <param name="coefficient">What gradients are multiplied by.</param>
    /// <param name="rateScale">Factor on the learning rate of the update.</param><param name="decayScale">The same for the decay.</param>
    public AdamWScalars(
        AdamWSettings settings, AdamWState before, AdamWTensor tensor, double learningRate, double coefficient, double rateScale = 1, double decayScale = 1)
    {
        double rate = learningRate * tensor.LearningRateScale;
        Beta1 = (float)settings.Beta1;
        Beta2 = (float)settings.Beta2;
        OneMinusBeta1 = (float)(1 - settings.Beta1);
        OneMinusBeta2 = (float)(1 - settings.Beta2);
        Epsilon = (float)settings.Epsilon;
        Decay = (float)(1 - rate * decayScale * tensor.WeightDecay);
        MinusRate = (float)-(rate * rateScale / (1 - before.Beta1Power * settings.Beta1));
        Root = (float)(1 / Math.Sqrt(1 - before.Beta2Power * settings.Beta2));
        Coefficient = coefficient;
    }

    public readonly float Beta1, Beta2, OneMinusBeta1, OneMinusBeta2, Epsilon, Decay, MinusRate, Root;

    public readonly double Coefficient;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> Update(Vector512<float> g, ref Vector512<float> p, ref Vector512<float> m, ref Vector512<float> v)
    {
        if (Coefficient != 1)
            g = GradientScale.Scale(g, Vector512.Create(Coefficient));
        UpdateClipped(g, ref p, ref m, ref v);
        return g;
    }

    /// <summary>The same for gradients that are clipped already.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void UpdateClipped(Vector512<float> g, ref Vector512<float> p, ref Vector512<float> m, ref Vector512<float> v)
    {
        m = Vector512.FusedMultiplyAdd(Vector512.Create(Beta1), m, Vector512.Create(OneMinusBeta1) * g);
        v = SecondMomentAfter(g, v);
        Vector512<float> denominator = Vector512.FusedMultiplyAdd(Vector512.Sqrt(v), Vector512.Create(Root), Vector512.Create(Epsilon));
        p = Vector512.FusedMultiplyAdd(Vector512.Create(MinusRate), m / denominator, Vector512.Create(Decay) * p);
    }

    /// <summary>v after the step.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> SecondMomentAfter(Vector512<float> g, Vector512<float> v) =>
        Vector512.FusedMultiplyAdd(Vector512.Create(Beta2), v, Vector512.Create(OneMinusBeta2) * g * g);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<double> SecondMoment(Vector512<double> v) => v;
}
