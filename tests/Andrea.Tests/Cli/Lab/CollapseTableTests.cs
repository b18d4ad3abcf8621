using System.Text.RegularExpressions;
using Andrea.Cli.Lab.Collapse;
using Andrea.Cli.Lab.Runs;
using Andrea.Clipping;
using Andrea.Data;
using Andrea.Gpt;
using Andrea.Monitoring;
using Andrea.Training;

namespace Andrea.Tests.Cli.Lab;

/// <summary>What the table says of runs that are made up.</summary>
public class CollapseTableTests
{
    // Stays, rises without repeating itself, rises and repeats itself.
    private static readonly double[] Calm = [3, 2, 2, 2, 2], High = [3, 2, 3, 3, 3];

    private static readonly LabArm Nobody = new(
        "nobody", new GptConfig { VocabularySize = 1, ContextLength = 1, ChannelCount = 1, HeadCount = 1, LayerCount = 1 }, TokenDataset.FromText("abcdefghij", "char"), new TrainerOptions());

    [Fact]
    public void Rung_Chosen_IsTheFirstWithACollapseAsDescribed()
    {
        CollapseRung calm = Rung(1, Calm, 0.9), high = Rung(2, High, 0.1), repeating = Rung(3, High, 0.9), later = Rung(4, High, 0.9);
        Assert.Same(repeating, CollapseExperiment.Choose([calm, high, repeating, later]));
        Assert.Same(high, CollapseExperiment.Choose([calm, high, Rung(5, High, 0.1)]));
        Assert.Same(calm, CollapseExperiment.Choose([Rung(6, Calm, 0.1), calm]));
        Assert.Contains("as described, its loss high and its samples repeating, is: **own text, gradients x 3**", Table(Widths(Calm, High), [high, repeating], repeating), StringComparison.Ordinal);
        Assert.Contains("The first under which its loss rises and stays is: **own text, gradients x 2**", Table(Widths(Calm, High), [calm, high], high), StringComparison.Ordinal);
        Assert.Contains("v1 collapsed under none of them. The hardest is: **own text, gradients x 1", Table(Widths(Calm, Calm), [Rung(0.5, Calm, 0), Rung(1.5, Calm, 0)], null), StringComparison.Ordinal);
    }

    [Fact]
    public void Row_OfAnArm_SaysWhatItsRunsCameTo()
    {
        CollapseCell[] cells =
        [
            Cell(128, CollapseArm.Unguarded, 1, Result(High, 0.8, clipped: 3, haltedAt: 40, 1, (VerdictKind.StalledLoss, 10), (VerdictKind.RepetitionRising, 30), (VerdictKind.RepetitionRising, 50))),
            Cell(128, CollapseArm.Unguarded, 2, Result([3, 2, 2, 2, 2.5], 0.4, clipped: 1, haltedAt: null, 1, (VerdictKind.StalledLoss, 20))),
        ];
        string row = Table(cells).Split('\n').Single(line => line.StartsWith("| 128 ", StringComparison.Ordinal));
        Assert.Equal(
            ["128", "v1", "1 of 2", "30", "2.75 (2.50 to 3.00)", "2.00", "50%", "42 (28 to 56)", "0.60 (0.40 to 0.80)", "40 (1 of 2)", "30 (1 of 2)"],
            row.Trim('|').Split('|').Select(cell => cell.Trim()));
    }

    [Fact]
    public void Table_OfTwoWidths_KeepsThemApartAndRanksFinalLosses()
    {
        CollapseCell[] cells =
        [
            Cell(64, "clip", 1, Result([3, 1.5], 0.1, clipped: 2)), Cell(128, "clip", 1, Result([3, 1], 0.2)),
            Cell(64, CollapseArm.Unguarded, 1, Result(Calm, 0.3, clipped: 4)),
            Cell(128, CollapseArm.Unguarded, 1, Result(High, 0.8, haltedAt: 40, verdicts: (VerdictKind.RepetitionRising, 30))),
            Cell(128, CollapseArm.Unguarded, 2, Result(High, 0.8, haltedAt: 60, verdicts: (VerdictKind.RepetitionRising, 20))),
            Cell(128, CollapseArm.Unguarded, 3, Result(High, 0.8)),
        ];
        string table = Table(cells);
        Assert.Equal(
            [
                "| 64 | v1 | 0 of 1 | - | 2.00 | 2.00 | 100% | 63 | 0.30 | - | - |",
                "| 64 | clip | 0 of 1 | - | 1.50 | 1.50 | 50% | 77 | 0.10 | - | - |",
                "| 128 | v1 | 3 of 3 | 30 | 3.00 | 2.00 | 0% | 28 | 0.80 | 50 (40 to 60; 2 of 3) | 25 (20 to 30; 2 of 3) |",
                "| 128 | clip | 0 of 1 | - | 1.00 | 1.00 | 0% | 70 | 0.20 | - | - |",
            ],
            table.Split('\n').Select(line => Regex.Replace(line, " +", " ")).Where(line => Regex.IsMatch(line, @"^\| (64|128) ")));
        Assert.Contains("- Final loss at width 128, lowest first: clip 1.00, v1 3.00.\n", table, StringComparison.Ordinal);
        Assert.Contains("- v1 collapsed in 0 of 1 at width 64, 3 of 3 at width 128.\n", table, StringComparison.Ordinal);

        // The norms of the runs are 1, 1, 1 and 4.
        string rung = Table(cells, [new CollapseRung(new CollapseShock(ShockText.Own, 3), Result(High, 0.8, lastNorm: 4))], null)
            .Split('\n').Single(line => line.StartsWith("| own text, gradients x 3 ", StringComparison.Ordinal));
        Assert.Equal("| own text, gradients x 3 | 4.0 | 30 | 2.000 | 3.000 | 28 | 0.80 |", Regex.Replace(rung, " +", " "));
    }

    [Theory]
    [InlineData(2, 2, "0.00 at width 64, 1.00 at width 128: it grows in every seed.")]
    [InlineData(2, 1, "it grows in 1 of 2 seeds.")]
    [InlineData(2, 0, "it does not grow in any seed.")]
    [InlineData(1, 1, "it grows in the only seed, which is too few to tell.")]
    [InlineData(1, 0, "it does not grow in the only seed, which is too few to tell.")]
    public void Brittleness_OfV1_IsComparedSeedBySeed(int seeds, int growing, string verdict)
    {
        // Where it does not grow, the narrow model is the one that collapses.
        CollapseCell[] cells = [.. Enumerable.Range(1, seeds).SelectMany(seed => seed <= growing ? Widths(Calm, High, seed) : Widths(High, Calm, seed))];
        string table = Table(cells);
        Assert.Contains(verdict + "\n", table, StringComparison.Ordinal);
        Assert.Contains($"- v1 collapsed in {seeds - growing} of {seeds} at width 64, {growing} of {seeds} at width 128.", table, StringComparison.Ordinal);
    }

    [Fact]
    public void Brittleness_WhereV1CollapsedNowhere_IsSaidToTellLittle()
    {
        string table = Table(Widths(Calm, [3, 2, 2, 2, 2.25]));
        Assert.Contains("it grows in the only seed, which is too few to tell. v1 collapsed at neither width, so ", table, StringComparison.Ordinal);
        Assert.DoesNotContain("at neither width", Table(Widths(Calm, High)), StringComparison.Ordinal);
        Assert.Contains("Too few runs to say whether brittleness grows with width.", Table([.. Widths(Calm, High).Take(1)]), StringComparison.Ordinal);
    }

    private static CollapseCell[] Widths(double[] narrow, double[] wide, int seed = 1) =>
        [Cell(64, CollapseArm.Unguarded, seed, Result(narrow, 0)), Cell(128, CollapseArm.Unguarded, seed, Result(wide, 0))];

    private static CollapseCell Cell(int width, string arm, int seed, LabResult result) =>
        new(width, CollapseArm.All.Single(item => item.Name == arm), (ulong)seed, result);

    private static CollapseRung Rung(double scale, double[] losses, double repetition) => new(new CollapseShock(ShockText.Own, scale), Result(losses, repetition));

    private static string Table(CollapseCell[] cells) => Table(cells, [Rung(2, High, 0.9)], null);

    private static string Table(CollapseCell[] cells, CollapseRung[] rungs, CollapseRung? chosen) =>
        CollapseTable.Of(new CollapseResult(new CollapseExperiment(), rungs, (chosen ?? rungs[^1]).Shock, cells));

    /// <summary>Four steps, and the losses measured at steps 10, 20, ...</summary>
    private static LabResult Result(double[] losses, double repetition, int clipped = 0, long? haltedAt = null, double lastNorm = 1, params (VerdictKind Kind, long Step)[] verdicts)
    {
        var result = new LabResult(Nobody)
        {
            HaltedAt = haltedAt,
            Verdicts = [.. verdicts.Select(verdict => new Verdict { Kind = verdict.Kind, Step = verdict.Step, Since = verdict.Step, Summary = "", Remedy = "" })],
        };
        for (int step = 1; step <= 4; step++)
        {
            result.OnStep(new StepRecord
            {
                Step = step, TotalSteps = 4, Loss = 1, LearningRate = 1, Tokens = 1, Duration = default,
                Clip = new ClipResult { Call = step, NormBefore = step == 4 ? lastNorm : 1, NormAfter = 1, Coefficient = step <= clipped ? 0.5 : 1, MaxMagnitude = 1, ClippedCalls = 0, SkippedCalls = 0 },
            });
        }
        for (int i = 0; i < losses.Length; i++)
            result.OnEvaluation(new EvaluationRecord(10 * (i + 1), losses[i], Best: false));
        double different = 35 * (1 - repetition);
        result.OnCoherence(new CoherenceRecord(10, new CoherenceScore(different, different, 8, 6), 0, "text"));
        return result;
    }
}
