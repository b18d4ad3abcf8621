using Andrea.Backends;
using Andrea.Clipping;
using Andrea.Data;
using Andrea.Monitoring;
using Andrea.Monitoring.Diagnosis;
using static System.FormattableString;

namespace Andrea.Training.Replay;

/// <summary>Makes a recorded step again, bit for bit, and says whether a spike in it comes from the data, from the numerics or from the hardware.</summary>
/// <remarks>
/// A run is a pure function of configuration, data and seed: so from the newest checkpoint before the step, or from the beginning, the same trainer makes the
/// same steps, and every loss and norm must have the recorded bits. The first that has not tells of what is no such function: memory or a processor that
/// failed, another device or version, options that were changed. With the same bits, the batch's sequences are measured one by one under the parameters
/// before the step, beside the batches that follow: what only this batch shows is in the data, what all show was in the parameters before. On request the step
/// is made on the reference device as well, whose sums are in double: another result there means that float32 is at fault. Writes nothing into the run.
/// </remarks>
internal static class StepReplay
{
    private const int WorstRows = 3, MostTensors = 5, LeastHistory = 10;

    // Rounding moves loss and norm by parts in 10,000 at most, also of large models.
    private const double LossTolerance = 1e-3, NormTolerance = 1e-2;

    /// <summary>Makes the step again.</summary>
    /// <param name="device">Where; the run's own gives its bits. Not owned.</param>
    /// <param name="runFolder">The run.</param>
    /// <param name="step">The step, from 1.</param>
    /// <param name="openData">Gives the data, encoded by the run's tokenizer.</param>
    /// <param name="onReference">Whether to make it on the reference device as well.</param>
    /// <param name="progress">Told of every step made.</param>
    /// <exception cref="ArgumentOutOfRangeException">The step was not recorded.</exception>
    /// <exception cref="Checkpoints.CheckpointException">The run has no checkpoint that says what it is.</exception>
    /// <exception cref="TrainingDataException">The data is not the run's.</exception>
    public static ReplayResult Run(
        Device device, string runFolder, long step, Func<Tokenizer, TokenDataset> openData, bool onReference = false, Action<long>? progress = null)
    {
        RecordedSteps recorded = RecordedSteps.Read(runFolder);
        if (recorded[step] is not { } bits)
            throw new ArgumentOutOfRangeException(
                nameof(step), step, $"Step {step} is not recorded in '{RunFolder.MetricsOf(runFolder)}', whose last is {recorded.Last}. Choose one that is.");
        using Trainer trainer = Trainer.Again(device, runFolder, step - 1, openData);
        var log = new Log(recorded);
        trainer.Observe(log);
        long from = trainer.Step;
        while (trainer.Step < step - 1)
        {
            trainer.TrainStepAndWait();
            progress?.Invoke(trainer.Step);
        }
        using var losses = new BatchLosses(device, trainer);
        trainer.TrainStepAndWait();
        progress?.Invoke(trainer.Step);
        if (log.DifferentStep is { } different)
            return Differs(runFolder, device, step, from, different, recorded[different]!.Value, log.DifferentBits);
        return Explain(runFolder, step, from, bits, log, recorded, losses, trainer.LatestDraw, onReference);
    }

    private static ReplayResult Differs(string runFolder, Device device, long step, long from, long different, StepBits recorded, StepBits recomputed)
    {
        RunDescription? run = RunDescription.TryRead(runFolder);
        string wasOn = run?.Resumed.LastOrDefault(resumed => resumed.Step < different)?.Device ?? run?.Device ?? device.Description;
        bool sameDevice = WithoutThreads(wasOn) == WithoutThreads(device.Description);
        string why = !sameDevice
            ? Invariant($"It was recorded on another device ({wasOn}) than this one ({device.Description}), which may round otherwise: replay it there to know.")
            : run?.Resumed.Any(resumed => resumed.Step >= from && resumed.Step < different) == true
                ? "The run was resumed in between, perhaps with other options or another version; otherwise the hardware is to blame, or something that is not deterministic."
                : "On the same device, data and seed that means failing hardware, another version, or something that is not deterministic.";
        return new ReplayResult
        {
            Step = step,
            From = from,
            Verdict = ReplayVerdict.Hardware,
            Sentence = Invariant($"Step {different} does not have the bits that were recorded (loss {recomputed.Loss:R}, recorded {recorded.Loss:R}). {why}"),
            Recorded = recorded,
            Recomputed = recomputed,
            DifferentStep = different,
        };
    }

    private static ReplayResult Explain(
        string runFolder, long step, long from, StepBits bits, Log log, RecordedSteps recorded, BatchLosses losses, in BatchDraw draw, bool onReference)
    {
        var options = new GradientDiagnosisOptions();
        var guard = new SpikeGuardOptions();
        (double lossScore, double usualLoss) = SpikeDecision.ScoreOf(recorded.Before(step, value => value.Loss), bits.Loss, LeastHistory, guard.LossSmallestShare);
        (double normScore, _) = SpikeDecision.ScoreOf(recorded.Before(step, value => value.Norm), bits.Norm, LeastHistory, guard.NormSmallestShare);
        double[] rows = losses.RowsOf(draw), others = losses.RowsAfter(draw);
        var sorted = new RobustWindow(rows.Length);
        foreach (double row in rows)
            sorted.Add(row);
        var result = new ReplayResult
        {
            Step = step,
            From = from,
            Verdict = ReplayVerdict.Usual,
            Sentence = "",
            Recorded = bits,
            Recomputed = bits,
            LossScore = lossScore,
            NormScore = normScore,
            RowMedian = sorted.Median,
            OtherLoss = others.Average(),
            WorstRows = losses.Worst(draw, rows, others, WorstRows),
            Tensors = TensorsOf(runFolder, step, log.Gradients, options),
            FirstNonFinite = log.FirstNonFinite,
            Reference = onReference ? losses.OnReference(draw) : null,
        };
        bool isSpike = lossScore > options.LossSpike || normScore > options.NormSpike;
        result = result with { Verdict = VerdictOf(result, isSpike, usualLoss) };
        return result with { Sentence = SentenceOf(result, isSpike) };
    }

    private static ReplayVerdict VerdictOf(ReplayResult result, bool isSpike, double usualLoss)
    {
        if (result.Reference is { } reference
            && (IsOff(result.Recomputed.Loss, reference.Loss, LossTolerance) || IsOff(result.Recomputed.Norm, reference.Norm, NormTolerance)))
            return ReplayVerdict.Numerics;
        if (!isSpike)
            return ReplayVerdict.Usual;
        // Half of what the loss stands above its median: closer to which of the two are the batches that follow?
        double middle = 0.5 * (result.Recomputed.Loss + usualLoss);
        bool othersToo = !double.IsFinite(result.OtherLoss) || (result.LossScore > 3 && result.OtherLoss > middle);
        return othersToo ? ReplayVerdict.Parameters : ReplayVerdict.Data;
    }

    private static bool IsOff(double value, double reference, double tolerance) => double.IsFinite(value) && double.IsFinite(reference)
        ? Math.Abs(value - reference) > tolerance * Math.Abs(reference)
        : double.IsFinite(value) != double.IsFinite(reference);

    private static string SentenceOf(ReplayResult result, bool isSpike)
    {
        string same = Invariant($"Step {result.Step} has the recorded bits");
        string off = !isSpike ? "" : result.LossScore >= result.NormScore
            ? Invariant($"its loss {result.Recomputed.Loss:G5} stands {result.LossScore:F1} deviations above the median before it")
            : Invariant($"its norm {result.Recomputed.Norm:G5} stands {result.NormScore:F1} deviations above the median before it");
        return result.Verdict switch
        {
            ReplayVerdict.Usual => $"{same}, and neither loss nor norm stands out.",
            ReplayVerdict.Numerics => Invariant(
                $"{same}, but with sums in double its loss is {result.Reference!.Value.Loss:G6} instead of {result.Recomputed.Loss:G6} and its norm {result.Reference.Value.Norm:G6} instead of {result.Recomputed.Norm:G6}: the spike is in the numerics of float32."),
            ReplayVerdict.Parameters => Invariant(
                $"{same} and {off}; but the batches that follow have a loss of {result.OtherLoss:G5} under the same parameters, so those were bad before: look at earlier steps."),
            _ => Invariant(
                $"{same} and {off}; the batches that follow have a loss of {result.OtherLoss:G5} under the same parameters: the spike is in the data of this batch."),
        };
    }

    private static List<ReplayTensor> TensorsOf(string runFolder, long step, GradientRecord? gradients, GradientDiagnosisOptions options)
    {
        if (gradients is null)
            return [];
        Dictionary<string, RobustWindow> before = RecordedSteps.NormsBefore(runFolder, step);
        var tensors = new List<ReplayTensor>();
        for (int i = 0; i < gradients.Tensors.Count; i++)
        {
            double norm = gradients.Readings[i].Norm;
            bool isKnown = before.TryGetValue(gradients.Tensors[i].Name, out RobustWindow? window) && window.Count >= LeastHistory;
            tensors.Add(new ReplayTensor(
                gradients.Tensors[i].Name, norm, isKnown ? window!.ZScore(norm, options.SpikeSmallestShare) : double.NaN, isKnown ? window!.Median : double.NaN));
        }
        return [.. tensors.OrderByDescending(tensor => double.IsNaN(tensor.ZScore) ? double.NegativeInfinity : tensor.ZScore).Take(MostTensors)];
    }

    /// <summary>A CPU's description without its threads, which results do not depend on.</summary>
    private static string WithoutThreads(string description) =>
        string.Join(',', description.Split(',').Where(part => !part.EndsWith("thread", StringComparison.Ordinal) && !part.EndsWith("threads", StringComparison.Ordinal)));

    /// <summary>Compares every step with the recorded one, and keeps what the last one showed.</summary>
    private sealed class Log(RecordedSteps recorded) : IStepObserver
    {
        public long? DifferentStep { get; private set; }

        public StepBits DifferentBits { get; private set; }

        public GradientRecord? Gradients { get; private set; }

        public string? FirstNonFinite { get; private set; }

        public void OnStep(in StepRecord record)
        {
            ClipResult clip = record.Clip;
            var bits = new StepBits(record.Loss, clip.NormBefore, clip.Coefficient);
            if (DifferentStep is null && recorded[record.Step] is { } expected && !expected.IsSame(bits))
                (DifferentStep, DifferentBits) = (record.Step, bits);
            FirstNonFinite = clip.FirstBadTensor is { } tensor ? Invariant($"{tensor}[{clip.FirstBadIndex}]") : null;
        }

        public void OnGradients(GradientRecord record) => Gradients = record.Copy();
    }
}
