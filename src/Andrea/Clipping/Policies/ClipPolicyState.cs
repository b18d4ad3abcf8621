namespace Andrea.Clipping.Policies;

/// <summary>What a policy remembers, for a checkpoint: numbers to be kept and given back as they are.</summary>
/// <param name="Kind">Whose they are; see <see cref="ClipPolicy.Kind"/>.</param>
/// <param name="Version">Of what they mean.</param>
/// <param name="Values">The numbers, by name; all finite.</param>
public sealed record ClipPolicyState(string Kind, int Version, IReadOnlyDictionary<string, double[]> Values)
{
    // Whole numbers up to here are exact in a double.
    private const double MostCounted = 1L << 53;

    /// <summary>Whether they are that policy's, in the meaning that it knows.</summary>
    internal bool IsOf(string kind, int version) => Kind == kind && Version == version;

    /// <summary>Refuses what no policy has ever given.</summary>
    /// <exception cref="ArgumentException">Something is null, or a number is negative or not finite; the message names it.</exception>
    internal void Check()
    {
        if (Kind is null || Values is null)
            throw Refusal(Kind is null ? "has no kind" : "has no values");
        foreach ((string name, double[] values) in Values)
        {
            if (values is null)
                throw Refusal($"has null for its '{name}'");
            foreach (double value in values)
                if (!(double.IsFinite(value) && value >= 0))
                    throw Refusal($"holds {value} in its '{name}', which are finite numbers from 0 up");
        }
    }

    /// <summary>The numbers of that name.</summary>
    /// <exception cref="ArgumentException">There are none, or, where it is given, not so many.</exception>
    internal double[] Of(string name, int length = -1)
    {
        if (!Values.TryGetValue(name, out double[]? values))
            throw Refusal($"lacks its '{name}'");
        return length < 0 || values.Length == length ? values : throw Refusal($"has {values.Length} numbers in its '{name}' instead of {length}");
    }

    /// <summary>The one number of that name, which counts something.</summary>
    /// <exception cref="ArgumentException">There is none, or it counts nothing.</exception>
    internal long CountOf(string name)
    {
        double count = Of(name, 1)[0];
        return count <= MostCounted && count == Math.Floor(count) ? (long)count : throw Refusal($"has {count} for its '{name}', which is a count");
    }

    private ArgumentException Refusal(string what) =>
        new($"The state of the clip policy '{Kind}' {what}. Pass what ReadPolicyState gave, or null to begin afresh.", "state");
}
