using System.Runtime.InteropServices;
using Andrea.Tensors;

namespace Andrea.Backends;

/// <summary>What keeps AdamW from spikes.</summary>
internal enum StabilizerKind
{
    /// <summary>The rate of a tensor is divided by the RMS of its update, where that is above 1.</summary>
    UpdateRms,

    /// <summary>Entries far above their second moment are clipped to it; moments are reset.</summary>
    Spam,

    /// <summary>Entries above a tensor's usual maximum are clipped to it; gradients are normed; moments are reset.</summary>
    StableSpam,
}

/// <summary>How a stabilizer works; the same for all tensors and steps. Host and device share this layout.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct StabilizerSettings
{
    /// <summary>SPAM: root of the factor on the second moment above which an entry's square counts as a spike.</summary>
    public double SpikeRoot;

    /// <summary>Stable-SPAM: decay of the average of largest magnitudes.</summary>
    public double MaximumDecay;

    /// <summary>Stable-SPAM: decay of the average of norms.</summary>
    public double NormDecay;

    /// <summary>Stable-SPAM: decay of the average of squared norms.</summary>
    public double SquareDecay;

    /// <summary>Added to the root of the average of squared norms.</summary>
    public double Epsilon;

    /// <summary>Moments begin anew at every step whose number is a multiple of this; 0 for never.</summary>
    public long ResetEvery;

    /// <summary>SPAM: steps after a reset, and at the beginning, in which nothing is clipped.</summary>
    public long GraceSteps;

    /// <summary>SPAM: steps after a reset in which the rate rises.</summary>
    public long WarmupSteps;

    /// <summary>Which one; a <see cref="StabilizerKind"/>.</summary>
    public int Kind;

    /// <summary>1 when bias corrections begin anew with the moments.</summary>
    public int RestartsCorrection;

    /// <summary>Whether the step of that number, from 1, begins with moments of 0.</summary>
    public readonly bool ResetsAt(long step) => ResetEvery > 0 && step % ResetEvery == 0;

    /// <summary>The progress that bias corrections go by in the next step.</summary>
    public readonly AdamWState Before(AdamWState state) => RestartsCorrection != 0 && ResetsAt(state.Step + 1)
        ? new AdamWState { Step = state.Step, Beta1Power = 1, Beta2Power = 1 }
        : state;
}

/// <summary>What a stabilizer has decided for one tensor in one step. Host and device share this layout.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TensorStep
{
    /// <summary>Factor on the learning rate of the update.</summary>
    public double RateScale;

    /// <summary>Factor on the learning rate of the decay.</summary>
    public double DecayScale;

    /// <summary>What gradients above <see cref="Limit"/> are multiplied by.</summary>
    public double Shrink;

    /// <summary>What all gradients are multiplied by then; exactly 1 leaves them alone.</summary>
    public double GradientScale;

    /// <summary>Largest magnitude that is left alone; +Inf for no limit.</summary>
    public float Limit;

    /// <summary>Entries above so many roots of their second moment are clipped to that; 0 for none.</summary>
    public float SpikeRoot;

    /// <summary>1 when the moments begin anew at 0.</summary>
    public int Reset;

    private readonly int _padding;

    /// <summary>Leaves AdamW's step as it is.</summary>
    public static TensorStep Plain => new() { RateScale = 1, DecayScale = 1, Shrink = 1, GradientScale = 1, Limit = float.PositiveInfinity };
}

/// <summary>What Stable-SPAM remembers of one tensor. Host and device share this layout.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TensorHistory
{
    /// <summary>Average of largest magnitudes, from 0.</summary>
    public double Maximum;

    /// <summary>Average of norms, from 0.</summary>
    public double Norm;

    /// <summary>Average of squared norms, from 0.</summary>
    public double Square;

    /// <summary>The decays to the power of the number of values averaged, as multiplied up; 1 at the beginning.</summary>
    public double MaximumPower, NormPower, SquarePower;

    /// <summary>Before the first step.</summary>
    public static TensorHistory Empty => new() { MaximumPower = 1, NormPower = 1, SquarePower = 1 };
}

/// <summary>A stabilizer's memory on the device.</summary>
/// <param name="Kind">Which one.</param>
/// <param name="Settings">(1) in.</param>
/// <param name="Warmup">(WarmupSteps) in: factors on the rate after a reset.</param>
/// <param name="Partials">(ChunkCount) a sum of each chunk.</param>
/// <param name="Steps">(TensorCount) what was decided for this step.</param>
/// <param name="History">(TensorCount) in and out.</param>
internal sealed record StabilizerMemory(
    StabilizerKind Kind,
    DeviceBuffer<StabilizerSettings> Settings,
    DeviceBuffer<double> Warmup,
    DeviceBuffer<double> Partials,
    DeviceBuffer<TensorStep> Steps,
    DeviceBuffer<TensorHistory> History);
