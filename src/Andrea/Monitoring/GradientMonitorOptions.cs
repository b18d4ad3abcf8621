using Andrea.Tensors;

namespace Andrea.Monitoring;

/// <summary>What a <see cref="GradientMonitor"/> has one series for.</summary>
public enum GradientGrouping
{
    /// <summary>Each tensor.</summary>
    Tensor,

    /// <summary>Each block of the model, such as "h.3": its tensors looked at as one vector, one behind the other. Tensors of no block, such as
    /// tables and the head, stay for themselves.</summary>
    Block,
}

/// <summary>Options of a <see cref="GradientMonitor"/>.</summary>
public sealed record GradientMonitorOptions
{
    /// <summary>Options that switch monitoring off: nothing is made, launched or copied.</summary>
    public static GradientMonitorOptions Off { get; } = new() { Every = 0, UpdatesEvery = 0 };

    /// <summary>Steps between records: the first step and every multiple are recorded; 0 records nothing at all.</summary>
    /// <value>1</value>
    public long Every { get; init; } = 1;

    /// <summary>Steps between measurements of weights and updates: the first step and every multiple, which then have a record whatever
    /// <see cref="Every"/> says; 0 never measures them. 1 for the verdict <see cref="VerdictKind.StaleSecondMoment"/> to announce spikes that build
    /// up within few steps; clip and AdamW of a measured step take a fifth to a quarter longer.</summary>
    /// <value>10</value>
    public long UpdatesEvery { get; init; } = 10;

    /// <summary>Steps at the beginning in which weights and updates are always measured, unless <see cref="UpdatesEvery"/> is 0: bad first weights and
    /// a learning rate far too high show there, and only there.</summary>
    /// <value>16</value>
    public long FirstUpdates { get; init; } = 16;

    /// <summary>Names of the tensors to monitor; <c>*</c> stands for any run of characters, as in <c>h.*.attn.*</c>. Empty means all.</summary>
    /// <value>Empty</value>
    public IReadOnlyList<string> Include { get; init; } = [];

    /// <summary>Names of those to leave out, likewise.</summary>
    /// <value>Empty</value>
    public IReadOnlyList<string> Exclude { get; init; } = [];

    /// <summary>Whether there is a series for each tensor or for each block.</summary>
    /// <value><see cref="GradientGrouping.Tensor"/></value>
    public GradientGrouping Grouping { get; init; } = GradientGrouping.Tensor;

    /// <summary>Whether a step has a record.</summary>
    internal bool Records(long step) => Every > 0 && (IsDue(step, Every) || MeasuresUpdates(step));

    /// <summary>Whether weights and updates are measured in a step.</summary>
    internal bool MeasuresUpdates(long step) => Every > 0 && UpdatesEvery > 0 && (IsDue(step, UpdatesEvery) || step <= FirstUpdates);

    /// <summary>Checks every option that can be checked without knowing the tensors.</summary>
    /// <exception cref="ArgumentException">An option is out of range; the message names it.</exception>
    internal void Validate()
    {
        CheckSteps(nameof(Every), Every);
        CheckSteps(nameof(UpdatesEvery), UpdatesEvery);
        CheckSteps(nameof(FirstUpdates), FirstUpdates);
        CheckPatterns(nameof(Include), Include);
        CheckPatterns(nameof(Exclude), Exclude);
        if (!Enum.IsDefined(Grouping))
            throw new ArgumentOutOfRangeException(nameof(Grouping), Grouping, $"There is no grouping {Grouping}. Choose Tensor or Block.");
    }

    /// <summary>Which tensors of a set are monitored.</summary>
    /// <exception cref="ArgumentException">A pattern matches no tensor, or none is left.</exception>
    internal List<int> Select(TensorSet tensors)
    {
        foreach (string pattern in (IEnumerable<string>)[.. Include, .. Exclude])
            if (!tensors.AnyMatches(pattern))
                throw new ArgumentException(
                    $"The monitor's pattern '{pattern}' matches none of the {tensors.Count} tensors: {tensors.ListNames()}. "
                    + "Correct it; * stands for any run of characters, and upper and lower case differ.",
                    Include.Contains(pattern) ? nameof(Include) : nameof(Exclude));
        var selected = new List<int>();
        for (int i = 0; i < tensors.Count; i++)
            if ((Include.Count == 0 || MatchesAny(Include, tensors.NameOf(i))) && !MatchesAny(Exclude, tensors.NameOf(i)))
                selected.Add(i);
        if (selected.Count == 0 && tensors.Count > 0)
            throw new ArgumentException(
                $"The monitor's patterns leave none of the {tensors.Count} tensors: {tensors.ListNames()}. Exclude fewer, or use GradientMonitorOptions.Off.",
                nameof(Exclude));
        return selected;
    }

    private static bool IsDue(long step, long every) => every > 0 && (step == 1 || step % every == 0);

    private static bool MatchesAny(IReadOnlyList<string> patterns, string name)
    {
        foreach (string pattern in patterns)
            if (NamePattern.Matches(pattern, name))
                return true;
        return false;
    }

    private static void CheckSteps(string name, long steps)
    {
        if (steps < 0)
            throw new ArgumentOutOfRangeException(name, steps, $"{name} is {steps}; expected a number of steps, or 0 for never.");
    }

    private static void CheckPatterns(string name, IReadOnlyList<string> patterns)
    {
        ArgumentNullException.ThrowIfNull(patterns, name);
        foreach (string pattern in patterns)
            if (string.IsNullOrEmpty(pattern))
                throw new ArgumentException($"A pattern of {name} is empty. Leave it out, or write a name, such as h.*.attn.*", name);
    }
}
