namespace Andrea.Clipping.Policies;

/// <summary>What a policy remembers, for a checkpoint: numbers to be kept and given back as they are.</summary>
/// <param name="Kind">Whose they are; see <see cref="ClipPolicy.Kind"/>.</param>
/// <param name="Version">Of what they mean.</param>
/// <param name="Values">The numbers, by name; all finite.</param>
public sealed record ClipPolicyState(string Kind, int Version, IReadOnlyDictionary<string, double[]> Values)
{
    /// <summary>The numbers of that name; null when they are another policy's, or cannot be right.</summary>
    internal double[]? Of(string kind, int version, string name, int length = -1) =>
        Kind == kind && Version == version && Values.TryGetValue(name, out double[]? values) && (length < 0 || values.Length == length)
        && Array.TrueForAll(values, value => double.IsFinite(value) && value >= 0)
            ? values
            : null;
}
