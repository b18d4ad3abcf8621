using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Andrea.Cpu.Simd;

namespace Andrea.Cpu.Gradients;

/// <summary>g = (float)(g * coefficient), the product in double: one rounding for each gradient, none for the coefficient.</summary>
internal static unsafe class GradientScale
{
    public static void OfChunk(float* values, int length, double coefficient)
    {
        Vector512<double> factor = Vector512.Create(coefficient);
        int i = 0;
        for (; i <= length - SimdMath.Lanes; i += SimdMath.Lanes)
            Scale(Vector512.Load(values + i), factor).Store(values + i);
        if (i < length)
            SimdMath.StoreFirst(Scale(SimdMath.LoadFirst(values + i, length - i), factor), values + i, length - i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Scale(Vector512<float> values, Vector512<double> factor)
    {
        (Vector512<double> lower, Vector512<double> upper) = Vector512.Widen(values);
        return Vector512.Narrow(lower * factor, upper * factor);
    }
}
