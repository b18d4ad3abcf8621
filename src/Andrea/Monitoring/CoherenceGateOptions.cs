namespace Andrea.Monitoring;

/// <summary>Options of the gate that halts a run whose model no longer writes anything but repetitions, as ANDREA has it.</summary>
/// <remarks>Every so many steps the model writes a sample, which is scored by <see cref="CoherenceScore"/>. A number of low scores in a row halts
/// the run; its checkpoint is kept. The same samples tell the diagnosis of rising repetition, long before
/// (<see cref="VerdictKind.RepetitionRising"/>).</remarks>
public sealed record CoherenceGateOptions
{
    /// <summary>Steps between samples.</summary>
    /// <value>100</value>
    public long Every { get; init; } = 100;

    /// <summary>Tokens of a sample.</summary>
    /// <value>420</value>
    public int Tokens { get; init; } = 420;

    /// <summary>Scores below this are low.</summary>
    /// <value>30, of 100</value>
    public double Threshold { get; init; } = 30;

    /// <summary>Low scores in a row that halt the run.</summary>
    /// <value>5</value>
    public int InARow { get; init; } = 5;

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range; the message names it.</exception>
    internal void Validate()
    {
        CheckAtLeastOne(nameof(Every), Every);
        CheckAtLeastOne(nameof(Tokens), Tokens);
        CheckAtLeastOne(nameof(InARow), InARow);
        if (!(Threshold is >= 0 and <= 100))
            throw new ArgumentOutOfRangeException(nameof(Threshold), Threshold, $"{nameof(Threshold)} is {Threshold}; expected a score from 0 to 100.");
    }

    private static void CheckAtLeastOne(string name, long value)
    {
        if (value < 1)
            throw new ArgumentOutOfRangeException(name, value, $"The coherence gate's {name} is {value}; expected 1 or more.");
    }
}
