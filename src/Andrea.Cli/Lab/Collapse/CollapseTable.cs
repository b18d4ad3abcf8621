using Andrea.Cli.Lab.Runs;
using Andrea.Monitoring;
using static System.FormattableString;

namespace Andrea.Cli.Lab.Collapse;

/// <summary>The results of <see cref="CollapseExperiment"/> as Markdown.</summary>
internal static class CollapseTable
{
    private const int SampleLength = 160;

    public static string Of(CollapseResult result)
    {
        CollapseExperiment experiment = result.Experiment;
        LabTable table = new LabTable().Paragraph("# The collapse and its cure").Paragraph(Setting(experiment));
        table.Paragraph("## What it took").Paragraph(
            Invariant($"v1 of the widest model ({experiment.Widths[^1]} channels), seed 1, under harder and harder shocks: from step {experiment.CalmSteps + 1} on, in the first {CollapseShock.Steps} steps of each phase of the curriculum, gradients are multiplied, and the text is the source's own, the same in other tokens (which nothing was learned of), or one token of it again and again; last, the learning rate of the whole run is multiplied, too. Collapsed: the validation loss rises {CollapseScore.Rise} nats or more above its lowest and stays there to the end, over {CollapseScore.FewestInARow} measurements at least. Repeats: more than half of the pairs and triples of words in its last three samples stood there before."));
        table.Table(["shock", "largest norm / median", "collapsed at step", "lowest loss", "final loss", "coherence", "repetition"], result.Rungs.Select(Rung));
        if (result.Shock is null)
            return table.ToString();
        table.Paragraph(Chosen(result));
        table.Paragraph("## Arms").Paragraph("Medians over seeds, with their range. Every arm is shocked where its own phases begin: a warmup of the curriculum moves them all, so the arms that have it are shocked in other steps than the rest. Warned: first step in which the diagnosis found rising repetition, by the same samples as the gate. Halted and warned: also in how many of the runs.");
        table.Table(
            ["width", "arm", "collapsed", "at step", "final loss", "lowest loss", "clipped", "coherence", "repetition", "halted at", "warned at"],
            from width in experiment.Widths
            from arm in CollapseArm.All
            let cells = result.Cells.Where(cell => cell.Width == width && cell.Arm == arm).ToArray()
            where cells.Length > 0
            select Row(width, arm, cells));
        Samples(table, result);
        table.Paragraph("## What follows");
        table.Paragraph(string.Join("\n", Findings(result).Select(sentence => "- " + sentence)));
        return table.ToString();
    }

    private static string Setting(CollapseExperiment experiment) =>
        Invariant($"Models of {experiment.Layers} {(experiment.Layers == 1 ? "layer" : "layers")} on morphemes ({experiment.Segments}, and 256 bytes), {experiment.Batch} x {experiment.Context} tokens a step, {experiment.Steps} steps at a constant rate of {experiment.LearningRate}, {experiment.Seeds} {(experiment.Seeds == 1 ? "seed" : "seeds")}. ")
        + $"Sources {string.Join(", ", CollapseData.Names)} under the bandit with ANDREA's reward. v1: plain Adam, no clip, no decay, full rate and all sources from step 1. "
        + Invariant($"Guards: global clip at 1; {experiment.WarmupSteps} steps of learning rate warmup; decay of {experiment.Decay}; {experiment.WarmupSteps} steps from the {CollapseData.BroadCount} broad sources only; the coherence gate, which halts after {experiment.Gate.InARow} scores below {experiment.Gate.Threshold} in a row. v2 has all. In every arm, a step with NaN is skipped.");

    private static string[] Rung(CollapseRung rung) =>
    [
        rung.Shock.Description,
        Spread.Text(rung.Result.Norms.Max() / Spread.Median(rung.Result.Norms), "0.0"),
        rung.Score.CollapsedAt is { } step ? Invariant($"{step}") : "-",
        Spread.Text(rung.Score.LowestLoss, "0.000"),
        Spread.Text(rung.Score.FinalLoss, "0.000"),
        Spread.Text(rung.Score.Coherence, "0"),
        Spread.Text(rung.Score.Repetition),
    ];

    private static string Chosen(CollapseResult result)
    {
        CollapseScore score = result.Rungs.First(rung => rung.Shock == result.Shock).Score;
        string found = score switch
        {
            { CollapsedAt: not null, Repeats: true } => "The first shock under which v1 collapses as described, its loss high and its samples repeating, is",
            { CollapsedAt: not null } => "Under no shock did v1 collapse with repeating samples. The first under which its loss rises and stays is",
            _ => "v1 collapsed under none of them. The hardest is",
        };
        return $"{found}: **{result.Shock!.Description}**. All arms are trained under it.";
    }

    private static string[] Row(int width, CollapseArm arm, CollapseCell[] cells)
    {
        CollapseScore[] scores = [.. cells.Select(cell => cell.Score)];
        return
        [
            Invariant($"{width}"),
            arm.Name,
            Invariant($"{scores.Count(score => score.CollapsedAt is not null)} of {cells.Length}"),
            Spread.Of(scores.Where(score => score.CollapsedAt is not null).Select(score => (double)score.CollapsedAt!), "0"),
            Spread.Of(scores.Select(score => score.FinalLoss)),
            Spread.Of(scores.Select(score => score.LowestLoss)),
            Rendering.Units.Percent(Spread.Median(cells.Select(cell => cell.Result.ClippedShare))),
            Spread.Of(scores.Select(score => score.Coherence), "0"),
            Spread.Of(scores.Select(score => score.Repetition)),
            InSome(cells.Select(cell => (double?)cell.Result.HaltedAt)),
            InSome(cells.Select(Warned)),
        ];
    }

    /// <summary>Steps of what some runs have, and how many have it: "1494 (1 of 5)".</summary>
    private static string InSome(IEnumerable<double?> steps)
    {
        double?[] all = [.. steps];
        double[] some = [.. all.OfType<double>()];
        string spread = Spread.Of(some, "0"), count = Invariant($"{some.Length} of {all.Length}");
        return some.Length == 0 ? spread : spread.EndsWith(')') ? $"{spread[..^1]}; {count})" : $"{spread} ({count})";
    }

    private static double? Warned(CollapseCell cell) =>
        cell.Result.Verdicts.FirstOrDefault(verdict => verdict.Kind == VerdictKind.RepetitionRising) is { } verdict ? verdict.Step : null;

    private static void Samples(LabTable table, CollapseResult result)
    {
        table.Paragraph("## Last samples").Paragraph(Invariant($"Of the widest model, seed 1; the first {SampleLength} characters that follow \"{CollapseData.Prompt}\"."));
        table.Table(["arm", "score", "text"], result.Cells
            .Where(cell => cell.Seed == 1 && cell.Width == result.Experiment.Widths[^1] && cell.Result.Samples.Count > 0)
            .Select(cell => (IReadOnlyList<string>)[cell.Arm.Name, Spread.Text(cell.Result.Samples[^1].Score.Total, "0"), Quote(cell.Result.Samples[^1].Text)]));
    }

    /// <summary>In one cell of a table, whatever it holds.</summary>
    private static string Quote(string text)
    {
        string line = Rendering.SafeText.OneLine(text[..Math.Min(SampleLength, text.Length)]).Replace('`', '\'').Replace('|', '/');
        return line.Length == 0 ? "(nothing: the model is not finite)" : $"`{line}`";
    }

    private static IEnumerable<string> Findings(CollapseResult result)
    {
        int[] widths = [.. result.Experiment.Widths];
        foreach (CollapseArm arm in CollapseArm.All)
        {
            CollapseCell[] cells = [.. result.Cells.Where(cell => cell.Arm == arm)];
            string[] parts = [.. widths.Select(width => Invariant($"{cells.Count(cell => cell.Width == width && cell.Score.CollapsedAt is not null)} of {cells.Count(cell => cell.Width == width)} at width {width}"))];
            yield return $"{arm.Name} collapsed in {string.Join(", ", parts)}.";
        }
        if (widths.Length > 1)
            yield return Brittleness(result, widths[0], widths[^1]);
        (string Name, double Loss)[] ranked = [.. CollapseArm.All
            .Select(arm => (arm.Name, Spread.Median(result.Cells.Where(cell => cell.Arm == arm && cell.Width == widths[^1]).Select(cell => cell.Score.FinalLoss))))
            .Where(pair => !double.IsNaN(pair.Item2)).OrderBy(pair => pair.Item2)];
        yield return $"Final loss at width {widths[^1]}, lowest first: {string.Join(", ", ranked.Select(pair => $"{pair.Name} {Spread.Text(pair.Loss)}"))}.";
    }

    /// <summary>v1's rise above its lowest loss, narrow against wide, with the same seeds.</summary>
    private static string Brittleness(CollapseResult result, int narrow, int wide)
    {
        double[] Rises(int width) => [.. result.Cells.Where(cell => cell.Width == width && cell.Arm.Name == CollapseArm.Unguarded)
            .OrderBy(cell => cell.Seed).Select(cell => cell.Score.FinalLoss - cell.Score.LowestLoss)];
        double[] small = Rises(narrow), large = Rises(wide);
        if (small.Length == 0 || small.Length != large.Length)
            return "Too few runs to say whether brittleness grows with width.";
        int more = small.Zip(large).Count(pair => !(pair.Second <= pair.First));
        string verdict = (more, small.Length) switch
        {
            (1, 1) => "it grows in the only seed, which is too few to tell",
            (0, 1) => "it does not grow in the only seed, which is too few to tell",
            (0, _) => "it does not grow in any seed",
            _ when more == small.Length => "it grows in every seed",
            _ => Invariant($"it grows in {more} of {small.Length} seeds"),
        };
        bool collapsed = result.Cells.Any(cell => cell.Arm.Name == CollapseArm.Unguarded && cell.Score.CollapsedAt is not null);
        string doubt = collapsed ? "" : " v1 collapsed at neither width, so these are no more than differences between runs that stood.";
        return $"Does brittleness grow with width? By v1's final loss above its lowest: {Spread.Of(small)} at width {narrow}, {Spread.Of(large)} at width {wide}: {verdict}.{doubt}";
    }
}
