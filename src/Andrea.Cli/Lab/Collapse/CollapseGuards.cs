namespace Andrea.Cli.Lab.Collapse;

/// <summary>What keeps an arm of the collapse from falling over.</summary>
[Flags]
internal enum CollapseGuards
{
    /// <summary>ANDREA's v1: plain Adam, full learning rate and all sources from the first step.</summary>
    None = 0,

    /// <summary>Global clip at 1.</summary>
    Clip = 1,

    /// <summary>The learning rate grows over the first steps.</summary>
    RateWarmup = 2,

    /// <summary>AdamW's decoupled decay.</summary>
    Decay = 4,

    /// <summary>The first steps draw from the broad sources only.</summary>
    CurriculumWarmup = 8,

    /// <summary>The coherence gate halts the run.</summary>
    Gate = 16,

    /// <summary>ANDREA's v2.</summary>
    All = Clip | RateWarmup | Decay | CurriculumWarmup | Gate,
}
