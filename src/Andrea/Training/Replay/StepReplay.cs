using Andrea.Backends;
using Andrea.Clipping;
using Andrea.Data;
using Andrea.Monitoring;
using Andrea.Monitoring.Diagnosis;
using Andrea.Training.Checkpoints;
using static System.FormattableString;

namespace Andrea.Training.Replay;

/// <summary>Makes a recorded step again, bit for bit, and says whether a spike in it comes from the data, from the numerics or from the hardware.</summary>
/// <remarks>
/// A run is a pure function of configuration, data and seed: so from the newest checkpoint before the step, or from the beginning, the same trainer makes the
/// same steps, and every loss and norm must have the recorded bits. The first that has not tells of what is no such function: memory or a processor that
/// failed, another device or version. A run that was resumed with other options goes on with them where it did then; options that nothing tells any more make
/// other bits prove nothing, and the verdict says so. With the same bits, loss and norm are held against recorded steps of the same source, and the batch's
/// sequences are measured one by one under the parameters before the step, beside the batches that follow in that source: what only this batch shows is in
/// the data, what all show was in the parameters before. On request the step is made on the reference device as well, whose sums are in double: a finite
/// result there that is another one means that float32 is at fault. Writes nothing into the run.
/// </remarks>
internal static class StepReplay
{
    private const int WorstRows = 3, MostTensors = 5;

    /// <summary>Makes the step again.</summary>
    /// <param name="device">Where; the run's own gives its bits. Not owned.</param>
    /// <param name="runFolder">The run.</param>
    /// <param name="step">The step, from 1.</param>
    /// <param name="openData">Gives the data, encoded by the run's tokenizer.</param>
    /// <param name="onReference">Whether to make it on the reference device as well.</param>
    /// <param name="progress">Told of every step made.</param>
    /// <exception cref="ArgumentOutOfRangeException">The step was not recorded.</exception>
    /// <exception cref="CheckpointException">The run has no step recorded, or no checkpoint that says what it is.</exception>
    /// <exception cref="TrainingDataException">The data is not the run's.</exception>
    public static ReplayResult Run(
        Device device, string runFolder, long step, Func<Tokenizer, TokenDataset> openData, bool onReference = false, Action<long>? progress = null)
    {
        RecordedSteps recorded = RecordedSteps.Read(runFolder);
        if (recorded.Last == 0)
            throw new CheckpointException($"No step is recorded in '{RunFolder.MetricsOf(runFolder)}', or it is not there. Pass the folder of a run that has made steps.");
        if (recorded[step] is not { } bits)
            throw new ArgumentOutOfRangeException(
                nameof(step), step, $"Step {step} is not recorded in '{RunFolder.MetricsOf(runFolder)}', whose last is {recorded.Last}. Choose one that is.");
        var segments = RunSegments.Read(runFolder);
        Trainer trainer = Trainer.Again(device, segments, step - 1, openData);
        try
        {
            var log = new Log(recorded);
            trainer.Observe(log);
            long from = trainer.Step;
            trainer = GoTo(step - 1, trainer, device, segments, log, progress);
            using var losses = new BatchLosses(device, trainer);
            MakeLast(trainer);
            progress?.Invoke(trainer.Step);
            if (log.DifferentStep is { } different)
                return Differs(segments, device, step, from, different, recorded[different]!.Value, log.DifferentBits);
            return Explain(runFolder, step, from, bits, log, recorded, losses, trainer.LatestDraw, onReference);
        }
        finally
        {
            trainer.Dispose();
        }
    }

    /// <summary>Makes the steps up to one, with the options that each was made with.</summary>
    private static Trainer GoTo(long step, Trainer trainer, Device device, RunSegments segments, Log log, Action<long>? progress)
    {
        long end = segments.LastBeforeResume(trainer.Step + 1);
        while (true)
        {
            if (trainer.Step == end)
            {
                Trainer next = trainer.GoOnWith(device, segments.OptionsOf(end + 1).Options);
                if (next != trainer)
                    next.Observe(log);
                trainer = next;
                end = segments.LastBeforeResume(end + 1);
            }
            if (trainer.Step == step)
                return trainer;
            trainer.TrainStepAndWait();
            progress?.Invoke(trainer.Step);
        }
    }

    private static void MakeLast(Trainer trainer)
    {
        try
        {
            trainer.TrainStepAndWait();
        }
        catch (NonFiniteGradientException)
        {
            // It was the run's last step, by its policy, and is recorded.
        }
    }

    private static ReplayResult Differs(RunSegments segments, Device device, long step, long from, long different, StepBits recorded, StepBits recomputed)
    {
        string wasOn = segments.DeviceOf(different) ?? device.Description;
        bool sameDevice = WithoutThreads(wasOn) == WithoutThreads(device.Description), known = segments.AreKnown(from + 1, different);
        string why = !known
            ? "The run was gone on with after that, and neither run.json nor a checkpoint tells what options it had until then: so this proves nothing. Steps since then can be made again."
            : !sameDevice
            ? Invariant($"It was recorded on another device ({wasOn}) than this one ({device.Description}), which may round otherwise: replay it there to know.")
            : segments.IsResumedBetween(from, different)
                ? "The run was resumed in between, perhaps with another version; otherwise the hardware is to blame, or something that is not deterministic."
                : "On the same device, data and seed that means failing hardware, another version, or something that is not deterministic.";
        return new ReplayResult
        {
            Step = step,
            From = from,
            Verdict = known ? ReplayVerdict.Hardware : ReplayVerdict.Unknown,
            Sentence = Invariant($"Step {different} does not have the bits that were recorded ({Difference(recorded, recomputed)}). {why}"),
            Recorded = recorded,
            Recomputed = recomputed,
            DifferentStep = different,
        };
    }

    private static string Difference(StepBits recorded, StepBits recomputed)
    {
        var parts = new List<string>();
        foreach ((string name, double now, double then) in ((string, double, double)[])[
            ("loss", recomputed.Loss, recorded.Loss), ("norm", recomputed.Norm, recorded.Norm), ("coefficient", recomputed.Coefficient, recorded.Coefficient)])
            if (!StepBits.IsSame(now, then))
                parts.Add(Invariant($"{name} {now:R}, recorded {then:R}"));
        return string.Join("; ", parts);
    }

    private static ReplayResult Explain(
        string runFolder, long step, long from, StepBits bits, Log log, RecordedSteps recorded, BatchLosses losses, in BatchDraw draw, bool onReference)
    {
        var options = new GradientDiagnosisOptions();
        var guard = new SpikeGuardOptions();
        double[] lossesBefore = recorded.Before(step, value => value.Loss), normsBefore = recorded.Before(step, value => value.Norm);
        (double lossScore, double usualLoss) = SpikeDecision.ScoreOf(lossesBefore, bits.Loss, ReplayJudgement.LeastHistory, guard.LossSmallestShare, SpikeDecision.SmallestLossScale);
        (double normScore, double usualNorm) = SpikeDecision.ScoreOf(normsBefore, bits.Norm, ReplayJudgement.LeastHistory, guard.NormSmallestShare, 0);
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
            Source = recorded.SourceOf(step),
            History = Math.Min(lossesBefore.Length, normsBefore.Length),
            LossScore = lossScore,
            NormScore = normScore,
            RowMedian = sorted.Median,
            OtherLoss = others.Average(),
            OtherNorm = losses.NormsAfter(draw).Average(),
            WorstRows = losses.Worst(draw, rows, others, WorstRows),
            Tensors = TensorsOf(runFolder, step, recorded, log.Gradients, options),
            FirstNonFinite = log.FirstNonFinite,
            Reference = onReference ? losses.OnReference(draw) : null,
        };
        return ReplayJudgement.Judge(result, usualLoss, usualNorm);
    }

    private static List<ReplayTensor> TensorsOf(string runFolder, long step, RecordedSteps recorded, GradientRecord? gradients, GradientDiagnosisOptions options)
    {
        if (gradients is null)
            return [];
        Dictionary<string, RobustWindow> before = recorded.NormsBefore(runFolder, step);
        var tensors = new List<ReplayTensor>();
        for (int i = 0; i < gradients.Tensors.Count; i++)
        {
            double norm = gradients.Readings[i].Norm;
            bool isKnown = before.TryGetValue(gradients.Tensors[i].Name, out RobustWindow? window) && window.Count >= ReplayJudgement.LeastHistory;
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
