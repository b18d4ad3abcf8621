using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Andrea.Cpu.Simd;
using Andrea.Tensors;

namespace Andrea.Cpu.Gradients;

/// <summary>An update of one chunk by any rule, 16 lanes at a time.</summary>
internal static unsafe partial class UpdateLoop
{
    private const int PrefetchElements = 512;

    public static void Run<TRule>(in TRule rule, in Chunk chunk)
        where TRule : struct, IUpdateRule
    {
        float* gradient = (float*)chunk.Gradient, parameter = (float*)chunk.Parameter;
        float* firstMoment = (float*)chunk.FirstMoment, secondMoment = (float*)chunk.SecondMoment;
        int length = chunk.Length, i = 0;
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
            rule.Update(Vector512.Load(gradient + i), ref p, ref m, ref v);
            m.Store(firstMoment + i);
            v.Store(secondMoment + i);
            p.Store(parameter + i);
        }
        int rest = length - i;
        if (rest > 0)
        {
            Vector512<float> m = SimdMath.LoadFirst(firstMoment + i, rest), v = SimdMath.LoadFirst(secondMoment + i, rest);
            Vector512<float> p = SimdMath.LoadFirst(parameter + i, rest);
            rule.Update(SimdMath.LoadFirst(gradient + i, rest), ref p, ref m, ref v);
            SimdMath.StoreFirst(m, firstMoment + i, rest);
            SimdMath.StoreFirst(v, secondMoment + i, rest);
            SimdMath.StoreFirst(p, parameter + i, rest);
        }
    }
}
