using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Andrea.Backends;
using Andrea.Cpu.Simd;

namespace Andrea.Cpu.Gradients;

/// <summary>One S3 step for one tensor, as <see cref="IUpdateOps.SoftSign"/> defines it.</summary>
internal readonly struct SoftSignScalars : IUpdateRule
{
    private const float SmallestNormal = 1.17549435e-38f;

    private readonly float _beta, _rest, _decay, _minusRate;
    private readonly double _coefficient;
    private readonly int _power;

    public SoftSignScalars(SoftSignSettings settings, AdamWTensor tensor, double learningRate, double coefficient)
    {
        double rate = learningRate * tensor.LearningRateScale;
        _beta = (float)settings.Beta;
        _rest = (float)(1 - settings.Beta);
        _decay = (float)(1 - rate * tensor.WeightDecay);
        _minusRate = (float)-rate;
        _coefficient = coefficient;
        _power = settings.Power;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> Update(Vector512<float> g, ref Vector512<float> p, ref Vector512<float> m, ref Vector512<float> v)
    {
        if (_coefficient != 1)
            g = GradientScale.Scale(g, Vector512.Create(_coefficient));
        Vector512<float> beta = Vector512.Create(_beta), rest = Vector512.Create(_rest), tiny = Vector512.Create(SmallestNormal);
        Vector512<float> magnitude = Vector512.Abs(g), rises = Vector512.GreaterThan(magnitude, v);
        Vector512<float> big = Vector512.ConditionalSelect(rises, magnitude, v), small = Vector512.ConditionalSelect(rises, v, magnitude);
        Vector512<float> q = Power(small / Vector512.ConditionalSelect(Vector512.LessThan(big, tiny), tiny, big));
        Vector512<float> u = Vector512.FusedMultiplyAdd(
            Vector512.ConditionalSelect(rises, beta, rest), q, Vector512.ConditionalSelect(rises, rest, beta));
        Vector512<float> w = Vector512.FusedMultiplyAdd(beta, u, rest * Vector512.ConditionalSelect(rises, Vector512<float>.One, q));
        v = big * Root(u);
        Vector512<float> d = big * Root(w), step = rest * g;
        m = Vector512.FusedMultiplyAdd(beta, m, step);
        Vector512<float> n = Vector512.FusedMultiplyAdd(beta, m, step);
        Vector512<float> update = Vector512.ConditionalSelect(Vector512.LessThan(d, tiny), Vector512<float>.Zero, n / d);
        p = Vector512.FusedMultiplyAdd(Vector512.Create(_minusRate), update, Vector512.Create(_decay) * p);
        return g;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<double> SecondMoment(Vector512<double> v) => v * v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector512<float> Power(Vector512<float> q) => _power switch
    {
        1 => q,
        2 => q * q,
        3 => q * q * q,
        _ => q * q * (q * q),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector512<float> Root(Vector512<float> x) => _power switch
    {
        1 => x,
        2 => Vector512.Sqrt(x),
        3 => SimdRoots.Cube(x),
        _ => Vector512.Sqrt(Vector512.Sqrt(x)),
    };
}
