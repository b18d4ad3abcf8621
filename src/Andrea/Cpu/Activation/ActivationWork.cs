using System.Runtime.Intrinsics;
using Andrea.Cpu.Simd;

namespace Andrea.Cpu.Activation;

/// <summary>An activation, or its backward pass; an index is a block of elements.</summary>
/// <typeparam name="TFunction">The function of one vector, compiled into the loop.</typeparam>
internal unsafe struct ActivationWork<TFunction> : IRangeWork
    where TFunction : struct, IActivationFunction
{
    /// <summary>Elements of a block: a multiple of the lanes.</summary>
    public const int BlockLength = 8192;

    /// <summary>dOutput of the backward pass; the forward pass has only the input, and gives it here too.</summary>
    public float* DOutput;

    public float* Input, Target;
    public long Length;

    public readonly void Run(long start, long end, int worker)
    {
        long last = Math.Min(end * BlockLength, Length);
        long i = start * BlockLength;
        for (; i <= last - SimdMath.Lanes; i += SimdMath.Lanes)
            Vector512.Store(TFunction.Apply(Vector512.Load(Input + i), Vector512.Load(DOutput + i)), Target + i);
        if (i < last)
        {
            int rest = (int)(last - i);
            SimdMath.StoreFirst(TFunction.Apply(SimdMath.LoadFirst(Input + i, rest), SimdMath.LoadFirst(DOutput + i, rest)), Target + i, rest);
        }
    }
}
