namespace Andrea.Cli.Lab;

/// <summary>What a predictor's announcements were worth: a spike that begins within some steps of one is a hit.</summary>
/// <remarks>An announcement while a spike is on, or while another one still holds, is not counted.</remarks>
/// <param name="horizon">How many steps an announcement holds.</param>
internal sealed class PredictionScore(int horizon)
{
    private readonly List<int> _leads = [];
    private long _announced = -1;

    /// <summary>Spikes that were announced, and that were not.</summary>
    public int Hits => _leads.Count;

    public int Misses { get; private set; }

    /// <summary>Announcements that nothing followed.</summary>
    public int FalseAlarms { get; private set; }

    /// <summary>Steps from an announcement to its spike's first step.</summary>
    public IReadOnlyList<int> Leads => _leads;

    /// <summary>Takes the next step.</summary>
    public void Next(long step, bool announces, bool spikeBegins, bool spikeIsOn)
    {
        if (_announced >= 0 && step - _announced > horizon)
        {
            FalseAlarms++;
            _announced = -1;
        }
        if (spikeBegins && _announced < 0)
            Misses++;
        else if (spikeBegins)
        {
            _leads.Add((int)(step - _announced));
            _announced = -1;
        }
        else if (announces && !spikeIsOn && _announced < 0)
            _announced = step;
    }
}
