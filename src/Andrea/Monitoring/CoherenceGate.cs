namespace Andrea.Monitoring;

/// <summary>Counts low scores in a row, as <see cref="CoherenceGateOptions"/> says; one that is not low begins the count anew.</summary>
internal sealed class CoherenceGate(CoherenceGateOptions options)
{
    /// <summary>Low scores in a row up to now; part of checkpoints.</summary>
    public int LowInARow { get; set; }

    /// <summary>Whether there are as many as halt a run.</summary>
    public bool Halts => LowInARow >= options.InARow;

    /// <summary>Takes in the score of the next sample.</summary>
    public void Add(CoherenceScore score) => LowInARow = score.Total < options.Threshold ? LowInARow + 1 : 0;
}
