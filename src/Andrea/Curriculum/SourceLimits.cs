namespace Andrea.Curriculum;

/// <summary>What a <see cref="CurriculumOptions">curriculum</see> may do with one source. Weights are relative to each other; that of the
/// source in focus is 1. None is a share of what is drawn: with a floor of 0.3 beside four sources of weight 1 a source is drawn
/// in one step of 14. The epoch penalty of <see cref="CurriculumOptions.EpochLimit"/> comes behind the floor, which a source that has been read
/// too often falls below.</summary>
/// <param name="Name">The source's name.</param>
/// <param name="Floor">Least weight before the epoch penalty, from 0 to 1.</param>
/// <param name="Cap">Largest weight, from the floor to 1.</param>
/// <param name="Warmup">Whether it is drawn from during <see cref="CurriculumOptions.WarmupSteps"/>.</param>
public sealed record SourceLimits(string Name, double Floor = 0, double Cap = 1, bool Warmup = false);
