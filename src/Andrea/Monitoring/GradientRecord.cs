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

    /// <summary>The optimizer's beta2; NaN, like the next, in steps whose update was not measured.</summary>
    public double Beta2 { get; internal set; } = double.NaN;

    /// <summary>beta2^t after the step, t counting applied steps: the second moment's bias correction is 1 / (1 - beta2^t).</summary>
    public double Beta2Power { get; internal set; } = double.NaN;

    /// <summary>What is monitored; the same list in every record of a run.</summary>
    public IReadOnlyList<MonitoredTensor> Tensors { get; }

    /// <summary>One reading for each of <see cref="Tensors"/>, in the same order.</summary>
    public ReadOnlySpan<TensorReading> Readings => _readings;

    /// <summary>The readings, to be filled in.</summary>
    internal Span<TensorReading> Places => _readings;

    /// <summary>sum(v_t) / sum(v_{t-1}) of a tensor, without bias correction: at least beta2, and beta2 where v decays by itself because the
    /// gradient is far too small to feed it, the decoupling that comes before Adam's loss spikes (arXiv:2506.04805).</summary>
    /// <param name="index">Index into <see cref="Readings"/>.</param>
    /// <returns>NaN in steps whose update was not measured or that were skipped; +Infinity in the first step.</returns>
    /// <exception cref="IndexOutOfRangeException">There is no such reading.</exception>
    /// <remarks>Follows from what is measured: v_t = beta2 v_{t-1} + (1 - beta2) g^2 holds for sums as for elements, so that with
    /// r = <see cref="TensorReading.SecondMomentRatio"/> the growth is beta2 / (1 - (1 - beta2) / (r (1 - beta2^t))). Exact but for the
    /// rounding of v to float32, which shows where v_{t-1} is less than a millionth of v_t.</remarks>
    public double SecondMomentGrowth(int index)
    {
        double intake = (1 - Beta2) / (_readings[index].SecondMomentRatio * (1 - Beta2Power));
        // Rounding may leave a little less than nothing of v_{t-1} where it was nothing.
        return double.IsNaN(intake) ? double.NaN : intake >= 1 ? double.PositiveInfinity : Beta2 / (1 - intake);
    }

    /// <summary>A record of its own with the same contents.</summary>
    /// <returns>Yours to keep: later steps leave it alone.</returns>
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
        other.Beta2 = Beta2;
        other.Beta2Power = Beta2Power;
        _readings.CopyTo(other._readings, 0);
    }
}
