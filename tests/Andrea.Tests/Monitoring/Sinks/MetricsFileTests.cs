using System.Text.Json;
using Andrea.Clipping;
using Andrea.Monitoring;
using Andrea.Monitoring.Sinks;
using Andrea.Tests.Support;

namespace Andrea.Tests.Monitoring.Sinks;

public class MetricsFileTests
{
    [Fact]
    public void Step_Usual_HasEveryField()
    {
        JsonElement line = Assert.Single(Write(file => file.OnStep(Step(7))));
        Assert.Equal(
            ["step", "loss", "norm", "normAfter", "coefficient", "clipRate", "skipped", "lr", "tokens", "ms"],
            line.EnumerateObject().Select(property => property.Name));
        Assert.Equal(7, line.GetProperty("step").GetInt64());
        Assert.Equal(2.5, line.GetProperty("loss").GetDouble());
        Assert.Equal(4.0, line.GetProperty("norm").GetDouble());
        Assert.Equal(1.0, line.GetProperty("normAfter").GetDouble());
        Assert.Equal(0.25, line.GetProperty("coefficient").GetDouble());
        Assert.Equal(3.0 / 7, line.GetProperty("clipRate").GetDouble());
        Assert.False(line.GetProperty("skipped").GetBoolean());
        Assert.Equal(3e-4, line.GetProperty("lr").GetDouble());
        Assert.Equal(768, line.GetProperty("tokens").GetInt64());
        Assert.Equal(12.5, line.GetProperty("ms").GetDouble());
    }

    [Fact]
    public void Step_NotFinite_StandsAsText()
    {
        ClipResult clip = Step(7).Clip with
        {
            NormBefore = double.PositiveInfinity,
            NormAfter = double.NegativeInfinity,
            SkipReason = SkipReason.NonFiniteGradients,
            FirstBadTensor = "h.0.\"weight\"",
            FirstBadIndex = 41,
        };
        JsonElement line = Assert.Single(Write(file => file.OnStep(Step(7) with { Loss = double.NaN, Clip = clip })));
        Assert.Equal("NaN", line.GetProperty("loss").GetString());
        Assert.Equal("Infinity", line.GetProperty("norm").GetString());
        Assert.Equal("-Infinity", line.GetProperty("normAfter").GetString());
        Assert.True(line.GetProperty("skipped").GetBoolean());
        Assert.Equal("h.0.\"weight\"", line.GetProperty("firstBadTensor").GetString());
        Assert.Equal(41, line.GetProperty("firstBadIndex").GetInt64());
    }

    [Fact]
    public void OtherRecords_StandOnALineEach()
    {
        JsonElement[] lines = Write(file =>
        {
            file.OnEvaluation(new EvaluationRecord(10, 1.25, Best: true));
            file.OnEvaluation(new EvaluationRecord(20, double.NaN, Best: false));
            file.OnSample(new SampleRecord(20, "two\nlines, \"quoted\""));
            file.OnCheckpoint(new CheckpointRecord(30, Path.Combine("runs", "book", "step-000030")));
        });
        Assert.Equal([10L, 20L, 20L, 30L], lines.Select(line => line.GetProperty("step").GetInt64()));
        Assert.Equal((1.25, true), (lines[0].GetProperty("validationLoss").GetDouble(), lines[0].GetProperty("best").GetBoolean()));
        Assert.Equal(("NaN", false), (lines[1].GetProperty("validationLoss").GetString(), lines[1].GetProperty("best").GetBoolean()));
        Assert.Equal("two\nlines, \"quoted\"", lines[2].GetProperty("sample").GetString());
        Assert.Equal("step-000030", lines[3].GetProperty("checkpoint").GetString());
    }

    public static TheoryData<string> OtherRecords => ["evaluation", "sample", "checkpoint"];

    [Theory, MemberData(nameof(OtherRecords))]
    public void OtherRecord_FileStillOpen_CanBeReadWithTheStepsBefore(string kind)
    {
        using var folder = new TemporaryFolder();
        using var file = new MetricsFile(folder["metrics.jsonl"]);
        file.OnStep(Step(1));
        if (kind == "evaluation")
            file.OnEvaluation(new EvaluationRecord(1, 2, Best: true));
        else if (kind == "sample")
            file.OnSample(new SampleRecord(1, "text"));
        else
            file.OnCheckpoint(new CheckpointRecord(1, "step-000001"));
        Assert.Equal(2, Read(folder).Length);
    }

    [Fact]
    public void Steps_FileStillOpen_CanBeReadFiftyAtATime()
    {
        using var folder = new TemporaryFolder();
        using var file = new MetricsFile(folder["metrics.jsonl"]);
        for (int step = 1; step <= 149; step++)
        {
            file.OnStep(Step(step));
            if (step % 50 == 0)
                Assert.Equal(step, Read(folder).Length);
        }
        Assert.Equal(100, Read(folder).Length);
    }

    [Fact]
    public void Dispose_UnflushedSteps_AreInTheFile() => Assert.Equal(3, Write(file =>
    {
        for (int step = 1; step <= 3; step++)
            file.OnStep(Step(step));
    }).Length);

    [Fact]
    public void Open_FileOfEarlierRun_IsAppendedTo()
    {
        using var folder = new TemporaryFolder();
        for (int step = 1; step <= 2; step++)
            using (var file = new MetricsFile(folder["run/metrics.jsonl"]))
                file.OnStep(Step(step));
        Assert.Equal([1L, 2L], StepsOf(Read(folder, "run/metrics.jsonl")));
    }

    [Fact]
    public void DropAfter_LaterStepsAndATornLine_AreGoneAndTheRestIsUntouched()
    {
        using var folder = new TemporaryFolder();
        string path = folder["metrics.jsonl"];
        using (var file = new MetricsFile(path))
        {
            for (int step = 1; step <= 6; step++)
                file.OnStep(Step(step));
            file.OnEvaluation(new EvaluationRecord(4, 1.5, Best: true));
            file.OnSample(new SampleRecord(6, "späte Zeile"));
        }
        string[] before = File.ReadAllLines(path);
        File.AppendAllText(path, """{"step":3,"loss":1.2""");
        using (var file = new MetricsFile(path))
        {
            file.DropAfter(4);
            // The lines that stay are on the disk already, and what comes next is appended to them.
            Assert.Equal([.. before[..4], before[6]], File.ReadAllLines(path));
            file.OnStep(Step(5));
        }
        Assert.Equal([1L, 2L, 3L, 4L, 4L, 5L], StepsOf(Read(folder)));
        Assert.Equal([path], Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void DropAfter_WholeLineWithoutItsLineFeed_Stays()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["metrics.jsonl"], "{\"step\":1,\"loss\":2}\n{\"step\":2,\"loss\":2}");
        using (var file = new MetricsFile(folder["metrics.jsonl"]))
        {
            file.DropAfter(2);
            file.OnStep(Step(3));
        }
        Assert.Equal([1L, 2L, 3L], StepsOf(Read(folder)));
    }

    [Fact]
    public void New_NoRecordYet_OpensNothing()
    {
        using var folder = new TemporaryFolder();
        using var file = new MetricsFile(folder["metrics.jsonl"]);
        file.DropAfter(-1);
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void DropAfter_UnflushedSteps_AreNotLost()
    {
        using var folder = new TemporaryFolder();
        using var file = new MetricsFile(folder["metrics.jsonl"]);
        for (int step = 1; step <= 3; step++)
            file.OnStep(Step(step));
        file.DropAfter(2);
        Assert.Equal([1L, 2L], StepsOf(Read(folder)));
    }

    private static StepRecord Step(long step) => new()
    {
        Step = step,
        TotalSteps = 1000,
        Loss = 2.5,
        Clip = new ClipResult { Call = 7, NormBefore = 4, NormAfter = 1, Coefficient = 0.25, MaxMagnitude = 2, ClippedCalls = 3, SkippedCalls = 0 },
        LearningRate = 3e-4,
        Tokens = 768,
        Duration = TimeSpan.FromMilliseconds(12.5),
    };

    private static JsonElement[] Write(Action<MetricsFile> write)
    {
        using var folder = new TemporaryFolder();
        using (var file = new MetricsFile(folder["metrics.jsonl"]))
            write(file);
        return Read(folder);
    }

    /// <summary>As another program reads: while the file may be open for writing, and by the letter of JSON.</summary>
    private static JsonElement[] Read(TemporaryFolder folder, string name = "metrics.jsonl")
    {
        using var stream = new FileStream(folder[name], FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(stream);
        string text = reader.ReadToEnd();
        Assert.True(text.Length == 0 || text.EndsWith('\n'));
        return [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonElement.Parse(line))];
    }

    private static IEnumerable<long> StepsOf(IEnumerable<JsonElement> lines) => lines.Select(line => line.GetProperty("step").GetInt64());
}
