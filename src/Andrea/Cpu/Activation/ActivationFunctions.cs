using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Andrea.Cpu.Activation;

/// <summary>What an activation's pass does to one vector.</summary>
internal interface IActivationFunction
{
    static abstract Vector512<float> Apply(Vector512<float> input, Vector512<float> dOutput);
}

internal readonly struct GeluForward : IActivationFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Apply(Vector512<float> input, Vector512<float> dOutput) => Gelu.Forward(input);
}

internal readonly struct GeluBackward : IActivationFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Apply(Vector512<float> input, Vector512<float> dOutput) => dOutput * Gelu.Slope(input);
}

internal readonly struct ReluForward : IActivationFunction
{
    // Not Max(x, 0): NaN must stay NaN, and narrower machines differ about it.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Apply(Vector512<float> input, Vector512<float> dOutput) =>
        Vector512.ConditionalSelect(Vector512.LessThanOrEqual(input, Vector512<float>.Zero), Vector512<float>.Zero, input);
}

internal readonly struct ReluBackward : IActivationFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Apply(Vector512<float> input, Vector512<float> dOutput) =>
        Vector512.ConditionalSelect(Vector512.LessThanOrEqual(input, Vector512<float>.Zero), Vector512<float>.Zero, dOutput);
}
