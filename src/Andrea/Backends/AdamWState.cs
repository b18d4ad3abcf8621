using System.Runtime.InteropServices;

namespace Andrea.Backends;

/// <summary>AdamW's own progress, in device memory. Host and device share this layout.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct AdamWState
{
    /// <summary>Number of steps applied so far; skipped ones do not count.</summary>
    public long Step;

    /// <summary>beta1^Step, kept by repeated multiplication so that it has the same bits everywhere; 1 at the beginning.</summary>
    public double Beta1Power;

    /// <summary>beta2^Step, likewise.</summary>
    public double Beta2Power;
}

/// <summary>What AdamW does differently from tensor to tensor. Host and device share this layout.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct AdamWTensor
{
    /// <summary>Decoupled weight decay.</summary>
    public double WeightDecay;

    /// <summary>Factor on the learning rate.</summary>
    public double LearningRateScale;
}

/// <summary>What AdamW does alike for all tensors.</summary>
internal readonly record struct AdamWSettings(double Beta1, double Beta2, double Epsilon);

/// <summary>What a measuring update finds, in one chunk or in one tensor: sums over its elements. Host and device share this layout.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct UpdateSums
{
    /// <summary>p^2 before the update.</summary>
    public double Weights;

    /// <summary>(p after - p before)^2; 0 when the step was skipped.</summary>
    public double Updates;

    /// <summary>g^2 / max(vHat, epsilon^2); NaN, like all that follows, when the step was skipped.</summary>
    public double Ratios;

    /// <summary>vHat: the second moment after the update, corrected for its bias.</summary>
    public double SecondMoments;

    /// <summary>g^2, g clipped.</summary>
    public double Gradients;
}
