using Andrea.Cli.Lab.Runs;
using Andrea.Monitoring;

namespace Andrea.Cli.Lab.Collapse;

/// <summary>Whether a run collapsed, and how it wrote in the end.</summary>
/// <param name="CollapsedAt">First step after which the validation loss stayed <see cref="Rise"/> nats or more above its lowest so far, to the end
/// of the run; null where there is none. A loss that is not finite is above.</param>
/// <param name="FinalLoss">Last validation loss.</param>
/// <param name="LowestLoss">Lowest validation loss.</param>
/// <param name="Coherence">Mean score of the last three samples, 0 to 100.</param>
/// <param name="Repetition">Mean share of pairs and triples of words in them that stood there before, 0 to 1.</param>
internal sealed record CollapseScore(long? CollapsedAt, double FinalLoss, double LowestLoss, double Coherence, double Repetition)
{
    /// <summary>Nats above the lowest loss at which a run that stays there has collapsed.</summary>
    public const double Rise = 0.5;

    /// <summary>Share of repeated pairs and triples above which samples repeat themselves.</summary>
    public const double MuchRepetition = 0.5;

    private const int LastSamples = 3;

    /// <summary>Whether the samples are repetitions.</summary>
    public bool Repeats => Repetition > MuchRepetition;

    public static CollapseScore Of(LabResult result)
    {
        CoherenceRecord[] samples = [.. result.Samples.TakeLast(LastSamples)];
        double lowest = result.Evaluations.Select(item => item.Loss).Where(double.IsFinite).DefaultIfEmpty(double.NaN).Min();
        return new CollapseScore(
            CollapsedIn(result.Evaluations),
            result.FinalLoss,
            lowest,
            samples.Select(sample => sample.Score.Total).DefaultIfEmpty(double.NaN).Average(),
            samples.Select(sample => sample.Score.Repetition).DefaultIfEmpty(double.NaN).Average());
    }

    internal static long? CollapsedIn(IReadOnlyList<EvaluationRecord> evaluations)
    {
        double lowest = double.PositiveInfinity;
        long? since = null;
        foreach (EvaluationRecord evaluation in evaluations)
        {
            if (evaluation.Loss < lowest + Rise)
                since = null;
            else if (double.IsFinite(lowest))
                since ??= evaluation.Step;
            if (evaluation.Loss < lowest)
                lowest = evaluation.Loss;
        }
        return since;
    }
}
