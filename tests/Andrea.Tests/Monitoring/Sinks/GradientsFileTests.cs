using System.Text.Json;
using Andrea.Monitoring;
using Andrea.Monitoring.Sinks;
using Andrea.Tests.Cpu;
using Andrea.Tests.Support;

namespace Andrea.Tests.Monitoring.Sinks;

public class GradientsFileTests
{
    [Fact]
    public void Records_StandBelowAHeaderOfTheirTensors()
    {
        using var folder = new TemporaryFolder();
        JsonElement[] lines = Write(folder, file =>
        {
            file.OnGradients(TestRecords.Gradients(1));
            file.OnGradients(TestRecords.Gradients(2, updates: true));
        });
        Assert.Equal(["step", "tensors", "lengths", "depths"], Names(lines[0]));
        Assert.Equal(0, lines[0].GetProperty("step").GetInt64());
        Assert.Equal(["wte", "h.0.attn", "h.1.\"mlp\", a"], lines[0].GetProperty("tensors").EnumerateArray().Select(name => name.GetString()));
        Assert.Equal([640L, 256L, 256L], lines[0].GetProperty("lengths").EnumerateArray().Select(length => length.GetInt64()));
        Assert.Equal("[null,0,1]", lines[0].GetProperty("depths").GetRawText());
        Assert.Equal(["step", "coefficient", "skipped", "norm", "max"], Names(lines[1]));
        Assert.Equal(["step", "coefficient", "skipped", "norm", "max", "weight", "update", "rms", "vRatio", "vGrowth"], Names(lines[2]));
        Assert.Equal("[20,21,22]", lines[2].GetProperty("norm").GetRawText());
        Assert.Equal("[0.33333,0.33333,0.33333]", lines[2].GetProperty("rms").GetRawText());
        Assert.Equal(0.5, lines[2].GetProperty("coefficient").GetDouble());
    }

    [Fact]
    public void Coefficients_ThatDiffer_StandTensorByTensor()
    {
        using var folder = new TemporaryFolder();
        GradientRecord record = TestRecords.Gradients(3);
        record.Places[1] = record.Places[1] with { Coefficient = 0.25 };
        JsonElement line = Write(folder, file => file.OnGradients(record))[1];
        Assert.Equal(["step", "coefficient", "skipped", "norm", "max", "coefficients"], Names(line));
        Assert.Equal("[0.5,0.25,0.5]", line.GetProperty("coefficients").GetRawText());
    }

    [Fact]
    public void NonFinite_StandsAsTextWithItsPlace()
    {
        using var folder = new TemporaryFolder();
        GradientRecord record = TestRecords.Gradients(3);
        record.Skipped = true;
        record.Places[1] = record.Places[1] with { Norm = double.PositiveInfinity, MaxMagnitude = float.NaN, NonFiniteCount = 2, FirstNonFinite = 41 };
        record.Places[2] = record.Places[2] with { Norm = 1.23456789e-30 };
        JsonElement line = Write(folder, file => file.OnGradients(record))[1];
        Assert.True(line.GetProperty("skipped").GetBoolean());
        Assert.Equal("[30,\"Infinity\",1.2346E-30]", line.GetProperty("norm").GetRawText());
        Assert.Equal("[0.125,\"NaN\",0.125]", line.GetProperty("max").GetRawText());
        Assert.Equal("[0,2,0]", line.GetProperty("nonFinite").GetRawText());
        Assert.Equal("[-1,41,-1]", line.GetProperty("firstNonFinite").GetRawText());
        Assert.Equal(1.2346e-30, line.GetProperty("norm")[2].GetDouble());
    }

    [Fact]
    public void DropAfter_LaterStepsAndATornLine_AreGoneAndAHeaderComesAgain()
    {
        using var folder = new TemporaryFolder();
        Write(folder, file =>
        {
            for (long step = 1; step <= 4; step++)
                file.OnGradients(TestRecords.Gradients(step));
        });
        File.AppendAllText(folder["gradients.jsonl"], """{"step":2,"coeffi""");
        JsonElement[] lines = Write(folder, file =>
        {
            file.DropAfter(2);
            file.OnGradients(TestRecords.Gradients(3));
        });
        Assert.Equal([0L, 1, 2, 2, 3], lines.Select(line => line.GetProperty("step").GetInt64()));
        Assert.True(lines[3].TryGetProperty("tensors", out _));
        Assert.Single(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void File_WithoutRecords_IsNotMade()
    {
        using var folder = new TemporaryFolder();
        using (var file = new GradientsFile(folder["gradients.jsonl"]))
        {
            file.DropAfter(-1);
            ((IStepObserver)file).OnStep(TestRecords.Step(1));
            file.Flush();
        }
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void Record_AllocatesNothing()
    {
        using var folder = new TemporaryFolder();
        using var file = new GradientsFile(folder["gradients.jsonl"]);
        GradientRecord record = TestRecords.Gradients(1, updates: true);
        Allocations.AssertNone(() =>
        {
            for (int i = 0; i < 60; i++)
                file.OnGradients(record);
        });
    }

    private static IEnumerable<string> Names(JsonElement line) => line.EnumerateObject().Select(property => property.Name);

    private static JsonElement[] Write(TemporaryFolder folder, Action<GradientsFile> write)
    {
        using (var file = new GradientsFile(folder["gradients.jsonl"]))
            write(file);
        return [.. File.ReadLines(folder["gradients.jsonl"]).Select(line => JsonElement.Parse(line))];
    }
}
