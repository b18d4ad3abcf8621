using Andrea.Cli.Bench;
using Andrea.Cli.Rendering;
using Andrea.Clipping;
using Andrea.Monitoring;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Andrea.Tests.Cli;

public sealed class RenderingTests
{
    [Theory]
    [InlineData(0, "0 bytes")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(25232932864, "23.5 GiB")]
    public void Bytes_ForPeople(long bytes, string expected) => Assert.Equal(expected, Units.Bytes(bytes));

    [Theory]
    [InlineData(950, "950")]
    [InlineData(9999, "9999")]
    [InlineData(45_230, "45.2k")]
    [InlineData(98_698_752, "98.7M")]
    [InlineData(1.5e9, "1.5G")]
    public void Count_ForPeople(double count, string expected) => Assert.Equal(expected, Units.Count(count));

    [Theory]
    [InlineData(7, "0:07")]
    [InlineData(754, "12:34")]
    [InlineData(10_921, "3:02:01")]
    [InlineData(187_800, "2d 04:10")]
    public void Time_ForPeople(int seconds, string expected) => Assert.Equal(expected, Units.Time(TimeSpan.FromSeconds(seconds)));

    [Fact]
    public void Time_Unknown_IsAQuestionMark() => Assert.Equal("?", Units.Time(null));

    [Theory]
    [InlineData(4.45434, "4.4543")]
    [InlineData(0, "0.0000")]
    [InlineData(0.00012, "1.20e-4")]
    [InlineData(12345.6, "1.23e+4")]
    [InlineData(double.NaN, "NaN")]
    [InlineData(double.PositiveInfinity, "Inf")]
    [InlineData(double.NegativeInfinity, "-Inf")]
    public void Value_ForPeople(double value, string expected) => Assert.Equal(expected, Units.Value(value));

    [Theory]
    [InlineData(0, "0%")]
    [InlineData(0.004, "0.4%")]
    [InlineData(0.0999, "10%")]
    [InlineData(1, "100%")]
    public void Percent_ForPeople(double share, string expected) => Assert.Equal(expected, Units.Percent(share));

    [Fact]
    public void Meter_ReckonsSpeedAndRemainingTimeFromTheClock()
    {
        var clock = new FakeClock();
        var meter = new TrainingMeter(clock);
        TrainingStatus status = default;
        // A resumed run: 90 steps were done before.
        for (int step = 91; step <= 100; step++)
        {
            clock.Advance(TimeSpan.FromSeconds(2));
            status = meter.Add(Step(step, loss: 3));
        }
        Assert.Equal(384, status.TokensPerSecond);
        Assert.Equal(TimeSpan.FromSeconds(200), status.Remaining);
        Assert.Equal(3, status.Loss, precision: 12);
        Assert.Equal(0.25, status.ClipRate);
    }

    [Fact]
    public void Meter_RunLongerThanALifetime_HasNoRemainingTime()
    {
        var clock = new FakeClock();
        var meter = new TrainingMeter(clock);
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Null(meter.Add(Step(1, loss: 3, totalSteps: long.MaxValue)).Remaining);
    }

    [Fact]
    public void Meter_LossThatIsNotFinite_IsShownForItsStepOnly()
    {
        var meter = new TrainingMeter(new FakeClock());
        Assert.Equal(double.NaN, meter.Add(Step(1, double.NaN)).Loss);
        Assert.Equal(2, meter.Add(Step(2, 2)).Loss, precision: 12);
        Assert.Equal(double.NaN, meter.Add(Step(3, double.NaN)).Loss);
        Assert.Equal(double.PositiveInfinity, meter.Add(Step(4, double.PositiveInfinity)).Loss);
        Assert.Equal(2, meter.Add(Step(5, 2)).Loss, precision: 12);
    }

    [Fact]
    public void PlainLine_OfANaNLoss_SaysSo()
    {
        var output = new StringWriter();
        var lines = new PlainLines(output, new FakeClock(), every: 1);
        var meter = new TrainingMeter(new FakeClock());
        lines.Show(meter.Add(Step(1, 3)));
        lines.Show(meter.Add(Step(2, double.NaN)));
        Assert.Contains("step 2/200  loss NaN  norm", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Meter_StepsDroppedOnTheWay_CountForTheSpeed()
    {
        var clock = new FakeClock();
        var meter = new TrainingMeter(clock);
        meter.Add(Step(1, 3));
        clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(768, meter.Add(Step(10, 3)).TokensPerSecond);
    }

    [Fact]
    public void Meter_Loss_FollowsTheLastSteps()
    {
        var meter = new TrainingMeter(new FakeClock());
        for (int step = 1; step <= 200; step++)
            meter.Add(Step(step, 5));
        TrainingStatus status = default;
        for (int step = 201; step <= 300; step++)
            status = meter.Add(Step(step, 1));
        Assert.InRange(status.Loss, 1, 1.05);
    }

    [Fact]
    public void PlainLines_WritesFirstAndLastStepAndOneEveryFewSeconds()
    {
        var clock = new FakeClock();
        var output = new StringWriter();
        var lines = new PlainLines(output, clock);
        var meter = new TrainingMeter(clock);
        for (int step = 1; step <= 10; step++)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            lines.Show(meter.Add(Step(step, 3, totalSteps: 10)));
        }
        Assert.Equal(["step 1/10", "step 6/10", "step 10/10"], StepsIn(output));
    }

    [Fact]
    public void PlainLines_EveryNSteps_WritesThose()
    {
        var output = new StringWriter();
        var clock = new FakeClock();
        var lines = new PlainLines(output, clock, every: 4);
        var meter = new TrainingMeter(clock);
        for (int step = 1; step <= 10; step++)
            lines.Show(meter.Add(Step(step, 3, totalSteps: 10)));
        Assert.Equal(["step 1/10", "step 4/10", "step 8/10", "step 10/10"], StepsIn(output));
    }

    [Fact]
    public void PlainLine_HasAllNumbers()
    {
        var output = new StringWriter();
        var clock = new FakeClock();
        var meter = new TrainingMeter(clock);
        clock.Advance(TimeSpan.FromSeconds(0.5));
        new PlainLines(output, clock).Show(meter.Add(Step(1, 3.25)));
        Assert.Equal("step 1/200  loss 3.2500  norm 3.5000 -> 1.0000  clip 25%  lr 1.00e-3  1536 tok/s  ETA 1:39\n", output.ToString().ReplaceLineEndings("\n"));
    }

    [Fact]
    public void Numbers_SkippedSteps_AreNamed()
    {
        StepRecord step = Step(1, 3);
        TrainingStatus status = new TrainingMeter(new FakeClock()).Add(step with { Clip = step.Clip with { SkippedCalls = 2 } });
        Assert.Contains("clip 25%  skipped 2  lr", status.Numbers(), StringComparison.Ordinal);
        Assert.EndsWith("ETA ?", status.Numbers(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(120, "loss 2.5000  norm 3.5000 -> 1.0000  clip 25%  lr 1.00e-3  768 tok/s  ETA 3:19")]
    [InlineData(79, "loss 2.5000  norm 3.5000 -> 1.0000  clip 25%  768 tok/s  ETA 3:19")]
    [InlineData(70, "loss 2.5000  norm 3.5000  clip 25%  768 tok/s  ETA 3:19")]
    [InlineData(30, "loss 2.5000  norm 3.5000")]
    [InlineData(7, "loss 2.")]
    public void Numbers_InLessRoom_LoseWhatMattersLeast(int width, string expected)
    {
        var clock = new FakeClock();
        var meter = new TrainingMeter(clock);
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(expected, meter.Add(Step(1, 2.5)).Numbers(width));
    }

    [Fact]
    public void Numbers_AtTheirLongest_FitEveryWidth()
    {
        TrainingStatus status = new TrainingMeter(new FakeClock()).Add(Step(1, 3)) with
        {
            Step = 9_999_999, TotalSteps = 10_000_000, Loss = 12345.6, NormBefore = 1.5e-12, NormAfter = 1.5e-12, ClipRate = 1,
            SkippedSteps = 123_456, LearningRate = 1e-10, TokensPerSecond = 123_456, Remaining = TimeSpan.FromDays(12.3),
        };
        for (int width = 1; width <= 130; width++)
            Assert.InRange(status.Numbers(width).Length, 1, width);
        Assert.Contains("ETA 12d 07:12", status.Numbers(79), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ProgressView_NoteTakesThePlaceOfTheWholeStatus_WhichIsDrawnBelowIt()
    {
        var output = new StringWriter();
        var view = new ProgressView(Terminal(output), new FakeClock());
        view.Note("before");
        await view.ShowAsync(() =>
        {
            view.Show(new TrainingMeter(new FakeClock()).Add(Step(50, 2.5)));
            view.Note("a note");
            view.Sample("[a sample]\n\u001b[2J");
            return Task.CompletedTask;
        });
        const string Erase = "\r \u001b[J\r", ToBar = "\r\u001b[1A";
        string status = new string('\u2501', 5) + new string('\u2500', 15) + " 50/200  lr 1.00e-3\nloss 2.5000  norm 3.5000";
        Assert.Equal(
            "before\n" + Erase + status + ToBar + Erase + "a note\n" + status + ToBar + Erase + "[a sample]\n\uFFFD[2J\n" + status + ToBar
            + Erase + status + "\n",
            output.ToString().Replace("\r\n", "\n", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Views_WhenNobodyCanSeeThem_LetTheRunGoOn()
    {
        TrainingStatus status = new TrainingMeter(new FakeClock()).Add(Step(1, 3));
        foreach (ITrainingView view in (ITrainingView[])[
            new ProgressView(Terminal(new ClosedWriter()), new FakeClock()), new PlainLines(new ClosedWriter(), new FakeClock())])
        {
            bool done = false;
            await view.ShowAsync(() =>
            {
                view.Show(status);
                view.Note("a note");
                done = true;
                return Task.CompletedTask;
            });
            Assert.True(done);
        }
    }

    [Theory]
    [InlineData(0, "-------------------- 0/200")]
    [InlineData(100, "==========---------- 100/200")]
    [InlineData(200, "==================== 200/200")]
    public void ProgressBar_IsAsLongAsTheWorkDone(int step, string expected)
    {
        TrainingStatus status = new TrainingMeter(new FakeClock()).Add(Step(1, 3)) with { Step = step };
        var lines = new StatusLines();
        lines.Add(status);
        Segment[] bar = lines.Render(width: 22 + $" {step}/200".Length - 1, height: 24, unicode: false)[0];
        Assert.Equal(expected, string.Concat(bar.Select(segment => segment.Text)));
    }

    [Fact]
    public void Observer_TellsOfEverything()
    {
        var output = new StringWriter();
        var observer = new TrainingObserver(new PlainLines(output, new FakeClock()), new TrainingMeter(new FakeClock()));
        StepRecord step = Step(7, double.NaN);
        observer.OnStep(step with
        {
            Clip = step.Clip with { SkipReason = SkipReason.NonFiniteGradients, NonFiniteCount = 3, FirstBadTensor = "h.0.mlp", FirstBadIndex = 12 },
        });
        observer.OnEvaluation(new EvaluationRecord(8, 1.5, Best: true));
        observer.OnEvaluation(new EvaluationRecord(9, 2.5, Best: false));
        observer.OnSample(new SampleRecord(10, "Once"));
        observer.OnCheckpoint(new CheckpointRecord(11, "runs/a"));
        string[] lines = [.. output.ToString().ReplaceLineEndings("\n").Split('\n').Where(line => !line.Contains("tok/s", StringComparison.Ordinal))];
        Assert.Equal(
            [
                "step 7: skipped, 3 gradients are not finite, the first in h.0.mlp[12]",
                "step 8: validation loss 1.5000, the best so far",
                "step 9: validation loss 2.5000", "step 10: sample", "Once", "step 11: checkpoint runs/a", "",
            ],
            lines);
    }

    [Theory]
    [InlineData("plain\n\ttext", "plain\n\ttext")]
    [InlineData("\u001b[31mred", "\uFFFD[31mred")]
    [InlineData("bell\a", "bell\uFFFD")]
    public void SafeText_HasNoControlCharacters(string text, string expected) => Assert.Equal(expected, SafeText.ForTerminal(text));

    [Fact]
    public void BenchTable_AlignsColumnsAndLeavesEmptyOnesOut()
    {
        var report = new BenchReport
        {
            Benchmark = "step",
            Preset = "tiny",
            Parameters = 119_168,
            Batch = 2,
            Context = 64,
            Repetitions = 3,
            Device = "CPU, 2 threads",
            Processor = "Wide Core",
            AndreaVersion = "0.1.0",
            Results = [new("step", 12.25, 11, GigaflopsPerSecond: 20.5, TokensPerSecond: 10449), new("AdamW", 0.5, 0.25, Share: 0.04)],
        };
        var output = new StringWriter();
        BenchTable.Write(report, output);
        string[] expected =
        [
            "step of tiny: 119,168 parameters, batch 2 x 64 tokens, 3 repetitions",
            "CPU, 2 threads; Wide Core",
            "",
            "       median ms  min ms  share  GFLOP/s  tokens/s",
            "step        12.3    11.0            20.5     10449",
            "AdamW      0.500   0.250   4.0%",
            "",
        ];
        Assert.Equal(expected, output.ToString().ReplaceLineEndings("\n").Split('\n'));
    }

    private static StepRecord Step(long step, double loss, long totalSteps = 200) => new()
    {
        Step = step,
        TotalSteps = totalSteps,
        Loss = loss,
        Clip = new ClipResult { Call = 4, NormBefore = 3.5, NormAfter = 1, Coefficient = 1 / 3.5, MaxMagnitude = 0.5, ClippedCalls = 1, SkippedCalls = 0 },
        LearningRate = 1e-3,
        Tokens = 768,
        Duration = TimeSpan.FromMilliseconds(20),
    };

    private static string[] StepsIn(StringWriter output) =>
        [.. output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split("  ")[0])];

    private static IAnsiConsole Terminal(TextWriter output)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(output),
            Ansi = AnsiSupport.Yes,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.Yes,
        });
        console.Profile.Width = 40;
        console.Profile.Capabilities.Unicode = true;
        return console;
    }

    /// <summary>Standard output after its terminal was closed.</summary>
    private sealed class ClosedWriter : StringWriter
    {
        public override void Write(char value) => throw new IOException("closed", 5);

        public override void Write(string? value) => throw new IOException("closed", 5);

        public override void WriteLine(string? value) => throw new IOException("closed", 5);
    }
}
