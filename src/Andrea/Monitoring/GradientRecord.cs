namespace Andrea.Monitoring;

/// <summary>The gradients of one step, tensor by tensor.</summary>
/// <remarks>Used again for later steps, so that monitoring allocates nothing: <see cref="Copy"/> what you keep.</remarks>
public sealed class GradientRecord
{
    private readonly TensorReading[] _readings;

    internal GradientRecord(IReadOnlyList<MonitoredTensor> tensors)
    {
        Tensors = tensors;
        _readings = new TensorReading[tensors.Count];
    }

    /// <summary>The step, from 1.</summary>
    public long Step { get; internal set; }

    /// <summary>What the clip multiplied gradients by, over all: norm after over norm before; 1 when it left them alone. Each tensor's own is
    /// <see cref="TensorReading.Coefficient"/>.</summary>
    public double Coefficient { get; internal set; }

    /// <summary>Whether the step was skipped, so that nothing was updated.</summary>
    public bool Skipped { get; internal set; }

    /// <summary>Whether updates were measured in this step.</summary>
    public bool HasUpdates { get; internal set; }

    /// <summary>What is monitored; the same list in every record of a run.</summary>
    public IReadOnlyList<MonitoredTensor> Tensors { get; }

    /// <summary>One reading for each of <see cref="Tensors"/>, in the same order.</summary>
    public ReadOnlySpan<TensorReading> Readings => _readings;

    /// <summary>The readings, to be filled in.</summary>
    internal Span<TensorReading> Places => _readings;

    /// <summary>A record of its own with the same contents.</summary>
    public GradientRecord Copy()
    {
        var copy = new GradientRecord(Tensors);
        CopyTo(copy);
        return copy;
    }

    /// <summary>Overwrites another record of the same monitor.</summary>
    internal void CopyTo(GradientRecord other)
    {
        other.Step = Step;
        other.Coefficient = Coefficient;
        other.Skipped = Skipped;
        other.HasUpdates = HasUpdates;
        _readings.CopyTo(other._readings, 0);
    }
}
