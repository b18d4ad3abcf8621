namespace Andrea.Monitoring;

/// <summary>What one step did to one tensor. L2 norms; float32 values, summed in double.</summary>
public readonly record struct TensorReading
{
    /// <summary>Norm of the gradient before clipping; NaN or +Infinity when an element is.</summary>
    public required double Norm { get; init; }

    /// <summary>Norm of the gradient after clipping.</summary>
    public required double NormAfter { get; init; }

    /// <summary>What the clip multiplied this tensor's gradient by; 1 when it left it alone. <see cref="NormAfter"/> over <see cref="Norm"/> where
    /// elements, or the tensors of a block, were not all multiplied alike.</summary>
    public double Coefficient { get; init; }

    /// <summary>Largest |g| before clipping; NaN when an element is NaN.</summary>
    public required float MaxMagnitude { get; init; }

    /// <summary>Number of NaN and Inf gradients.</summary>
    public required long NonFiniteCount { get; init; }

    /// <summary>Index of the first NaN or Inf gradient within the tensor, or -1.</summary>
    public required long FirstNonFinite { get; init; }

    /// <summary>Norm of the parameters before the update. NaN, like all that follows, in steps whose update was not measured.</summary>
    public required double WeightNorm { get; init; }

    /// <summary>Norm of the update: parameters after the step minus before; 0 in a skipped step.</summary>
    public required double UpdateNorm { get; init; }

    /// <summary>RMS of g / sqrt(v), with v bias-corrected and g clipped: about 1 in a steady state, far above where v is out of date (arXiv:2304.13013). NaN in a skipped step.</summary>
    public required double GradientRms { get; init; }

    /// <summary>mean(v) / mean(g^2), with v bias-corrected and g clipped: far from 1 where v lags behind the gradient (arXiv:2506.04805). NaN in a skipped step.</summary>
    public required double SecondMomentRatio { get; init; }

    /// <summary>Update norm over weight norm: around 1e-3 in healthy training; NaN where the weights are all 0.</summary>
    public double UpdateRatio => WeightNorm > 0 ? UpdateNorm / WeightNorm : double.NaN;

    /// <summary>Whether the update was measured in this step and is a number; <see cref="GradientRecord.HasUpdates"/> says whether it was measured at all.</summary>
    public bool HasUpdate => !double.IsNaN(UpdateNorm);
}
