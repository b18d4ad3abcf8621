namespace Andrea.Curriculum;

/// <summary>What a <see cref="CurriculumOptions">curriculum</see> pays a source for.</summary>
public enum CurriculumReward
{
    /// <summary>For progress: by how much the lowest mean of so many losses in a row was lowered by the source's latest ones. Scatter lowers it less and
    /// less, and learning again what was forgotten does not lower it at all.</summary>
    LearningProgress,

    /// <summary>ANDREA's: for every loss below the source's moving average, max(0, average before - loss) * 1000. It pays for scatter as
    /// much as for learning: a source whose losses never fall but scatter by s earns about 0.4 s * 1000 with each.</summary>
    LossDrop,
}
