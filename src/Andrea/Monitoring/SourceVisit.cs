namespace Andrea.Monitoring;

/// <summary>Where one source of the data stands in a run whose curriculum goes from source to source. A value; the default is a source that has not come yet.</summary>
/// <remarks>What a model has not seen for some steps it partly forgets, and learns again within a few: losses and norms of these steps, the arrival, are as high as
/// much was forgotten, and who skips them for that keeps the model from learning it again. Judged by earlier arrivals, healthy runs still came to where every
/// step of a source was skipped, and what was skipped was forgotten further. So nothing but NaN and Inf makes a step of an arrival a bad one, and its
/// values say nothing about later steps.</remarks>
/// <param name="LastStep">The source's latest step; 0 when there was none.</param>
/// <param name="ToArrive">Steps of the arrival from the latest step on; 0 when there is none.</param>
internal readonly record struct SourceVisit(long LastStep, int ToArrive)
{
    /// <summary>Most steps of an arrival; one after a shorter absence has as many steps as that. Four were enough at a usual rate for a text that is
    /// known by heart at a loss of 0.001 and comes back at 0.5; a model of one narrow layer, in which
    /// two sources push each other out, needed ten and at times more.</summary>
    public const int LongestArrival = 12;

    /// <summary>Steps without the source from which its return is an arrival.</summary>
    public const int LeastAbsence = 4;

    /// <summary>Steps without the source, between its latest and the given one; 0 for a source that has not come yet.</summary>
    public long AbsenceAt(long step) => LastStep == 0 ? 0 : step - LastStep - 1;

    /// <summary>The source comes with this step. Its very first step is no return.</summary>
    public SourceVisit At(long step)
    {
        long absence = AbsenceAt(step);
        return new(step, Math.Max(Math.Max(ToArrive - 1, 0), absence >= LeastAbsence ? (int)Math.Min(absence, LongestArrival) : 0));
    }

    /// <summary>Whether the latest step is part of an arrival.</summary>
    public bool IsArrival() => ToArrive > 0;

    /// <summary>The model is another, which may not have seen the source for long: the next step begins an arrival.</summary>
    public SourceVisit Anew() => this with { ToArrive = LongestArrival + 1 };
}
