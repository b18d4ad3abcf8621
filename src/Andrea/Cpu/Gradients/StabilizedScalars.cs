using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Andrea.Backends;

namespace Andrea.Cpu.Gradients;

/// <summary>One step of AdamW with a stabilizer for one tensor, as <see cref="IUpdateOps.AdamWStabilized"/> defines it.</summary>
internal readonly struct StabilizedScalars(
    AdamWSettings settings, AdamWState before, AdamWTensor tensor, double learningRate, double coefficient, TensorStep step) : IUpdateRule
{
    private readonly AdamWScalars _adamW = new(settings, before, tensor, learningRate, coefficient, step.RateScale, step.DecayScale);
    private readonly TensorStep _step = step;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> Update(Vector512<float> g, ref Vector512<float> p, ref Vector512<float> m, ref Vector512<float> v)
    {
        if (_adamW.Coefficient != 1)
            g = GradientScale.Scale(g, Vector512.Create(_adamW.Coefficient));
        if (_step.Limit < float.PositiveInfinity)
            g = StabilizerSums.Limited(g, Vector512.Create(_step.Limit), Vector512.Create(_step.Shrink));
        if (_step.GradientScale != 1)
            g = GradientScale.Scale(g, Vector512.Create(_step.GradientScale));
        if (_step.SpikeRoot > 0)
        {
            Vector512<float> top = Vector512.Create(_step.SpikeRoot) * Vector512.Sqrt(v);
            Vector512<float> spikes = Vector512.GreaterThan(v, Vector512<float>.Zero) & Vector512.GreaterThan(Vector512.Abs(g), top);
            g = Vector512.ConditionalSelect(spikes, Vector512.CopySign(top, g), g);
        }
        if (_step.Reset != 0)
            m = v = Vector512<float>.Zero;
        _adamW.UpdateClipped(g, ref p, ref m, ref v);
        return g;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<double> SecondMoment(Vector512<double> v) => v;
}
