namespace Andrea.Monitoring.Diagnosis;

/// <summary>The latest values of a series, and as many before them: their medians say whether it falls or rises.</summary>
internal sealed class TrendWindow(int capacity)
{
    /// <summary>The latest values.</summary>
    public RobustWindow Recent { get; } = new(capacity);

    /// <summary>Those before.</summary>
    public RobustWindow Earlier { get; } = new(capacity);

    /// <summary>Whether both are full.</summary>
    public bool IsFull => Earlier.IsFull;

    /// <summary>By which share the median has fallen from earlier to recent; negative where it has risen.</summary>
    public double Fall => 1 - Recent.Median / Earlier.Median;

    public void Add(double value)
    {
        if (Recent.Add(value, out double oldest))
            Earlier.Add(oldest);
    }

    public void Clear()
    {
        Recent.Clear();
        Earlier.Clear();
    }
}
