namespace Andrea.Cli.Lab;

/// <summary>Finds spikes in a loss that falls without noise: where it stands at so many times its lowest value of the last 100 steps.</summary>
/// <param name="factor">How many times.</param>
internal sealed class LossSpikes(double factor)
{
    private const int Window = 100, Calm = 30;

    private readonly Queue<double> _recent = new();
    private int _calm = Calm;

    /// <summary>Whether a spike is on: from its first step until the loss has stayed under half of the threshold for 30 steps.</summary>
    public bool IsOn => _calm < Calm;

    /// <summary>Takes the next step's loss.</summary>
    /// <returns>Whether a spike begins with it.</returns>
    public bool Begins(double loss)
    {
        bool full = _recent.Count == Window;
        double lowest = _recent.DefaultIfEmpty(double.PositiveInfinity).Min();
        if (full)
            _recent.Dequeue();
        _recent.Enqueue(loss);
        bool wasOn = IsOn;
        _calm = full && !(loss < (wasOn ? 0.5 : 1) * factor * lowest) ? 0 : Math.Min(_calm + 1, Calm);
        return !wasOn && IsOn;
    }
}
