namespace Andrea.Monitoring;

/// <summary>Options of an <see cref="ObserverQueue"/>.</summary>
public sealed record ObserverQueueOptions
{
    /// <summary>Most records that may wait. At 1024 a stall of 1024 steps loses nothing; each takes about 300 bytes from the beginning, and room
    /// for one reading per tensor once that many steps with gradients have ever waited at the same time.</summary>
    /// <value>1024</value>
    public int Capacity { get; init; } = 1024;

    /// <summary>How long the end of a run, and <see cref="ObserverQueue.Dispose"/>, wait for observers; what is left by then is dropped and counted.</summary>
    /// <value>10 seconds</value>
    public TimeSpan DrainLimit { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the end of the process waits, after an unhandled exception or where nobody disposed of the queue.</summary>
    /// <value>2 seconds</value>
    public TimeSpan ExitLimit { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range; the message names it.</exception>
    internal void Validate()
    {
        if (Capacity < 2)
            throw new ArgumentOutOfRangeException(nameof(Capacity), Capacity, $"Capacity is {Capacity}; expected 2 or more, for a step and its gradients.");
        CheckLimit(nameof(DrainLimit), DrainLimit);
        CheckLimit(nameof(ExitLimit), ExitLimit);
    }

    private static void CheckLimit(string name, TimeSpan value)
    {
        if (value < TimeSpan.Zero || value.TotalMilliseconds > int.MaxValue)
            throw new ArgumentOutOfRangeException(name, value, FormattableString.Invariant($"{name} is {value}; expected 0 to 24 days."));
    }
}
