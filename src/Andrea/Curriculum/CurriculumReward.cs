namespace Andrea.Curriculum;

/// <summary>What a <see cref="CurriculumOptions">curriculum</see> pays a source for.</summary>
public enum CurriculumReward
{
    /// <summary>For losses that fall: the slope of the source's latest losses, less one standard error, so that scatter alone is paid
    /// next to nothing.</summary>
    LearningProgress,

    /// <summary>ANDREA's: for every loss below the source's moving average, max(0, average before - loss) * 1000. It pays for scatter as
    /// much as for learning: a source whose losses never fall but scatter by s earns about 0.4 s * 1000 with each.</summary>
    LossDrop,
}
