using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Andrea.Cpu.MatMul;

/// <summary>Where a kernel leaves a tile of sums: output = (initial + bias) + sums, the first two where they are given.</summary>
internal unsafe struct TileTarget
{
    /// <summary>First element of the addend, or null; may be the output.</summary>
    public float* Initial;

    /// <summary>First element of the bias, or null.</summary>
    public float* Bias;

    /// <summary>First element to write.</summary>
    public float* Output;

    /// <summary>Elements from one row of output and addend to the next.</summary>
    public long Stride;

    /// <summary>Writes 32 sums of a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Write(int row, Vector512<float> a, Vector512<float> b)
    {
        if (Initial != null)
        {
            float* initial = Initial + row * Stride;
            a = Bias == null ? Vector512.Load(initial) + a : Vector512.Load(initial) + Vector512.Load(Bias) + a;
            b = Bias == null ? Vector512.Load(initial + 16) + b : Vector512.Load(initial + 16) + Vector512.Load(Bias + 16) + b;
        }
        else if (Bias != null)
        {
            a = Vector512.Load(Bias) + a;
            b = Vector512.Load(Bias + 16) + b;
        }
        float* output = Output + row * Stride;
        a.Store(output);
        b.Store(output + 16);
    }

    /// <summary>Writes 24 sums of a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Write(int row, Vector256<float> a, Vector256<float> b, Vector256<float> c)
    {
        if (Initial != null)
        {
            float* initial = Initial + row * Stride;
            a = Bias == null ? Vector256.Load(initial) + a : Vector256.Load(initial) + Vector256.Load(Bias) + a;
            b = Bias == null ? Vector256.Load(initial + 8) + b : Vector256.Load(initial + 8) + Vector256.Load(Bias + 8) + b;
            c = Bias == null ? Vector256.Load(initial + 16) + c : Vector256.Load(initial + 16) + Vector256.Load(Bias + 16) + c;
        }
        else if (Bias != null)
        {
            a = Vector256.Load(Bias) + a;
            b = Vector256.Load(Bias + 8) + b;
            c = Vector256.Load(Bias + 16) + c;
        }
        float* output = Output + row * Stride;
        a.Store(output);
        b.Store(output + 8);
        c.Store(output + 16);
    }

    /// <summary>Writes 8 sums of a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Write(int row, Vector128<float> a, Vector128<float> b)
    {
        if (Initial != null)
        {
            float* initial = Initial + row * Stride;
            a = Bias == null ? Vector128.Load(initial) + a : Vector128.Load(initial) + Vector128.Load(Bias) + a;
            b = Bias == null ? Vector128.Load(initial + 4) + b : Vector128.Load(initial + 4) + Vector128.Load(Bias + 4) + b;
        }
        else if (Bias != null)
        {
            a = Vector128.Load(Bias) + a;
            b = Vector128.Load(Bias + 4) + b;
        }
        float* output = Output + row * Stride;
        a.Store(output);
        b.Store(output + 4);
    }
}
