using System.Globalization;
using Andrea.Monitoring;
using Andrea.Monitoring.Sinks;
using Andrea.Tests.Cpu;
using Andrea.Tests.Support;

namespace Andrea.Tests.Monitoring.Sinks;

/// <summary><see cref="CsvFile"/>, <see cref="LogLines"/> and <see cref="ConsoleTable"/>, in a language that writes 1.234,5.</summary>
public sealed class TextFileTests : IDisposable
{
    private readonly CultureInfo _before = CultureInfo.CurrentCulture;
    private readonly TemporaryFolder _folder = new();

    public TextFileTests()
    {
        // As de-DE and sv-SE; made by hand, since the tests run without ICU's cultures.
        var culture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        culture.NumberFormat.NumberDecimalSeparator = ",";
        culture.NumberFormat.NumberGroupSeparator = ".";
        culture.NumberFormat.NegativeSign = "\u2212";
        culture.NumberFormat.PositiveInfinitySymbol = "\u221e";
        culture.NumberFormat.NaNSymbol = "keine Zahl";
        CultureInfo.CurrentCulture = culture;
    }

    public void Dispose()
    {
        CultureInfo.CurrentCulture = _before;
        _folder.Dispose();
    }

    [Fact]
    public void Csv_StepsAndMeasurements_StandInOneTable()
    {
        using (CsvFile file = NewCsv())
        {
            file.OnStep(TestRecords.Step(1));
            file.OnStep(TestRecords.SkippedStep(2));
            file.OnEvaluation(new EvaluationRecord(2, 1.5, Best: true));
        }
        Assert.Equal(
            """
            step,loss,norm,normAfter,coefficient,clipRate,skipped,lr,tokens,ms,validationLoss
            1,3.5,4.25,1,0.25,1,false,0.0003,768,12.5,
            2,NaN,Infinity,NaN,0,0,true,0.0003,768,12.5,
            2,,,,,,,,,,1.5

            """,
            Read("metrics.csv"));
        Assert.False(File.Exists(_folder["gradients.csv"]));
    }

    [Fact]
    public void Csv_Gradients_HaveAColumnForEachTensorWithItsNameQuoted()
    {
        using (CsvFile file = NewCsv())
        {
            GradientRecord record = TestRecords.Gradients(1);
            record.Places[1] = record.Places[1] with { Norm = double.NaN };
            record.Places[2] = record.Places[2] with { Norm = 1.0 / 3 };
            file.OnGradients(record);
        }
        Assert.Equal("step,wte,h.0.attn,\"h.1.\"\"mlp\"\", a\"\n1,10,NaN,0.333333333\n", Read("gradients.csv"));
    }

    [Fact]
    public void Csv_Resumed_LosesLaterRowsAndKeepsOneHeader()
    {
        using (CsvFile file = NewCsv())
            for (long step = 1; step <= 4; step++)
                Tell(file, step);
        string[] before = File.ReadAllLines(_folder["metrics.csv"]);
        // As a crash leaves it: 2 could be the beginning of 27.
        File.AppendAllText(_folder["metrics.csv"], "2");
        File.AppendAllText(_folder["gradients.csv"], "2,20");
        using (CsvFile file = NewCsv())
        {
            file.DropAfter(2);
            Tell(file, 3);
        }
        Assert.Equal(before[..4], File.ReadAllLines(_folder["metrics.csv"]));
        string[] gradients = File.ReadAllLines(_folder["gradients.csv"]);
        Assert.Equal(["step", "1", "2", "3"], gradients.Select(line => line.Split(',')[0]));
        using (CsvFile file = NewCsv())
        {
            file.DropAfter(-1);
            Tell(file, 1);
        }
        Assert.Equal(before[..2], File.ReadAllLines(_folder["metrics.csv"]));
    }

    [Fact]
    public void Csv_ResumedWithOtherTensors_GoesOnInAFileOfTheirOwn()
    {
        MonitoredTensor a = new("a", 4, null), b = new("b", 4, 0);
        using (CsvFile file = NewCsv())
        {
            file.OnGradients(TestRecords.Gradients(1, tensors: [a, b]));
            file.OnGradients(TestRecords.Gradients(2, tensors: [a, b]));
        }
        using (CsvFile file = NewCsv())
        {
            file.DropAfter(1);
            file.OnGradients(TestRecords.Gradients(2, tensors: [b]));
            file.OnGradients(TestRecords.Gradients(3, tensors: [b]));
        }
        Assert.Equal("step,a,b\n1,10,11\n", Read("gradients.csv"));
        Assert.Equal("step,b\n2,20\n3,30\n", Read("gradients-2.csv"));
        using (CsvFile file = NewCsv())
        {
            file.DropAfter(2);
            file.OnGradients(TestRecords.Gradients(3, tensors: [b]));
            // Within a run, too.
            file.OnGradients(TestRecords.Gradients(4, tensors: [a]));
            file.OnGradients(TestRecords.Gradients(5, tensors: [a, b]));
        }
        Assert.Equal("step,a,b\n1,10,11\n5,50,51\n", Read("gradients.csv"));
        Assert.Equal("step,b\n2,20\n3,30\n", Read("gradients-2.csv"));
        Assert.Equal("step,a\n4,40\n", Read("gradients-3.csv"));
    }

    [Theory]
    [InlineData("metrics.jsonl")]
    [InlineData("gradients.jsonl")]
    [InlineData("metrics.csv")]
    [InlineData("gradients.csv")]
    [InlineData("main.log")]
    public void CutLastLine_IsEndedBeforeTheNextRecord(string name)
    {
        void Append(long step)
        {
            IStepObserver file = name switch
            {
                "metrics.jsonl" => new MetricsFile(_folder[name]),
                "gradients.jsonl" => new GradientsFile(_folder[name]),
                "main.log" => new LogLines(_folder[name]),
                _ => NewCsv(),
            };
            file.OnStep(TestRecords.Step(step));
            file.OnGradients(TestRecords.Gradients(step));
            ((IDisposable)file).Dispose();
        }
        Append(1);
        string before = Read(name);
        string last = before[(before.TrimEnd('\n').LastIndexOf('\n') + 1)..];
        File.WriteAllText(_folder[name], before[..^3]);
        Append(1);
        string[] lines = Read(name).Split('\n');
        Assert.Contains(last[..^3], lines);
        Assert.Equal([last.TrimEnd('\n'), ""], lines[^2..]);
    }

    [Fact]
    public void LogLines_AreThoseThatLlmcsNotebookParses()
    {
        using (var file = new LogLines(_folder["main.log"]))
        {
            file.OnStep(TestRecords.Step(1) with { Loss = 10.98765, LearningRate = 0.0006 });
            file.OnStep(TestRecords.SkippedStep(2));
            file.OnEvaluation(new EvaluationRecord(2, 3.28754, Best: true));
        }
        Assert.Equal("s:0 trl:10.9877 lr:0.000600 norm:4.25\ns:1 trl:nan lr:0.000300 norm:inf\ns:2 tel:3.2875\n", Read("main.log"));
        // What the notebook does with a line: the first part is the step, trl has four parts and every other stream two.
        foreach (string line in File.ReadAllLines(_folder["main.log"]))
        {
            string[] parts = line.Split();
            Assert.Matches("^s:[0-9]+$", parts[0]);
            Assert.Equal(parts[1].StartsWith("trl:", StringComparison.Ordinal) ? 4 : 2, parts.Length);
        }
    }

    [Fact]
    public void LogLines_Resumed_LoseLaterLines()
    {
        using (var file = new LogLines(_folder["main.log"]))
            for (long step = 1; step <= 4; step++)
            {
                file.OnStep(TestRecords.Step(step));
                file.OnEvaluation(new EvaluationRecord(step, 2, Best: true));
            }
        File.AppendAllText(_folder["main.log"], "s:0 trl:1.");
        using (var file = new LogLines(_folder["main.log"]))
        {
            file.DropAfter(2);
            file.OnStep(TestRecords.Step(3));
        }
        Assert.Equal(
            ["s:0 trl", "s:1 tel", "s:1 trl", "s:2 tel", "s:2 trl"], File.ReadAllLines(_folder["main.log"]).Select(line => line.Split(':', 3) is [var a, var b, ..] ? $"{a}:{b}" : line));
    }

    [Fact]
    public void ConsoleTable_RowsAreAlignedAndEverythingElseIsALine()
    {
        var output = new StringWriter { NewLine = "\n" };
        var table = new ConsoleTable(output, every: 10);
        for (long step = 1; step <= 20; step++)
            table.OnStep(TestRecords.Step(step));
        table.OnStep(TestRecords.SkippedStep(21));
        table.OnEvaluation(new EvaluationRecord(21, 1.5, Best: true));
        table.OnVerdict(TestRecords.Verdict(21));
        table.OnSpike(new SpikeRecord(21, SpikeQuantity.Norm, double.PositiveInfinity, double.PositiveInfinity, 1.25));
        string[] lines = output.ToString().Split('\n');
        Assert.Equal(
            [
                "    step      loss       norm      clip        lr     tok/s",
                "       1    3.5000       4.25     0.250  3.00e-04     61440",
                "      10   12.5000       4.25     0.250  3.00e-04     61440",
                "      20   22.5000       4.25     0.250  3.00e-04     61440",
                "      21       NaN   Infinity     0.000  3.00e-04     61440  skipped",
                "    step 21: validation loss 1.5000, the best so far",
                "    step 21: h.0.attn has had no gradient for 20 steps. Use another activation.",
                "    step 21: norm Infinity stands Infinity deviations above its median 1.25",
                "",
            ],
            lines);
    }

    [Fact]
    public void MetricsFile_Numbers_AreJson()
    {
        using (var file = new MetricsFile(_folder["metrics.jsonl"]))
        {
            file.OnSpike(new SpikeRecord(5, SpikeQuantity.Loss, 9.5, double.PositiveInfinity, 2.25));
            file.OnVerdict(TestRecords.Verdict(6));
        }
        Assert.Equal(
            """
            {"step":5,"spike":"loss","value":9.5,"z":"Infinity","median":2.25}
            {"step":6,"verdict":"DeadTensor","since":5,"summary":"h.0.attn has had no gradient for 20 steps.","remedy":"Use another activation.","tensors":["h.0.attn"]}

            """,
            Read("metrics.jsonl"));
    }

    [Fact]
    public void Steps_OfCsvAndLogLines_AllocateNothing()
    {
        using CsvFile csv = NewCsv();
        using var log = new LogLines(_folder["main.log"]);
        StepRecord step = TestRecords.Step(1);
        GradientRecord gradients = TestRecords.Gradients(1);
        Allocations.AssertNone(() =>
        {
            for (int i = 0; i < 60; i++)
            {
                csv.OnStep(step);
                csv.OnGradients(gradients);
                log.OnStep(step);
            }
        });
    }

    private static void Tell(CsvFile file, long step)
    {
        file.OnStep(TestRecords.Step(step));
        file.OnGradients(TestRecords.Gradients(step));
    }

    private CsvFile NewCsv() => new(_folder["metrics.csv"], _folder["gradients.csv"]);

    private string Read(string name) => File.ReadAllText(_folder[name]);
}
