using System.Runtime.InteropServices;

namespace Andrea.Backends;

/// <summary>What ZClip remembers, in device memory. Host and device share this layout.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ZClipState
{
    /// <summary>Norms that were finite so far, those of the warm-up included.</summary>
    public long Count;

    /// <summary>Running mean of the norms; 0 until the warm-up is over.</summary>
    public double Mean;

    /// <summary>Running variance, likewise.</summary>
    public double Variance;
}

/// <summary>How ZClip decides; its maximum and formula are those of <see cref="ClipSettings"/>.</summary>
/// <param name="Threshold">z above which a norm is a spike.</param>
/// <param name="Decay">Weight of the past in mean and variance.</param>
/// <param name="Epsilon">Added to the standard deviation.</param>
/// <param name="WarmupSteps">Norms that mean and variance begin with.</param>
internal readonly record struct ZClipSettings(double Threshold, double Decay, double Epsilon, int WarmupSteps);

/// <summary>How AdaGC decides; in the warm-up by <see cref="ClipSettings"/>.</summary>
/// <param name="Factor">A tensor's largest norm, in units of its running one.</param>
/// <param name="Decay">Weight of the past in the running norm.</param>
/// <param name="WarmupSteps">Steps in which all tensors are clipped by their joint norm.</param>
internal readonly record struct AdaGcSettings(double Factor, double Decay, int WarmupSteps);

/// <summary>How AGC decides.</summary>
/// <param name="Factor">A unit's largest gradient norm, in units of its parameters' norm.</param>
/// <param name="Epsilon">What the parameters' norm counts as, at least.</param>
internal readonly record struct AgcSettings(double Factor, double Epsilon);

/// <summary>The units of one tensor, whose gradients AGC clips each by itself. Host and device share this layout.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct AgcTensor
{
    /// <summary>Elements of a unit.</summary>
    public long UnitLength;

    /// <summary>Number of the tensor's first unit among all; the next tensor's first is the end.</summary>
    public int FirstUnit;

    private readonly int _padding;
}

/// <summary>What a part of a tensor, a chunk or a unit, is after its elements were clipped. Host and device share this layout.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ClippedPart
{
    /// <summary>Sum of squares after clipping.</summary>
    public double SumOfSquares;

    /// <summary>1 when an element was changed, else 0.</summary>
    public long Changed;
}
