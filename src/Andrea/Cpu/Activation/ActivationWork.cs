using System.Runtime.CompilerServices;
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
        long first = start * BlockLength;
        Apply(Input + first, DOutput + first, Target + first, Math.Min(end * BlockLength, Length) - first);
    }

    /// <summary>A rectangle of matrices with rows <paramref name="stride"/> apart: the epilogue of a product.</summary>
    public static void ApplyRows(float* input, float* dOutput, float* target, long stride, long rows, long columns)
    {
        for (long row = 0; row < rows; row++)
        {
            Apply(input, dOutput, target, columns);
            input += stride;
            dOutput += stride;
            target += stride;
        }
    }

    /// <summary>Each element on its own, in vectors: where one begins has no influence.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Apply(float* input, float* dOutput, float* target, long length)
    {
        long i = 0;
        for (; i <= length - SimdMath.Lanes; i += SimdMath.Lanes)
            Vector512.Store(TFunction.Apply(Vector512.Load(input + i), Vector512.Load(dOutput + i)), target + i);
        if (i < length)
        {
            int rest = (int)(length - i);
            SimdMath.StoreFirst(TFunction.Apply(SimdMath.LoadFirst(input + i, rest), SimdMath.LoadFirst(dOutput + i, rest)), target + i, rest);
        }
    }
}
