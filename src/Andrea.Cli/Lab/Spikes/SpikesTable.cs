using Andrea.Cli.Lab.Runs;
using static System.FormattableString;

namespace Andrea.Cli.Lab.Spikes;

/// <summary>The results of <see cref="SpikesExperiment"/> as Markdown.</summary>
internal static class SpikesTable
{
    /// <summary>Writes all of it. Without times, the same experiment gives the same text.</summary>
    public static string Of(SpikesResult result)
    {
        var advice = new SpikesAdvice(result);
        var table = new LabTable().Paragraph("# Protections against loss spikes").Paragraph(Setting(result));
        Rates(table, result);
        Summary(table, result, advice);
        Details(table, result);
        HighRate(table, result);
        Overhead(table, result);
        table.Paragraph("## Which to use when");
        foreach (string paragraph in advice.Paragraphs())
            table.Paragraph(paragraph);
        return table.ToString();
    }

    private static void Summary(LabTable table, SpikesResult result, SpikesAdvice advice)
    {
        if (result.Cells.Count == 0)
            return;
        table.Paragraph("## Final loss").Paragraph(
            Invariant($"Each column of a fault is the median over seeds of the final validation loss, less that of {SpikeMethod.BaselineName} without any fault and with the same seed; bold holds (at most {advice.Tolerance:0.00} above). ")
            + "Healthy: likewise, where nothing goes wrong. False alarms: steps of healthy runs that were skipped, and rollbacks, all seeds together. Touched: share of the healthy steps whose gradients the clipper changed; what optimizers do is not counted. Mean: over the faults. Mean damage: likewise, less the method's own healthy loss.");
        table.Table(
            ["method", "healthy", "false alarms", "touched", .. FaultsOf(result), "mean", "mean damage", "holds"],
            result.Methods.Where(method => result.Cells.Any(cell => cell.Method.Name == method.Name)).Select(method => SummaryRow(result, advice, method)));
    }

    private static string Setting(SpikesResult result)
    {
        SpikesExperiment experiment = result.Experiment;
        return Invariant($"A model of {experiment.Layers} {(experiment.Layers == 1 ? "layer" : "layers")} and {experiment.Width} channels on characters, {experiment.Batch} x {experiment.Context} tokens a step, {experiment.Steps} steps, ")
            + Invariant($"{experiment.Seeds} {(experiment.Seeds == 1 ? "seed" : "seeds")}; cosine schedule, warmup of {Math.Max(1, experiment.Steps / 12)} steps, AdamW with betas of 0.9 and 0.999 unless the method is another. ")
            + Invariant($"Limits: global clip 1; per tensor {result.Limits.TensorNorm:0.000}, so that the joint norm is at most 1; by value {result.Limits.Value:0.000}, as the largest entry of a healthy gradient of norm 1; others as their papers have them, SPAM's periods fitted to the run. ")
            + "Faults begin at another step for each seed, so that no method's own clock decides (" + string.Join(", ", Enumerable.Range(1, Math.Min(4, experiment.Seeds)).Select(seed => Invariant($"{SpikeFault.FirstOf(experiment.Steps, (ulong)seed)}"))) + "); every method but " + SpikeMethod.NothingName + " skips steps with NaN, Andrea's default:\n\n"
            + string.Join("\n", experiment.Faults.Select(fault => $"- {fault.Name}: {fault.Description}"));
    }

    private static void Rates(LabTable table, SpikesResult result)
    {
        if (result.Sweeps.Count == 0)
            return;
        table.Paragraph("## Learning rates").Paragraph("Final validation loss without faults at each rate, one seed; that of the lowest is used from here on.");
        table.Table(
            ["method", .. result.Experiment.Rates.Select(rate => Invariant($"{rate}")), "chosen"],
            result.Sweeps.Select(pair => (pair.Key, Sweep: pair.Value)).Select(pair => (IReadOnlyList<string>)
                [pair.Key, .. pair.Sweep.Losses.Select(loss => Spread.Text(loss, "0.000")), Invariant($"{pair.Sweep.Best}{(pair.Sweep.IsAtEdge ? " (at the edge)" : "")}")]));
    }

    private static string[] SummaryRow(SpikesResult result, SpikesAdvice advice, SpikeMethod method)
    {
        SpikeCell[] healthy = [.. result.Of(method.Name, SpikeFault.HealthyName)];
        double touched = healthy.Select(cell => cell.Result.ClippedShare).DefaultIfEmpty(double.NaN).Average();
        return
        [
            method.Name,
            Cell(SpikeFault.HealthyName),
            Invariant($"{healthy.Sum(cell => cell.Result.Skips.Count + cell.Result.Rollbacks.Count)}"),
            method.ActsInClipper ? Rendering.Units.Percent(touched) : "-",
            .. FaultsOf(result).Select(Cell),
            SpikesAdvice.Signed(advice.Mean(method.Name)),
            SpikesAdvice.Signed(advice.MeanDamage(method.Name)),
            Invariant($"{advice.Held(method.Name)} of {FaultsOf(result).Length}"),
        ];

        string Cell(string fault)
        {
            if (!result.Of(method.Name, fault).Any())
                return "";
            string text = SpikesAdvice.Signed(result.MedianExcess(method.Name, fault));
            return advice.Holds(method.Name, fault) ? $"**{text}**" : text;
        }
    }

    private static void Details(LabTable table, SpikesResult result)
    {
        if (result.Cells.Count == 0)
            return;
        table.Paragraph("## Fault by fault").Paragraph(
            "Medians over seeds, with their range. Damage: final loss less that of the same method and seed without the fault. Spikes: steps after the fault whose loss stands 6 robust deviations above the 50 before it. "
            + "Lost steps: those skipped or taken back, and those from the end of the fault until the loss is back where it was; > where it never was.");
        table.Table(["fault", "method", "final loss", "damage", "spikes", "lost steps"], FaultsOf(result).SelectMany(fault =>
            result.Methods.Where(method => result.Of(method.Name, fault).Any()).Select(method => Detail(result, method.Name, fault))));
    }

    private static string[] Detail(SpikesResult result, string method, string fault)
    {
        SpikeCell[] cells = [.. result.Of(method, fault)];
        SpikeScore[] scores = [.. cells.Select(cell => cell.Score)];
        return
        [
            fault,
            method,
            Spread.Of(scores.Select(score => score.FinalLoss), "0.000"),
            Spread.Of(result.Damage(method, fault), "+0.00;-0.00;0.00"),
            Spread.Of(scores.Select(score => (double)score.Spikes), "0"),
            (scores.Any(score => !score.IsBack) ? "> " : "") + Spread.Of(scores.Select(score => (double)score.LostSteps), "0"),
        ];
    }

    private static void HighRate(LabTable table, SpikesResult result)
    {
        if (result.HighRate.Count == 0)
            return;
        // Each method has a rate of its own, so only the same rate is the same test.
        double[] tested = [.. result.HighRate.Where(cell => cell.Method.Name == SpikeMethod.SoftSignName).Select(RateOf)];
        bool adamWSpikes = result.HighRate.Any(cell => cell.Method.Name != SpikeMethod.SoftSignName && tested.Contains(RateOf(cell)) && SpikeScore.CountOf(cell.Result.Losses) > 0);
        table.Paragraph("## Rates too high throughout").Paragraph(
            "S3 is said to train without spikes at ten times the learning rate. Spikes: steps whose loss stands 6 robust deviations above the 50 before it. "
            + "Times: the method's own rate, so compare rows of the same rate. "
            + (adamWSpikes ? "At a rate of S3's, AdamW spikes." : "At the rates of S3, AdamW does not spike either, so the claim is neither borne out nor refuted."));
        table.Table(["method", "times", "rate", "final loss", "spikes", "highest loss after warmup"], result.HighRate.GroupBy(cell => (cell.Method.Name, Rate: RateOf(cell))).Select(cells => (IReadOnlyList<string>)
        [
            cells.Key.Name,
            Invariant($"{cells.Key.Rate / result.Sweeps[cells.Key.Name].Best:0}"),
            Invariant($"{cells.Key.Rate}"),
            Spread.Of(cells.Select(cell => cell.Result.FinalLoss), "0.000"),
            Spread.Of(cells.Select(cell => (double)SpikeScore.CountOf(cell.Result.Losses)), "0"),
            Spread.Of(cells.Select(cell => cell.Result.Losses.Skip((int)cell.Result.Arm.Options.WarmupSteps).Max()), "0.00"),
        ]));
    }

    private static double RateOf(SpikeCell cell) => cell.Result.Arm.Options.LearningRate;

    private static void Overhead(LabTable table, SpikesResult result)
    {
        if (result.Overhead.Count == 0)
            return;
        table.Paragraph("## Time per step").Paragraph(
            Invariant($"A whole step, forward and backward included, over that of {SpikeMethod.BaselineName}: median of {result.Experiment.TimedRounds} rounds in which all methods make a step by turns, on one thread."));
        table.Table(["method", "time"], result.Overhead.Select(pair => (IReadOnlyList<string>)[pair.Key, Invariant($"{pair.Value:0.00}")]));
    }

    private static string[] FaultsOf(SpikesResult result) => [.. result.Experiment.Faults.Select(fault => fault.Name).Where(name => name != SpikeFault.HealthyName)];
}
