using System.Runtime.Intrinsics;
using Andrea.Cpu.Simd;

namespace Andrea.Cpu.Gradients;

/// <summary>Limits elements to [-limit, limit]; NaN stays NaN.</summary>
internal static unsafe class GradientClamp
{
    /// <param name="values">The chunk.</param><param name="length">Its elements.</param>
    /// <param name="maxBits">The bits of the largest magnitude among them: where that is within the limit, nothing is read. NaN is above all.</param>
    /// <param name="limit">The largest magnitude to leave.</param>
    /// <returns>Whether an element was changed.</returns>
    public static bool OfChunk(float* values, int length, uint maxBits, float limit)
    {
        if (maxBits <= BitConverter.SingleToUInt32Bits(limit))
            return false;
        Vector512<float> most = Vector512.Create(limit), changed = Vector512<float>.Zero;
        int i = 0;
        for (; i <= length - SimdMath.Lanes; i += SimdMath.Lanes)
            Clamp(Vector512.Load(values + i), most, ref changed).Store(values + i);
        if (i < length)
            SimdMath.StoreFirst(Clamp(SimdMath.LoadFirst(values + i, length - i), most, ref changed), values + i, length - i);
        return changed.AsUInt32() != Vector512<uint>.Zero;
    }

    private static Vector512<float> Clamp(Vector512<float> values, Vector512<float> most, ref Vector512<float> changed)
    {
        // Comparisons with NaN are false, so NaN passes.
        Vector512<float> above = Vector512.GreaterThan(Vector512.Abs(values), most);
        changed |= above;
        return Vector512.ConditionalSelect(above, Vector512.CopySign(most, values), values);
    }
}
