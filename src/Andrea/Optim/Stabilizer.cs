using System.Text.Json.Serialization;
using Andrea.Backends;

namespace Andrea.Optim;

/// <summary>What keeps <see cref="AdamW"/> from spikes; decided on the device, tensor by tensor, with no synchronisation.</summary>
/// <remarks>A skipped step leaves its memory as it is, too; its memory is part of a checkpoint. <see cref="ExternalAdamW"/> has none.</remarks>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(UpdateRmsStabilizer), "updateRms")]
[JsonDerivedType(typeof(SpamStabilizer), "spam")]
[JsonDerivedType(typeof(StableSpamStabilizer), "stableSpam")]
public abstract record Stabilizer
{
    private protected Stabilizer()
    {
    }

    /// <summary>Checks every value.</summary>
    internal virtual void Validate()
    {
    }

    /// <summary>The form that backends know.</summary>
    internal abstract StabilizerSettings ToSettings(double epsilon);

    /// <summary>Factors on the learning rate in the steps after a reset.</summary>
    internal virtual double[] Warmup() => [];

    /// <summary>How many of so many steps count for the bias corrections.</summary>
    internal virtual long CorrectedSteps(long step) => step;

    private protected static long SinceReset(long step, long every) => every > 0 && step >= every ? step % every + 1 : step;

    private protected static void CheckCount(string name, long value)
    {
        if (value < 0)
            throw new ArgumentOutOfRangeException(name, value, $"{name} is {value}; expected 0 or more.");
    }

    private protected static void CheckDecay(string name, double value)
    {
        if (!(value >= 0 && value < 1))
            throw new ArgumentOutOfRangeException(name, value, $"{name} is {value}; expected a number from 0 up to, but not including, 1.");
    }
}
