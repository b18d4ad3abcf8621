using Andrea.Numerics;

namespace Andrea.Curriculum;

/// <summary>Chooses which source each step draws from. A choice is a pure function of the seed, of its number, and of the losses told before.
/// Allocates nothing after construction. Not thread-safe.</summary>
internal abstract class SourceChooser
{
    // One of the streams of the run's seed; "curr" in ASCII.
    private const ulong ChoiceStream = 0x63757272;

    private readonly ulong _seed;

    protected SourceChooser(int count, ulong seed)
    {
        _seed = seed;
        Weights = new double[count];
    }

    /// <summary>Sources chosen so far.</summary>
    public long Turn { get; protected set; }

    /// <summary>Relative weight of each source for the choices of now.</summary>
    public double[] Weights { get; }

    /// <summary>Phases begun so far; 0 where there are none.</summary>
    public long Phase { get; protected set; }

    /// <summary>The turn that begins the next phase.</summary>
    public long PhaseEnd { get; protected set; } = long.MaxValue;

    /// <summary>The source in focus; -1 for none.</summary>
    public int Focus { get; protected set; } = -1;

    /// <summary>Chooses the next source.</summary>
    /// <param name="epochs">How often each source's text has been drawn so far.</param>
    public int Next(ReadOnlySpan<double> epochs)
    {
        Prepare(epochs);
        double total = 0;
        foreach (double weight in Weights)
            total += weight;
        double left = new Philox(_seed, ChoiceStream, 2 * (ulong)Turn).NextDouble() * total;
        Turn++;
        int last = 0;
        for (int source = 0; source < Weights.Length; source++)
        {
            if (Weights[source] == 0)
                continue;
            last = source;
            left -= Weights[source];
            if (left < 0)
                break;
        }
        return last;
    }

    /// <summary>The loss of a step that drew from a source has become known.</summary>
    public virtual void Learn(int source, double loss)
    {
    }

    public virtual CurriculumState Save() => new(Turn, Phase, PhaseEnd, Focus, [.. Weights], []);

    /// <summary>Goes on from a checkpoint; from another kind of curriculum only the number of the turn is taken over.</summary>
    public virtual void Restore(CurriculumState state) => Turn = state.Turn;

    /// <summary>Sets the weights for the next choice.</summary>
    protected abstract void Prepare(ReadOnlySpan<double> epochs);

    /// <summary>A stream of the seed for other draws of a chooser than choices.</summary>
    protected Philox PhaseStream(long phase) => new(_seed, ChoiceStream + 1, (ulong)phase * 2 * (ulong)(Weights.Length + 1));
}

/// <summary>Draws every source by its share of the text, as if all of it were one.</summary>
internal sealed class ProportionalChooser : SourceChooser
{
    public ProportionalChooser(IReadOnlyList<long> lengths, ulong seed)
        : base(lengths.Count, seed)
    {
        for (int source = 0; source < lengths.Count; source++)
            Weights[source] = lengths[source];
    }

    protected override void Prepare(ReadOnlySpan<double> epochs)
    {
    }
}
