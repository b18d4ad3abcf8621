using Andrea.Cli.Rendering;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Andrea.Tests.Cli;

public sealed class StatusLinesTests
{
    [Fact]
    public void Sparkline_Linear_HeightsFollowTheValues()
    {
        double[] values = [0, 1, 2, 3, 4, 5, 6, 7, 8];
        Assert.Equal("▁▂▃▄▅▆▇██", Sparkline.Of(values, logarithmic: false, unicode: true));
        Assert.Equal("_.-=+*%##", Sparkline.Of(values, logarithmic: false, unicode: false));
    }

    [Fact]
    public void Sparkline_Logarithmic_EqualFactorsAreEqualSteps()
    {
        double[] values = [1e-3, 1e-2, 1e-1, 1, 10, 100, 1e3, 1e4, 0];
        Assert.Equal("▁▂▃▄▅▆▇█▁", Sparkline.Of(values, logarithmic: true, unicode: true));
    }

    [Fact]
    public void Sparkline_NotFinite_IsASignOfItsOwnAndLeavesTheScaleAlone()
    {
        double[] values = [0, double.NaN, 8, double.PositiveInfinity, double.NegativeInfinity, 4];
        Assert.Equal("▁!█!!▅", Sparkline.Of(values, logarithmic: false, unicode: true));
        Assert.Equal("_!#!!+", Sparkline.Of(values, logarithmic: false, unicode: false));
        Assert.Equal((0, 8), Sparkline.Range(values, logarithmic: false));
        Assert.Equal("!!", Sparkline.Of([double.NaN, double.NaN], logarithmic: true, unicode: true));
    }

    [Fact]
    public void Sparkline_OfEqualOrExtremeValues_IsDrawn()
    {
        Assert.Equal("▅▅", Sparkline.Of([3, 3], logarithmic: false, unicode: true));
        Assert.Equal("▁█", Sparkline.Of([-double.MaxValue, double.MaxValue], logarithmic: false, unicode: true));
        Assert.Equal("▁▁", Sparkline.Of([0, 0], logarithmic: true, unicode: true));
        Assert.Equal("▁█", Sparkline.Of([double.Epsilon, double.MaxValue], logarithmic: true, unicode: true));
    }

    [Fact]
    public void Curve_OfMoreValuesThanPlaces_KeepsMeansAndPeaksOfAll()
    {
        const int Values = (16 * Curve.Capacity) + 5;
        Curve means = new(keepsPeaks: false), peaks = new(keepsPeaks: true);
        for (int i = 0; i < Values; i++)
        {
            means.Add(i);
            peaks.Add(i == 700 ? 1e6 : 1);
        }
        Assert.InRange(means.Count, 2, Curve.Capacity);
        Assert.Equal((Values - 1) / 2.0, means.InColumns(1)[0], precision: 6);
        double[] columns = means.InColumns(8);
        Assert.Equal(columns.Order(), columns);
        Assert.Equal(Values / 16.0, columns[0], tolerance: 40);
        double[] spiky = peaks.InColumns(10);
        Assert.Equal([1e6, 1, 1, 1, 1, 1, 1, 1, 1, 1], spiky);
    }

    [Fact]
    public void Curve_NotFinite_MarksItsColumnOnly()
    {
        Curve curve = new(keepsPeaks: false);
        for (int i = 0; i < 10 * Curve.Capacity; i++)
            curve.Add(i == 0 ? double.NaN : i == 5000 ? double.PositiveInfinity : 1);
        double[] columns = curve.InColumns(20);
        Assert.Equal(2, columns.Count(double.IsNaN));
        Assert.True(double.IsNaN(columns[0]));
        Assert.True(double.IsNaN(columns[19]));
    }

    [Fact]
    public void Lines_At80Columns()
    {
        Assert.Equal(
            [
                "━━━━━━────────────────────────────────────────────────────── 20/200  lr 1.00e-3",
                "loss 1.0500  norm 0.5000 -> 0.5000  clip 25%  0 tok/s  ETA ?",
                "loss  ███▇▇▆▆▆▅!▄▄▃▃▃▂▂▁▁▁  1.0500..2.0000",
                "norm  ▁▁▁▁▁▁▁▁▁▁▁▁█▁▁▁▁▁▁▁  0.5000..50.0000",
                "worst h.1.mlp 64% of norm  wte update/weight 2.00e-2",
                "spike step 13: norm spikes to 50.0000",
                "alarm Dead tensor at step 9: Begin all anew.",
            ],
            Lines(80));
    }

    [Fact]
    public void Lines_At40And20Columns_LoseTheEnds()
    {
        Assert.Equal(
            [
                "━━─────────────────── 20/200  lr 1.00e-3",
                "loss 1.0500  norm 0.5000",
                "loss  ███▇▇▆▆▆▅!▄▄▃▃▃▂▂▁▁▁",
                "norm  ▁▁▁▁▁▁▁▁▁▁▁▁█▁▁▁▁▁▁▁",
                "worst h.1.mlp 64% of norm",
                "spike step 13: norm spikes to 50.0000",
                "alarm Dead tensor at step 9: Begin all",
                "      anew.",
            ],
            Lines(41));
        string[] narrow = Lines(20);
        Assert.Equal(9, narrow.Length);
        Assert.Equal("loss  █▇▆▆!▄▃▃▃▂▁▁▁".Length, narrow[2].Length);
        Assert.Contains('!', narrow[2]);
        Assert.Contains('█', narrow[3]);
        Assert.Equal(["spike step 13: norm", "      spikes to 50…", "alarm Dead tensor", "      at step 9: B…"], narrow[5..]);
    }

    [Fact]
    public void Lines_WithoutUnicode_AreAscii()
    {
        string[] lines = Lines(80, unicode: false);
        Assert.All(lines, line => Assert.All(line, character => Assert.InRange(character, ' ', '~')));
        Assert.Equal("norm  ____________#_______  0.5000..50.0000", lines[3]);
        Assert.Equal("      spikes to...", Lines(20, unicode: false)[6]);
    }

    [Fact]
    public void Lines_AtEveryWidth_AreNarrowerThanTheTerminal()
    {
        for (int width = 1; width <= 130; width++)
            Assert.All(Lines(width), line => Assert.InRange(line.Length, 1, Math.Max(1, width - 1)));
    }

    [Theory]
    [InlineData(24, 7)]
    [InlineData(8, 7)]
    [InlineData(7, 6)]
    [InlineData(4, 3)]
    [InlineData(3, 2)]
    [InlineData(0, 2)]
    public void Lines_OnALowScreen_LoseWhatMattersLeast(int height, int expected)
    {
        string[] lines = Lines(80, height: height);
        Assert.Equal(expected, lines.Length);
        Assert.Equal(expected > 2, lines[^1].StartsWith("alarm ", StringComparison.Ordinal));
        Assert.Equal(expected > 6, lines.Any(line => line.StartsWith("loss  █", StringComparison.Ordinal)));
    }

    [Fact]
    public void Lines_OnALowScreen_LoseTheEndOfATextFirst()
    {
        Assert.Equal(
            ["━━─────────────────── 20/200  lr 1.00e-3", "loss 1.0500  norm 0.5000", "norm  ▁▁▁▁▁▁▁▁▁▁▁▁█▁▁▁▁▁▁▁", "worst h.1.mlp 64% of norm",
                "spike step 13: norm spikes to 50.0000", "alarm Dead tensor at step 9: Begin all"],
            Lines(41, height: 7));
    }

    [Fact]
    public void Numbers_NotFinite_AreRed()
    {
        var lines = new StatusLines();
        lines.Add(Status(1, loss: double.NaN, norm: double.PositiveInfinity));
        Segment[] numbers = lines.Render(80, 24, unicode: true)[1];
        Assert.Equal("loss NaN  norm Inf -> Inf  clip 25%  0 tok/s  ETA ?", string.Concat(numbers.Select(segment => segment.Text)));
        Assert.Equal(["loss NaN", "Inf", "Inf"], numbers.Where(segment => segment.Style.Foreground == Color.Red).Select(segment => segment.Text));
        lines.Add(Status(2, loss: 3, norm: 2));
        Assert.DoesNotContain(lines.Render(80, 24, unicode: true)[1], segment => segment.Style.Foreground == Color.Red);
    }

    [Theory]
    [InlineData("", 10, "")]
    [InlineData("one two", 8, "one two")]
    [InlineData("one two three", 8, "one two|three")]
    [InlineData("averylongword of it", 8, "averylongword|of it")]
    [InlineData("one /a/very/long/path", 8, "one|/a/very/long/path")]
    [InlineData("a", 1, "a")]
    public void Note_BreaksBetweenWordsOnly(string text, int width, string expected) =>
        Assert.Equal(expected.Split('|'), Wrapping.Note(text, width));

    [Fact]
    public void Note_At80Columns_IndentsAllLinesButTheFirst()
    {
        string text = string.Join(' ', Enumerable.Range(0, 100).Select(i => new string('x', 1 + (i % 11))));
        string[] lines = [.. Wrapping.Note(text, 80)];
        Assert.All(lines, line => Assert.InRange(line.Length, 1, 79));
        Assert.All(lines[1..], line => Assert.StartsWith("  x", line, StringComparison.Ordinal));
        Assert.Equal(text, string.Join(' ', lines.Select(line => line.TrimStart())));
    }

    [Fact]
    public void Lines_OfTheFirstStep_HaveNoCourseYet()
    {
        var lines = new StatusLines();
        Assert.Empty(lines.Render(80, 24, unicode: true));
        lines.Add(Status(1, loss: 3, norm: 1) with { Worst = default });
        Assert.Equal(2, lines.Render(80, 24, unicode: true).Count);
    }

    [Fact]
    public async Task ProgressView_WithAllLines_GoesBackToTheBar()
    {
        var output = new StringWriter();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(output), Ansi = AnsiSupport.Yes, ColorSystem = ColorSystemSupport.NoColors, Interactive = InteractionSupport.Yes,
        });
        console.Profile.Width = 80;
        console.Profile.Height = 24;
        console.Profile.Capabilities.Unicode = true;
        var view = new ProgressView(console, new FakeClock(), blocks: false);
        await view.ShowAsync(() =>
        {
            view.Show(Status(1, loss: 3, norm: 1) with { Worst = default });
            view.Verdict("Dead tensor at step 1", "one\nand two.", "Do this.");
            view.Spike("step 2: a spike");
            view.Show(Status(200, loss: 2, norm: double.NaN) with { Worst = default });
            return Task.CompletedTask;
        });
        string[] drawings = output.ToString().Replace("\r\n", "\n", StringComparison.Ordinal).Split("\r \u001b[J\r");
        Assert.Equal(5, drawings.Length);
        Assert.EndsWith("\r\u001b[1A", drawings[1], StringComparison.Ordinal);
        Assert.StartsWith("Dead tensor at step 1: one and two.\nWhat helps: Do this.\n-", drawings[2], StringComparison.Ordinal);
        Assert.EndsWith("\nalarm Dead tensor at step 1: Do this.\r\u001b[2A", drawings[2], StringComparison.Ordinal);
        // A spike leaves the verdict in its place.
        Assert.EndsWith("\nspike step 2: a spike\nalarm Dead tensor at step 1: Do this.\r\u001b[5A", drawings[3], StringComparison.Ordinal);
        Assert.Contains("\nnorm  +!", drawings[3], StringComparison.Ordinal);
        Assert.EndsWith("\nalarm Dead tensor at step 1: Do this.\n", drawings[4], StringComparison.Ordinal);
        // Erasing from the first cell on would push the screen into tmux's history, several times a second.
        Assert.DoesNotContain("\r\u001b[J", output.ToString(), StringComparison.Ordinal);
    }

    private static string[] Lines(int width, int height = 24, bool unicode = true)
    {
        var lines = new StatusLines { Spike = "step 13: norm spikes to 50.0000", Alarm = "Dead tensor at step 9: Begin all anew." };
        for (int step = 1; step <= 20; step++)
            lines.Add(Status(step, loss: step == 10 ? double.NaN : 2.05 - (0.05 * step), norm: step == 13 ? 50 : 0.5));
        return [.. lines.Render(width, height, unicode).Select(line => string.Concat(line.Select(segment => segment.Text)))];
    }

    private static TrainingStatus Status(long step, double loss, double norm) => new()
    {
        Step = step,
        TotalSteps = 200,
        Loss = loss,
        StepLoss = loss,
        NormBefore = norm,
        NormAfter = norm,
        ClipRate = 0.25,
        SkippedSteps = 0,
        LearningRate = 1e-3,
        TokensPerSecond = 0,
        Remaining = null,
        Worst = new WorstLayers { Largest = "h.1.mlp", LargestShare = 0.64, Fastest = "wte", FastestRatio = 0.02 },
    };
}
