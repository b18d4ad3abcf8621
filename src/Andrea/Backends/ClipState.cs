using System.Runtime.InteropServices;
using Andrea.Tensors;

namespace Andrea.Backends;

/// <summary>What one chunk contributes to a norm; written by the first clip kernel, read by the second. Host and device share this layout.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ChunkPartial
{
    /// <summary>Sum of squares in double, in the order that <see cref="IGradientOps.GradNormPartial"/> fixes; NaN or +Inf when an element is.</summary>
    public double SumOfSquares;

    /// <summary>Largest |g| as the bits of a float, which order like unsigned integers: NaN above +Inf above every finite value.</summary>
    public uint MaxMagnitudeBits;

    /// <summary>Number of NaN and Inf elements.</summary>
    public int NonFiniteCount;

    /// <summary>Index within the chunk of the first NaN or Inf, or -1.</summary>
    public int FirstNonFinite;

    private readonly int _padding;
}

/// <summary>What the second clip kernel finds in one tensor. Host and device share this layout.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TensorNorm
{
    /// <summary>L2 norm before clipping; NaN or +Inf when an element is.</summary>
    public double Norm;

    /// <summary>What this tensor's gradients are yet to be multiplied by; exactly 1 when they are left alone, as in a skipped step.</summary>
    public double Coefficient;

    /// <summary>L2 norm after clipping: <see cref="Coefficient"/> times <see cref="Norm"/>, unless elements were clipped one by one.</summary>
    public double NormAfter;

    /// <summary>Number of NaN and Inf elements.</summary>
    public long NonFiniteCount;

    /// <summary>Index within the tensor of the first NaN or Inf, or -1.</summary>
    public long FirstNonFinite;

    /// <summary>Largest |g|; NaN when an element is NaN.</summary>
    public float MaxMagnitude;

    private readonly int _padding;
}

/// <summary>The outcome of a clip, in device memory: written by the second clip kernel, read by AdamW, one step later by the host.</summary>
/// <remarks>Host and device share this layout. Counters run over the clipper's life and are part of a checkpoint.</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct ClipState
{
    /// <summary>Joint L2 norm of all gradients before clipping; NaN or +Inf when one of them is.</summary>
    public double Norm;

    /// <summary>Norm after clipping over <see cref="Norm"/>, in [0, 1]; exactly 1 when all gradients are left alone; NaN only when non-finite
    /// gradients are propagated. Where all tensors are clipped alike, what each is multiplied by; see <see cref="TensorNorm.Coefficient"/>.</summary>
    public double Coefficient;

    /// <summary>Joint L2 norm after clipping.</summary>
    public double NormAfter;

    /// <summary>Number of NaN and Inf gradients.</summary>
    public long NonFiniteCount;

    /// <summary>Index within <see cref="FirstBadTensor"/> of the first non-finite gradient, or -1.</summary>
    public long FirstBadIndex;

    /// <summary>Number of clips so far, this one included.</summary>
    public long Calls;

    /// <summary>Number of clips so far that changed the gradients.</summary>
    public long ClippedCalls;

    /// <summary>Number of clips so far that asked to skip the step.</summary>
    public long SkippedCalls;

    /// <summary>Index of the first tensor with a non-finite gradient, or -1.</summary>
    public int FirstBadTensor;

    /// <summary>Why the step must be skipped, as the number of a <c>SkipReason</c>: 1 for gradients that are not finite; 0 when it need not be.</summary>
    public int Skip;

    /// <summary>How many clips in a row, up to this one, asked to skip for gradients that are not finite.</summary>
    public int ConsecutiveSkips;

    /// <summary>Largest |g| of all gradients; NaN when one of them is.</summary>
    public float MaxMagnitude;
}

/// <summary>What a clip leaves on the device for those who come after it.</summary>
/// <param name="State">(1) Skip flag, counters, and what is known of all gradients together.</param>
/// <param name="Tensors">(tensors) What is known of each tensor, its coefficient included.</param>
internal sealed record ClipOutcome(DeviceBuffer<ClipState> State, DeviceBuffer<TensorNorm> Tensors);

/// <summary>How the second clip kernel decides.</summary>
/// <param name="MaxNorm">Largest allowed norm; +Inf only measures.</param>
/// <param name="TorchFormula">Whether to use min(1, max / (norm + 1e-6)) in float32 instead of max / norm in double.</param>
/// <param name="SkipNonFinite">Whether non-finite gradients ask to skip the step instead of being propagated.</param>
internal readonly record struct ClipSettings(double MaxNorm, bool TorchFormula, bool SkipNonFinite);
