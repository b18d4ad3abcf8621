namespace Andrea.Monitoring;

/// <summary>Where one source of the data stands in a run whose curriculum goes from source to source. A value; the default is a source that has not come yet.</summary>
/// <remarks>What a model has not seen for some steps it partly forgets, and learns again within a few: losses and norms of these steps, the arrival, are high,
/// and say nothing about steps after them, nor the other way round. Nor do those of another source: how much is forgotten, and how high a loss is at
/// all, differs from source to source.</remarks>
/// <param name="LastStep">The source's latest step; 0 when there was none.</param>
/// <param name="Steps">Its steps since it came back, up to the first after the arrival.</param>
internal readonly record struct SourceVisit(long LastStep, int Steps)
{
    /// <summary>Steps of a visit that are its arrival: a text that is known by heart is back within about twice its old loss after so many.</summary>
    public const int ArrivalSteps = 8;

    /// <summary>Steps without the source from which its return is a visit of its own.</summary>
    public const int LeastAbsence = 4;

    /// <summary>Steps since the source's latest, before the given one; 0 for a source that has not come yet.</summary>
    public long AbsenceAt(long step) => LastStep == 0 ? 0 : step - LastStep - 1;

    /// <summary>The source comes with this step. Its very first visit is no return, and has no arrival.</summary>
    public SourceVisit At(long step) =>
        new(step, LastStep == 0 ? ArrivalSteps + 1 : AbsenceAt(step) >= LeastAbsence ? 1 : Math.Min(Steps + 1, ArrivalSteps + 1));

    /// <summary>Whether the latest step is part of an arrival.</summary>
    public bool IsArrival() => LastStep > 0 && Steps <= ArrivalSteps;

    /// <summary>The model is one that may not have seen the source for long: its next step is an arrival.</summary>
    public SourceVisit Anew() => this with { Steps = 0 };
}
