using System.Globalization;

namespace Andrea.Monitoring.Diagnosis;

/// <summary>Looks for one thing that can be wrong. Told of every finite step after it is in the history; must not allocate unless it finds something.</summary>
internal abstract class DiagnosisRule
{
    /// <summary>A step was made.</summary>
    /// <returns>What begins to be wrong with it, or null.</returns>
    public virtual Verdict? OnStep(in StepRecord record, RunHistory history) => null;

    /// <summary>A step's gradients were looked at.</summary>
    /// <returns>What begins to be wrong with them, or null.</returns>
    public virtual Verdict? OnGradients(GradientRecord record, RunHistory history) => null;

    /// <summary>The coherence gate has scored a sample.</summary>
    /// <returns>What begins to be wrong with it, or null.</returns>
    public virtual Verdict? OnCoherence(CoherenceRecord record) => null;

    /// <summary>The run goes on from a checkpoint, which holds what was known of the samples' repetition.</summary>
    public virtual void Restore(RepetitionState state)
    {
    }

    /// <summary>The curvature along a step's gradient was measured.</summary>
    /// <returns>What it announces, or null.</returns>
    public virtual Verdict? OnCurvature(in CurvatureRecord record) => null;

    /// <summary>A number for a sentence: three significant digits, with an exponent where there would be many zeros.</summary>
    protected static string Number(double value) => value.ToString(
        Math.Abs(value) switch
        {
            0 or (>= 0.01 and < 1000) => "G3",
            >= 1000 and < 1e5 => "0",
            _ => "0.0#e0",
        },
        CultureInfo.InvariantCulture);

    /// <summary>A loss for a sentence.</summary>
    protected static string Loss(double value) =>
        double.IsFinite(value) && Math.Abs(value) < 1e5 ? value.ToString("0.000", CultureInfo.InvariantCulture) : Number(value);

    /// <summary>A share for a sentence, in percent.</summary>
    protected static string Percent(double share) => Number(100 * share) + " %";

    /// <summary>Some names for a sentence.</summary>
    protected static string Names(IReadOnlyList<string> names)
    {
        const int Most = 4;
        return names.Count <= Most
            ? string.Join(", ", names)
            : string.Create(CultureInfo.InvariantCulture, $"{string.Join(", ", names.Take(Most - 1))} and {names.Count - Most + 1} more");
    }

    /// <summary>A sentence with numbers written the same everywhere.</summary>
    protected static string Sentence(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
