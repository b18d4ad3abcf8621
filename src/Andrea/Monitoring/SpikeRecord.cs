namespace Andrea.Monitoring;

/// <summary>A series that spikes are looked for in.</summary>
public enum SpikeQuantity
{
    /// <summary>Training loss.</summary>
    Loss,

    /// <summary>Joint norm of all gradients before clipping.</summary>
    Norm,
}

/// <summary>A value far above its recent ones, or not finite.</summary>
/// <param name="Step">The step.</param>
/// <param name="Quantity">What spiked.</param>
/// <param name="Value">Its value.</param>
/// <param name="ZScore">(value - median) / scale over the window, with scale = 1.4826 MAD or a small share of the median, if that is more; +Infinity for a value that is not finite.</param>
/// <param name="Median">Median of the window; NaN while it is empty.</param>
public readonly record struct SpikeRecord(long Step, SpikeQuantity Quantity, double Value, double ZScore, double Median);
