namespace Andrea.Monitoring;

/// <summary>A phase of a curriculum: steps that draw their sources by the same weights.</summary>
/// <param name="Step">Its first step.</param>
/// <param name="Steps">Steps it has.</param>
/// <param name="Focus">Name of the source that it is about.</param>
/// <param name="Shares">Every source with its share of the draws; together 1.</param>
public sealed record PhaseRecord(long Step, long Steps, string Focus, IReadOnlyList<SourceShare> Shares);

/// <summary>A source's share of the steps.</summary>
/// <param name="Source">Its name.</param>
/// <param name="Share">From 0 to 1.</param>
public readonly record struct SourceShare(string Source, double Share);
