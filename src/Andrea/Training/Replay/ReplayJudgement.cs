using Andrea.Monitoring.Diagnosis;
using static System.FormattableString;

namespace Andrea.Training.Replay;

/// <summary>What is to blame for a step with the recorded bits.</summary>
internal static class ReplayJudgement
{
    /// <summary>Recorded steps from which it can be said what is usual.</summary>
    public const int LeastHistory = 10;

    // Rounding moves loss and norm by parts in 10,000 at most, also of large models.
    private const double LossTolerance = 1e-3, NormTolerance = 1e-2;

    private static GradientDiagnosisOptions Thresholds { get; } = new();

    /// <summary>Fills in verdict and sentence.</summary>
    /// <param name="result">All else.</param>
    /// <param name="usualLoss">Median of the recorded losses before.</param>
    /// <param name="usualNorm">Median of the norms.</param>
    public static ReplayResult Judge(ReplayResult result, double usualLoss, double usualNorm)
    {
        result = result with { Verdict = VerdictOf(result, usualLoss, usualNorm) };
        return result with { Sentence = SentenceOf(result) };
    }

    private static ReplayVerdict VerdictOf(ReplayResult result, double usualLoss, double usualNorm)
    {
        if (IsLossOff(result) || IsNormOff(result))
            return ReplayVerdict.Numerics;
        if (!IsSpike(result))
            return ReplayVerdict.Usual;
        bool othersToo = IsLossSpike(result)
            ? IsLike(result.OtherLoss, result.Recomputed.Loss, 0.5 * (result.Recomputed.Loss + usualLoss))
            : IsLike(result.OtherNorm, result.Recomputed.Norm, Math.Sqrt(result.Recomputed.Norm * usualNorm));
        return othersToo ? ReplayVerdict.Parameters : ReplayVerdict.Data;
    }

    private static bool IsSpike(ReplayResult result) => result.LossScore > Thresholds.LossSpike || result.NormScore > Thresholds.NormSpike;

    /// <summary>Whether to judge by the loss, rather than by the norm: by what is not finite, else by a loss that is a spike, since norms differ much
    /// from batch to batch.</summary>
    private static bool IsLossSpike(ReplayResult result) => double.IsPositiveInfinity(result.LossScore)
        || (!double.IsPositiveInfinity(result.NormScore) && (result.LossScore > Thresholds.LossSpike || result.LossScore >= result.NormScore));

    /// <summary>Whether what other batches give is closer to the spike than to what was usual.</summary>
    private static bool IsLike(double other, double spike, double middle) => !double.IsFinite(other) || (double.IsFinite(spike) && other > middle);

    private static bool IsLossOff(ReplayResult result) => result.Reference is { } reference && IsOff(result.Recomputed.Loss, reference.Loss, LossTolerance);

    private static bool IsNormOff(ReplayResult result) => result.Reference is { } reference && IsOff(result.Recomputed.Norm, reference.Norm, NormTolerance);

    /// <summary>Whether float32 has lost what double has not: where that is not finite either, it is not the sums.</summary>
    private static bool IsOff(double value, double reference, double tolerance) =>
        double.IsFinite(reference) && !(Math.Abs(value - reference) <= tolerance * Math.Abs(reference));

    private static string SentenceOf(ReplayResult result)
    {
        string same = Invariant($"Step {result.Step} has the recorded bits");
        bool isLoss = IsLossSpike(result);
        (string name, double value, double score, double other) = isLoss
            ? ("loss", result.Recomputed.Loss, result.LossScore, result.OtherLoss)
            : ("norm", result.Recomputed.Norm, result.NormScore, result.OtherNorm);
        string of = result.Source is { } source ? $" of its source {source}" : "";
        string off = double.IsFinite(value)
            ? Invariant($"its {name} {value:G5} stands {score:F1} deviations above the median{of} before it")
            : Invariant($"its {name} is {value}");
        string others = Invariant($"the batches that follow{of} have a {name} of {other:G5} under the same parameters");
        return result.Verdict switch
        {
            ReplayVerdict.Usual when result.History < LeastHistory =>
                Invariant($"{same}; before it only {result.History} steps{of} are recorded, too few to say whether loss or norm stands out."),
            ReplayVerdict.Usual => $"{same}, and neither loss nor norm stands out.",
            ReplayVerdict.Numerics => $"{same}, but with sums in double {NumericsOf(result)}: {(IsSpike(result) ? "the spike is in the numerics of float32" : "float32 is at fault")}.",
            ReplayVerdict.Parameters => $"{same} and {off}; but {others}, so those were bad before: look at earlier steps.",
            _ => $"{same} and {off}; {others}: the spike is in the data of this batch.",
        };
    }

    private static string NumericsOf(ReplayResult result)
    {
        (double loss, double norm) = result.Reference!.Value;
        string ofLoss = IsLossOff(result) ? Invariant($"its loss is {loss:G6} instead of {result.Recomputed.Loss:G6}") : "";
        string ofNorm = IsNormOff(result) ? Invariant($"its norm is {norm:G6} instead of {result.Recomputed.Norm:G6}") : "";
        return ofLoss + (ofLoss != "" && ofNorm != "" ? " and " : "") + ofNorm;
    }
}
