using Andrea.Numerics;

namespace Andrea.Optim;

/// <summary>How the learning rate moves between peak and final value.</summary>
public enum ScheduleKind
{
    /// <summary>Half a cosine wave from peak to final rate.</summary>
    Cosine,

    /// <summary>A straight line from peak to final rate.</summary>
    Linear,

    /// <summary>The peak rate throughout.</summary>
    Constant,

    /// <summary>The peak rate, then a straight line to the final rate over the last <see cref="LearningRateSchedule.DecaySteps"/>.</summary>
    WarmupStableDecay,
}

/// <summary>The learning rate as a pure function of the step: nothing to save, nothing to get out of step after a resume.</summary>
/// <remarks>rate(t) = shape(t) * min(1, (t + 1) / warmup), t from 0. So the very first step already has a small rate, not 0.
/// Computed in double with portable arithmetic: the same bits on every machine.</remarks>
public sealed record LearningRateSchedule
{
    /// <summary>The shape after warmup.</summary>
    /// <value><see cref="ScheduleKind.Cosine"/></value>
    public ScheduleKind Kind { get; init; } = ScheduleKind.Cosine;

    /// <summary>Largest rate.</summary>
    /// <value>3e-4</value>
    public double PeakRate { get; init; } = 3e-4;

    /// <summary>Rate at <see cref="TotalSteps"/> and after.</summary>
    /// <value>0</value>
    public double FinalRate { get; init; }

    /// <summary>Steps over which the factor min(1, (t + 1) / warmup) grows to 1; 0 means no warmup.</summary>
    /// <value>0</value>
    public long WarmupSteps { get; init; }

    /// <summary>Step at which the shape arrives at <see cref="FinalRate"/>.</summary>
    public required long TotalSteps { get; init; }

    /// <summary>Length of the last phase of <see cref="ScheduleKind.WarmupStableDecay"/>.</summary>
    /// <value>0</value>
    public long DecaySteps { get; init; }

    /// <summary>The learning rate of a step.</summary>
    /// <param name="step">The step, from 0; beyond <see cref="TotalSteps"/> the last rate holds.</param>
    /// <returns>The rate, warmup included.</returns>
    /// <exception cref="ArgumentException">The step is negative; or a rate or a number of steps of the schedule is out of range, and the message names it.</exception>
    public double At(long step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        Validate();
        double warmup = step < WarmupSteps - 1 ? (double)(step + 1) / WarmupSteps : 1;
        return Shape(step) * warmup;
    }

    /// <summary>Checks every value.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A rate is negative or not finite, or a number of steps does not fit; the message names it.</exception>
    internal void Validate()
    {
        if (!Enum.IsDefined(Kind))
            throw new ArgumentOutOfRangeException(nameof(Kind), Kind, $"The schedule {(int)Kind} is unknown. Choose Cosine, Linear, Constant or WarmupStableDecay.");
        if (!(PeakRate >= 0 && PeakRate <= float.MaxValue))
            throw new ArgumentOutOfRangeException(nameof(PeakRate), PeakRate, $"The peak learning rate is {PeakRate}; expected a number from 0 up that float32 can hold.");
        if (!(FinalRate >= 0 && FinalRate <= PeakRate))
            throw new ArgumentOutOfRangeException(nameof(FinalRate), FinalRate, $"The final learning rate is {FinalRate}; expected a number from 0 to the peak rate {PeakRate}.");
        if (WarmupSteps < 0)
            throw new ArgumentOutOfRangeException(nameof(WarmupSteps), WarmupSteps, $"Warmup takes {WarmupSteps} steps; expected 0 or more.");
        if (TotalSteps < 1)
            throw new ArgumentOutOfRangeException(nameof(TotalSteps), TotalSteps, $"The schedule covers {TotalSteps} steps; expected 1 or more.");
        if (DecaySteps < 0 || DecaySteps > TotalSteps)
            throw new ArgumentOutOfRangeException(nameof(DecaySteps), DecaySteps, $"The decay takes {DecaySteps} steps; expected 0 to the {TotalSteps} steps of the schedule.");
    }

    private double Shape(long step)
    {
        double progress = step < TotalSteps ? (double)step / TotalSteps : 1;
        switch (Kind)
        {
            case ScheduleKind.Cosine:
                return FinalRate + (PeakRate - FinalRate) * 0.5 * (1 + PortableMath.CosPi(progress));
            case ScheduleKind.Linear:
                return PeakRate + (FinalRate - PeakRate) * progress;
            case ScheduleKind.WarmupStableDecay:
                long decayStart = TotalSteps - DecaySteps;
                if (step < decayStart || DecaySteps == 0)
                    return PeakRate;
                return PeakRate + (FinalRate - PeakRate) * Math.Min(1, (double)(step - decayStart) / DecaySteps);
            default:
                return PeakRate;
        }
    }
}
